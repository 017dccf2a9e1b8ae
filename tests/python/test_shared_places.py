"""Several servers with one database and one S3 store keep the contract of a single one."""

from __future__ import annotations

import random
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pyarrow.parquet as pq
import pytest

import sutro
from conftest import PARTS, large_parquet_bytes, parquet_bytes
from helpers import s3
from helpers.load import Uploader
from helpers.shared_place import raw_client
from helpers.store_proxy import StoreProxy
from helpers.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from helpers.raw_client import RawClient
    from helpers.s3 import S3Server
    from helpers.server_process import ServerProcess
    from helpers.shared_place import SharedPlace

SENDERS = 4
KILLS = 5
LARGE = 12 << 20
"""Bytes of a file that is sent in several parts."""


def large_file() -> bytes:
    return parquet_bytes(6, random.randbytes(LARGE // 12).hex())


def health(served: ServerProcess) -> int:
    return raw_client(served).health().status


def metrics(served: ServerProcess) -> str:
    with urlopen(f"{served.api_url}/metrics", timeout=30) as answer:
        return str(answer.read().decode())


def listed(client: RawClient, dataset_id: str) -> list[str]:
    answer = client.post("list-dataset-files", dataset_id=dataset_id)
    return [file["file_name"] for file in answer.body["files"]]


def test_what_one_server_has_taken_each_of_them_knows_and_returns(
    place: SharedPlace, folder: Path
) -> None:
    with place.serve() as one, place.serve() as other:
        report = one.client().upload(folder)
        dataset = report.dataset_id
        client = other.client()
        assert [file.file_name for file in client.list_dataset_files(dataset)] == PARTS
        rows = sum(pq.read_metadata(folder / name).num_rows for name in PARTS)
        assert client.read(dataset).to_arrow().num_rows == rows
        again = client.upload(folder, dataset_id=dataset)
        assert {file.status for file in again} == {"skipped"}
        first, second = raw_client(one), raw_client(other)
        content = large_file()
        assert first.upload(dataset, "large.parquet", content).status == 200
        assert second.download(dataset, "large.parquet") == (200, content)


def test_every_rule_of_a_dataset_holds_for_all_servers_together(place: SharedPlace) -> None:
    with place.serve() as one, place.serve() as other:
        first, second = raw_client(one), raw_client(other)
        dataset = first.create_dataset()
        content = parquet_bytes()
        assert second.post(f"create-dataset?dataset_id={dataset}").status == 409
        assert first.upload(dataset, "a.parquet", content).status == 200
        assert second.upload(dataset, "A.parquet", content).status == 409
        assert second.upload(dataset, "b.parquet", b"PAR1 is no file PAR1").status == 400
        assert second.upload("none", "b.parquet", content).status == 404
        staged = [
            client.stage(dataset, f"{name}.parquet", content).body["staged_id"]
            for name, client in (("c", first), ("b", second))
        ]
        assert second.commit(dataset, 0, staged).status == 412
        committed = second.commit(dataset, 1, staged)
        assert (committed.status, committed.body["file_count"]) == (200, 3)
        assert first.commit(dataset, 1, staged).body == committed.body
        assert listed(first, dataset) == ["a.parquet", "c.parquet", "b.parquet"]
        stranger = sutro.Client("another-key", one.api_url)
        with pytest.raises(sutro.SutroError, match="API key"):
            stranger.list_dataset_files(dataset)


@pytest.mark.timeout(180)
def test_servers_that_are_killed_under_load_lose_nothing_that_was_acknowledged(
    place: SharedPlace,
) -> None:
    with place.serve() as steady:
        client = raw_client(steady)
        datasets = [client.create_dataset() for _ in range(SENDERS)]
        sent: dict[str, dict[str, bytes]] = {dataset: {} for dataset in datasets}
        answered: dict[str, list[str]] = {dataset: [] for dataset in datasets}
        for _ in range(KILLS):
            with place.serve() as served:
                news = threading.Event()
                uploaders = [
                    Uploader(raw_client(served), dataset, len(sent[dataset]), news)
                    for dataset in datasets
                ]
                for uploader in uploaders:
                    uploader.start()
                for _ in range(random.randrange(1, 9)):
                    assert news.wait(30)
                    news.clear()
                served.end(signal.SIGKILL)
                for dataset, uploader in zip(datasets, uploaders, strict=True):
                    uploader.join()
                    sent[dataset] |= uploader.sent
                    answered[dataset] += uploader.acknowledged
            # The one that lives serves the same datasets meanwhile.
            name = f"steady-{len(answered[datasets[0]])}.parquet"
            if name not in sent[datasets[0]]:
                sent[datasets[0]][name] = parquet_bytes()
                assert client.upload(datasets[0], name, parquet_bytes()).status == 200
                answered[datasets[0]].append(name)
        for dataset in datasets:
            names = listed(client, dataset)
            assert [name for name in names if name in answered[dataset]] == answered[dataset]
            assert len(names) - len(answered[dataset]) <= KILLS
            for name in names:
                assert client.download(dataset, name) == (200, sent[dataset][name])


def outage_is_reported_and_ends_by_itself(
    served: ServerProcess, begin: Callable[[], None], end: Callable[[], None]
) -> None:
    """Upload before, during and after an outage of the store."""
    client = raw_client(served)
    dataset = client.create_dataset()
    contents = {"small": parquet_bytes(), "large": large_file()}
    for name, content in contents.items():
        assert client.upload(dataset, f"{name}-before.parquet", content).status == 200
    begin()
    try:
        answer = client.upload(dataset, "large-during.parquet", contents["large"])
        assert answer.status == 503
        assert answer.retry_after is not None
        assert "file store" in answer.body["error"]
        assert health(served) == 503
        assert client.download(dataset, "large-before.parquet")[0] == 503
        # The catalog stores small files.
        small = contents["small"]
        assert client.upload(dataset, "small-during.parquet", small).status == 200
        assert client.download(dataset, "small-before.parquet") == (200, small)
        assert "sutro_blobs_reachable 0" in metrics(served)
    finally:
        end()
    wait_for(lambda: health(served) == 200)
    assert "sutro_blobs_reachable 1" in metrics(served)
    for name, content in contents.items():
        assert client.upload(dataset, f"{name}-after.parquet", content).status == 200
        for when in ("before", "after"):
            assert client.download(dataset, f"{name}-{when}.parquet") == (200, content)
    assert len(listed(client, dataset)) == 5


@pytest.mark.timeout(180)
def test_a_store_that_is_killed_is_reported_and_used_again_after_its_start(
    place: SharedPlace, store: S3Server
) -> None:
    with place.serve("--blobs-option=timeout=2") as served:
        outage_is_reported_and_ends_by_itself(served, store.kill, store.start)


@pytest.mark.timeout(180)
@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
def test_a_store_that_is_frozen_is_reported_and_used_again_when_it_continues(
    place: SharedPlace, store: S3Server
) -> None:
    with place.serve("--blobs-option=timeout=2") as served:
        outage_is_reported_and_ends_by_itself(served, store.pause, store.resume)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("status", ["500 Internal Server Error", "503 Slow Down"])
def test_a_store_that_is_overloaded_is_reported_and_used_again_when_it_is_not(
    place: SharedPlace, store: S3Server, status: str
) -> None:
    with (
        StoreProxy(int(store.endpoint.rpartition(":")[2])) as proxy,
        place.serve("--blobs-option=timeout=2", endpoint=proxy.url) as served,
    ):
        outage_is_reported_and_ends_by_itself(
            served, lambda: proxy.answer(status), lambda: proxy.answer(None)
        )


def test_no_secret_of_the_store_is_shown(place: SharedPlace, store: S3Server) -> None:
    options = ("--blobs-option=timeout=1", "-v")
    with StoreProxy(int(store.endpoint.rpartition(":")[2])) as proxy:
        with place.serve(*options, endpoint=proxy.url) as served:
            client = raw_client(served)
            dataset = client.create_dataset()
            proxy.answer("403 Forbidden")
            assert client.upload(dataset, "a.parquet", large_parquet_bytes()).status == 503
            _, log = served.end()
        assert "does not respond" in log
        assert s3.SECRET not in log


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.timeout(180)
def test_uploads_take_two_mebibytes_each_and_forty_megabytes_together(place: SharedPlace) -> None:
    uploads, content = 24, large_file()
    with place.serve() as served:
        client = raw_client(served)
        dataset = client.create_dataset()
        assert client.upload(dataset, "first.parquet", parquet_bytes()).status == 200
        before = _peak_memory(served)
        threads = [
            threading.Thread(target=client.upload, args=[dataset, f"{number}.parquet", content])
            for number in range(uploads)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(listed(client, dataset)) == uploads + 1
        assert _peak_memory(served) - before <= uploads * (2 << 20) + 40_000_000


def _peak_memory(served: ServerProcess) -> int:
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
