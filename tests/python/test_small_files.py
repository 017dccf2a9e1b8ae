"""Small files, whose bytes the server stores in its catalog, and files at the limit."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from threading import Barrier
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest

from conftest import SMALL_BYTES, parquet_bytes
from helpers.raw_client import RawClient
from helpers.server_process import API_KEY, ServerProcess
from helpers.small_disk import small_disk
from helpers.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import RunSutro
    from helpers.raw_client import Answer
    from helpers.s3 import S3Server
    from helpers.shared_place import SharedPlace

SIZES = [SMALL_BYTES - 1, SMALL_BYTES, SMALL_BYTES + 1]


@dataclass
class Kept:
    """A place of datasets, in a folder or in PostgreSQL and S3.

    Attributes:
        serve: Starts a server with further options.
        small: Counts the files whose bytes are in the catalog.
        blobs: Counts the others.
        change: Changes the catalog behind the back of the servers.
        options: Name the place for other commands.
        is_shared: Whether several servers can use it.
    """

    serve: Callable[..., ServerProcess]
    small: Callable[[], int]
    blobs: Callable[[], int]
    change: Callable[[str], object]
    options: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    is_shared: bool = False

    def verify(self, run_sutro: RunSutro) -> list[tuple[str, str]]:
        """The kinds and file ids of the findings of `sutro verify`."""
        verified = run_sutro("verify", *self.options, "--json", environment=self.environment)
        found = json.loads(verified.stdout)["findings"]
        return [(finding["kind"], finding["file_id"]) for finding in found]


def kept_in_a_folder(data: Path) -> Kept:
    def query(sql: str) -> list[Any]:
        with closing(sqlite3.connect(data / "catalog.sqlite")) as catalog, catalog:
            return catalog.execute(sql).fetchall()

    return Kept(
        serve=lambda *options: ServerProcess(data, *options),
        small=lambda: int(query("SELECT COUNT(*) FROM small_blobs")[0][0]),
        blobs=lambda: len(list((data / "blobs").iterdir())),
        change=query,
        options=["--data", str(data)],
    )


def kept_by_servers(place: SharedPlace, store: S3Server) -> Kept:
    return Kept(
        serve=place.serve,
        small=lambda: int(place.query("SELECT COUNT(*) FROM small_blobs")[0][0]),
        blobs=lambda: len(place.objects()),
        change=place.query,
        options=place.options(),
        environment=store.environment(),
        is_shared=True,
    )


@pytest.fixture(params=["folder", "PostgreSQL and S3"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    if request.param == "folder":
        return kept_in_a_folder(tmp_path / "served")
    return kept_by_servers(request.getfixturevalue("place"), request.getfixturevalue("store"))


def file_of(size: int) -> bytes:
    """A file of exactly this many bytes: the rest stands between its pages and its footer."""
    content = parquet_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    return content[:footer] + bytes(size - len(content)) + content[footer:]


def get(served: ServerProcess, path: str, *, asked: str | None = None) -> tuple[int, bytes]:
    """Read a path, or a range of it."""
    headers = {"Authorization": f"Key {API_KEY}"}
    if asked is not None:
        headers["Range"] = f"bytes={asked}"
    with closing(HTTPConnection(urlsplit(served.api_url).netloc, timeout=30)) as connection:
        connection.request("GET", quote(path), headers=headers)
        response = connection.getresponse()
        return response.status, response.read()


def test_files_at_the_limit_are_what_was_sent_wherever_their_bytes_are(
    kept: Kept, run_sutro: RunSutro
) -> None:
    contents = {f"{kind}-{size}.parquet": file_of(size) for kind in "su" for size in SIZES}
    with kept.serve() as served:
        client = RawClient(served.api_url, API_KEY)
        dataset_id = client.create_dataset()
        staged = []
        for name, content in contents.items():
            if name.startswith("s"):
                answer = client.stage(dataset_id, name, content).body
                hash_ = hashlib.sha256(content).hexdigest()
                assert (answer["sha256"], answer["size_bytes"]) == (hash_, len(content))
                staged.append(answer["staged_id"])
        assert kept.verify(run_sutro) == []
        assert client.commit(dataset_id, 0, staged).status == 200
        for name, content in contents.items():
            if name.startswith("u"):
                assert client.upload(dataset_id, name, content).status == 200
        assert (kept.small(), kept.blobs()) == (4, 2)
        assert kept.verify(run_sutro) == []

    with kept.serve() as served:
        client = RawClient(served.api_url, API_KEY)
        listed = client.post("list-dataset-files", dataset_id=dataset_id).body["files"]
        assert [(file["file_name"], file["size_bytes"], file["sha256"]) for file in listed] == [
            (name, len(content), hashlib.sha256(content).hexdigest())
            for name, content in contents.items()
        ]
        for name, content in contents.items():
            path = f"/datasets/{dataset_id}/files/{name}"
            assert client.download(dataset_id, name) == (200, content)
            assert get(served, path) == (200, content)
            size = len(content)
            for asked, expected in [
                ("0-0", content[:1]),
                (f"{size - 1}-", content[-1:]),
                ("-8", content[-8:]),
                (f"{size - 9}-{size + 9}", content[-9:]),
            ]:
                assert get(served, path, asked=asked) == (206, expected), (name, asked)
            assert get(served, path, asked=f"{size}-")[0] == 416


def test_nothing_is_left_of_files_that_are_deleted_or_expire(
    kept: Kept, run_sutro: RunSutro
) -> None:
    with kept.serve("--stage-expiry", "3") as served:
        client = RawClient(served.api_url, API_KEY)
        stays, goes = client.create_dataset(), client.create_dataset()
        for size in SIZES:
            for dataset_id in (stays, goes):
                assert client.upload(dataset_id, f"{size}.parquet", file_of(size)).status == 200
                assert client.stage(dataset_id, f"s{size}.parquet", file_of(size)).status == 200
        assert client.post("delete-dataset", dataset_id=goes).status == 200
        name = f"{SMALL_BYTES}.parquet"
        assert client.post("delete-dataset-file", dataset_id=stays, file_name=name).status == 200
        assert client.download(stays, name)[0] == 404
        wait_for(lambda: (kept.small(), kept.blobs()) == (1, 1))
        assert kept.verify(run_sutro) == []
        # All of it can be used again.
        assert client.upload(stays, name, file_of(SMALL_BYTES)).status == 200
        assert client.download(stays, name) == (200, file_of(SMALL_BYTES))


def test_damaged_and_missing_bytes_in_the_catalog_are_named(
    kept: Kept, run_sutro: RunSutro
) -> None:
    with kept.serve() as served:
        client = RawClient(served.api_url, API_KEY)
        dataset_id = client.create_dataset()
        names = [f"{number}.parquet" for number in range(3)]
        damaged, gone, staged = (
            client.upload(dataset_id, names[0], parquet_bytes()).body["file_id"],
            client.upload(dataset_id, names[1], parquet_bytes()).body["file_id"],
            client.stage(dataset_id, names[2], parquet_bytes()).body["staged_id"],
        )
        kept.change(
            "UPDATE small_blobs SET bytes = (SELECT bytes FROM small_blobs "
            f"WHERE file_id = '{staged}') || bytes WHERE file_id = '{damaged}'"
        )
        kept.change(f"DELETE FROM small_blobs WHERE file_id IN ('{gone}', '{staged}')")
        assert sorted(kept.verify(run_sutro)) == sorted(
            [("damaged", damaged), ("missing", gone), ("missing", staged)]
        )
        assert [client.download(dataset_id, name)[0] for name in names[:2]] == [500, 500]
        assert client.commit(dataset_id, 2, [staged]).status == 200


def test_of_two_drivers_that_commit_to_one_dataset_exactly_one_succeeds(kept: Kept) -> None:
    with ExitStack() as servers, ThreadPoolExecutor(2) as drivers:
        count = 2 if kept.is_shared else 1
        urls = [servers.enter_context(kept.serve()).api_url for _ in range(count)]
        clients = [RawClient(urls[0], API_KEY), RawClient(urls[-1], API_KEY)]
        start = Barrier(2)
        for _ in range(20):
            dataset_id = clients[0].create_dataset()
            staged = [
                [
                    client.stage(dataset_id, f"{driver}-{size}.parquet", file_of(size))
                    for size in SIZES
                ]
                for driver, client in enumerate(clients)
            ]
            ids = [[answer.body["staged_id"] for answer in answers] for answers in staged]

            def commit(driver: int, dataset_id: str = dataset_id, ids: Any = ids) -> Answer:
                start.wait()
                return clients[driver].commit(dataset_id, 0, ids[driver])

            answers = list(drivers.map(commit, range(2)))
            assert sorted(answer.status for answer in answers) == [200, 412]
            winner = [answer.status for answer in answers].index(200)
            assert answers[1 - winner].body["file_count"] == len(SIZES)
            listed = clients[1 - winner].post("list-dataset-files", dataset_id=dataset_id)
            assert [file["file_id"] for file in listed.body["files"]] == ids[winner]


def test_names_and_ids_that_no_file_can_have_are_not_found(kept: Kept) -> None:
    with kept.serve() as served:
        client = RawClient(served.api_url, API_KEY)
        dataset_id = client.create_dataset()
        staged_id = client.stage(dataset_id, "a.parquet", parquet_bytes()).body["staged_id"]
        for odd in ("\0", "a\0.parquet", "x" * 40_000, "\ufffe", "'; --", "%", ""):
            for answer in (
                client.commit(dataset_id, 0, [staged_id, odd]),
                client.post("delete-dataset-file", dataset_id=dataset_id, file_name=odd),
                client.post("delete-dataset", dataset_id=odd),
                client.post("list-dataset-files", dataset_id=odd),
            ):
                assert answer.status == 404, (odd[:9], answer)
            assert client.download(dataset_id, odd)[0] == 404
            assert get(served, f"/datasets/{dataset_id}/files/{odd[:999]}")[0] == 404
        assert client.health().status == 200
        assert client.commit(dataset_id, 0, [staged_id]).status == 200


CATALOG_IS_FULL = """
CREATE FUNCTION is_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
END $$;
CREATE TRIGGER is_full BEFORE INSERT ON TABLE_ FOR EACH ROW EXECUTE FUNCTION is_full();
"""


@pytest.mark.parametrize(
    ("table", "full", "blobs"),
    [("small_blobs", {0, 3}, 1), ("staged", {0, 1}, 0), ("files", {2, 3}, 1)],
)
def test_a_full_database_is_reported_and_used_again_once_there_is_space(
    place: SharedPlace, table: str, full: set[int], blobs: int
) -> None:
    with place.serve() as served:
        client = RawClient(served.api_url, API_KEY)
        dataset_id = client.create_dataset()
        before = client.stage(dataset_id, "before.parquet", parquet_bytes()).body["staged_id"]
        small, large = parquet_bytes(), file_of(SMALL_BYTES + 1)

        def requests() -> list[int]:
            return [
                client.stage(dataset_id, "small.parquet", small).status,
                client.stage(dataset_id, "large.parquet", large).status,
                client.commit(dataset_id, 0, [before]).status,
                client.upload(dataset_id, "upload.parquet", small).status,
            ]

        place.query(CATALOG_IS_FULL.replace("TABLE_", table))
        assert requests() == [507 if number in full else 200 for number in range(4)]
        assert len(place.objects()) == blobs
        assert client.health().status == 200
        place.query(f"DROP TRIGGER is_full ON {table}")
        # What went through before is a commit again, or a name in use.
        again = [200, 200, 200, 200 if 3 in full else 409]
        assert requests() == again


def test_a_folder_that_fills_up_with_small_files_keeps_exactly_those_it_acknowledged(
    tmp_path: Path,
) -> None:
    content = file_of(20_000)
    with small_disk(tmp_path / "disk", 1_000) as disk:
        data = tmp_path / "disk" / "served"
        staged: list[str] = []
        with ServerProcess(data, wrapper=disk.wrapper) as served:
            client = RawClient(served.api_url, API_KEY)
            dataset_id = client.create_dataset()
            disk.fill(leave_kib=400)
            while True:
                answer = client.stage(dataset_id, f"{len(staged)}.parquet", content)
                if answer.status != 200:
                    break
                staged.append(answer.body["staged_id"])
            assert (answer.status, "no disk space" in answer.body["error"]) == (507, True)
            assert len(staged) > 5
            assert json.loads(get(served, "/uploads")[1])["staged"]["file_count"] == len(staged)
            disk.fill(leave_kib=0)
            # The catalog may have all the space that the commit needs.
            status = client.commit(dataset_id, 0, staged).status
            files = client.post("list-dataset-files", dataset_id=dataset_id).body["files"]
            assert (status, len(files)) in {(507, 0), (200, len(staged))}
            disk.free()
            assert client.commit(dataset_id, 0, staged).status == 200
        with ServerProcess(data, wrapper=disk.wrapper) as served:
            client = RawClient(served.api_url, API_KEY)
            files = client.commit(dataset_id, 0, staged).body["files"]
            assert [file["file_id"] for file in files] == staged
            for file in files:
                assert client.download(dataset_id, file["file_name"]) == (200, content)
            assert json.loads(get(served, "/uploads")[1])["staged"]["file_count"] == 0
