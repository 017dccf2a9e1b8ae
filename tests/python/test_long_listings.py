"""Memory needed for listings of datasets with very many files and columns."""

from __future__ import annotations

import itertools
import json
import re
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import sutro
from helpers.background_server import BackgroundServer, QuietHandler
from helpers.long_datasets import long_dataset, wide_file
from helpers.server_process import API_KEY, ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from conftest import RunSutro

FILES = 100_000
COLUMNS = 5_000
MAX_MEGABYTES = 100
ALLOWANCE_BYTES = 100_000_000

# Peak memory in kB. The child's alone: `ru_maxrss` would begin with that of its parent.
TELL_PEAK = """
import re
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


def peak_megabytes(served: ServerProcess) -> float:
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1000


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory in /proc")
@pytest.mark.timeout(300)
def test_listing_appending_and_resuming_100000_files_of_5000_columns_needs_less_than_100_mb(
    tmp_path: Path, run_python: RunSutro
) -> None:
    service, dataset_id = long_dataset(tmp_path, FILES, COLUMNS)
    for name in ("new-0.parquet", "new-1.parquet"):
        wide_file(tmp_path / name, COLUMNS)
    upload = f"report = client.upload(paths, {dataset_id!r}, progress=False)\n"
    statuses = "assert [file.status for file in report] == [{}], report\n"
    with ServerProcess(service) as served:
        for work in (
            f"assert len(client.list_dataset_files({dataset_id!r})) == {FILES}\n",
            "paths = ['new-0.parquet']\n" + upload + statuses.format("'uploaded'"),
            "paths = ['new-0.parquet', 'new-1.parquet']\n"
            + upload
            + statuses.format("'skipped', 'uploaded'"),
        ):
            connect = f"import sutro\nclient = sutro.Client({API_KEY!r}, {served.api_url!r})\n"
            done = run_python("-c", connect + work + TELL_PEAK)
            assert done.returncode == 0, done.stderr
            assert int(done.stdout.split()[-1]) / 1000 <= MAX_MEGABYTES, work
        assert peak_megabytes(served) <= MAX_MEGABYTES


def call(served: ServerProcess, name: str, **question: object) -> Any:
    request = urllib.request.Request(
        f"{served.api_url}/{name}",
        json.dumps(question).encode(),
        {"Authorization": f"Key {API_KEY}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_a_full_listing_and_a_paged_listing_contain_the_same_files(tmp_path: Path) -> None:
    service, dataset_id = long_dataset(tmp_path, 25_000, 3)
    with ServerProcess(service) as served:
        whole = call(served, "list-dataset-files", dataset_id=dataset_id)
        names = call(served, "legacy/list-dataset-files", dataset_id=dataset_id)
        question: dict[str, object] = {"dataset_id": dataset_id, "compact": True}
        pages = [call(served, "list-dataset-files", **question)]
        # A file that comes meanwhile takes no other one's place.
        served.client().upload(wide_file(tmp_path / "new.parquet", 3), dataset_id)
        while after := pages[-1].get("next"):
            pages.append(call(served, "list-dataset-files", **question, after=after))
        listed = served.client().list_dataset_files(dataset_id)
    columns = [{"name": f"column_{n}", "type": "int64"} for n in range(3)]
    for file in whole["files"]:
        assert file.pop("schema") == {"fields": columns}
    paged = [file for page in pages for file in page["files"]]
    assert len(pages) > 2
    schemas = [page.get("dataset_schema") for page in pages]
    assert schemas == [whole["dataset_schema"], *[None] * (len(pages) - 1)]
    assert paged[:-1] == whole["files"]
    assert paged[-1]["file_name"] == "new.parquet"
    assert [file["file_name"] for file in whole["files"]] == names["files"]
    assert [file.file_name for file in listed] == [file["file_name"] for file in paged]
    assert {file.schema for file in listed} == {
        tuple((column["name"], column["type"]) for column in columns)
    }


@pytest.mark.parametrize("after", ["-1", "x", "4294967296", ""])
def test_an_invalid_page_token_is_rejected(tmp_path: Path, after: str) -> None:
    with ServerProcess(tmp_path / "service") as served:
        dataset_id = served.client().create_dataset()
        question = {"dataset_id": dataset_id, "compact": True}
        with pytest.raises(urllib.error.HTTPError) as refused:
            call(served, "list-dataset-files", **question, after=after)
        assert refused.value.code == 400
        assert "'after'" in json.load(refused.value)["error"]
        assert call(served, "list-dataset-files", **question, after="7") == {"files": []}


class ListingServer(BackgroundServer):
    """A server of the API whose listings are made by a function."""

    def __init__(self, answer: Callable[[dict[str, Any]], Iterable[bytes]]) -> None:
        class Handler(QuietHandler):
            def do_POST(self) -> None:  # noqa: N802 - named by its base
                question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                with suppress(OSError):  # the client may close the connection early
                    for piece in answer(question):
                        self.wfile.write(piece)

        super().__init__(Handler)

    def client(self) -> sutro.Client:
        return sutro.Client("key-of-the-tests", self.api_url)


ODD_VALUES = [None, "7", 7.0, -7, 1e300, True, "seven", [], {}, [[{"a": [1]}]], {"fields": 7}]


@pytest.mark.parametrize(
    "field", ["file_id", "uploaded_at", "size_bytes", "row_count", "sha256", "schema", "unknown"]
)
def test_invalid_values_of_optional_fields_do_not_break_a_listing(field: str) -> None:
    files = [{"file_name": f"{n}.parquet", field: odd} for n, odd in enumerate(ODD_VALUES)]
    answer = json.dumps({"files": [*files, "name.parquet"], "next": 7, "dataset_schema": 7})
    with ListingServer(lambda _: [answer.encode()]) as service:
        listed = service.client().list_dataset_files("dataset-1")
    assert [file.file_name for file in listed] == [
        *(file["file_name"] for file in files),
        "name.parquet",
    ]
    if field == "size_bytes":
        assert [file.size_bytes for file in listed[:5]] == [None, 7, 7, None, None]


def test_a_server_without_paging_is_asked_once() -> None:
    questions: list[dict[str, Any]] = []

    def answer(question: dict[str, Any]) -> list[bytes]:
        questions.append(question)
        return [b'{"files": ["a.parquet", "b.parquet"]}']

    with ListingServer(answer) as service:
        assert len(service.client().list_dataset_files("dataset-1")) == 2
    assert questions == [{"dataset_id": "dataset-1", "compact": True}]


@pytest.mark.parametrize("next_page", ["1", "2"])
@pytest.mark.parametrize("files", [[], ["a.parquet"]])
def test_endless_pages_are_an_error(next_page: str, files: list[str]) -> None:
    answer = json.dumps({"files": files, "next": next_page}).encode()
    with (
        ListingServer(lambda _: [answer]) as service,
        pytest.raises(sutro.SutroError, match="does not end"),
    ):
        service.client().list_dataset_files("dataset-1")


def bare_names(name: bytes, size: int) -> Iterator[bytes]:
    yield b'{"files": ["first"'
    names = (b',"' + name + b'"') * 10_000
    for _ in range(size // len(names)):
        yield names
    yield b"]}"


def endless(begin: bytes, piece: bytes) -> Iterator[bytes]:
    yield b'{"files": ' + begin
    while True:
        yield piece * 10_000


def other_schemas() -> Iterator[bytes]:
    yield b'{"files": ["first"'
    fields = b'{"name":"","type":""},' * 10_000
    for number in itertools.count():
        last = b'{"name":"%d","type":""}' % number
        yield b',{"file_name":"a","schema":{"fields":[%s%s]}}' % (fields, last)


HOSTILE: dict[str, Callable[[], Iterator[bytes]]] = {
    "empty names": lambda: bare_names(b"", 50_000_000),
    "short names": lambda: bare_names(b"a", 50_000_000),
    "names": lambda: bare_names(b"part-00001.parquet", 50_000_000),
    "long names": lambda: bare_names(b"a" * 200, 50_000_000),
    "endless blanks": lambda: endless(b'["first"', b" "),
    "an endless name": lambda: endless(b'["', b"a"),
    "an endless number": lambda: endless(b'[{"file_name": "a", "size_bytes": 1', b"0"),
    "endless files": lambda: endless(b'["first"', b',"a"'),
    "another schema for each file": other_schemas,
}


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory of a child")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_listing_needs_at_most_three_times_its_size_in_memory_or_is_rejected(
    kind: str, run_python: RunSutro
) -> None:
    received = 0

    def answer(_: dict[str, Any]) -> Iterator[bytes]:
        nonlocal received
        for piece in HOSTILE[kind]():
            received += len(piece)
            yield piece

    with ListingServer(answer) as service:
        done = run_python(
            "-c",
            f"import sutro{TELL_PEAK}"
            f"client = sutro.Client('key-of-the-tests', {service.api_url!r}, max_retries=0)\n"
            "try: client.list_dataset_files('dataset-1')\n"
            "except sutro.SutroError as error: print(type(error).__name__)" + TELL_PEAK,
        )
    assert done.returncode == 0, done.stderr
    before, *_, after = (line for line in done.stdout.split() if line.isdigit())
    assert int(after) - int(before) <= (3 * received + ALLOWANCE_BYTES) / 1000, done.stdout
