"""A dataset is read as one table, in order and in bounded memory."""

from __future__ import annotations

import _thread
import io
import json
import sys
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from conftest import parquet_bytes
from helpers.json_server import JsonServer, Request
from helpers.processes import python_output


def test_rows_are_read_in_file_order(client: sutro.Client, folder: Path) -> None:
    dataset_id = client.upload(folder).dataset_id

    table = pa.table(client.read(dataset_id))

    files = [pq.read_table(folder / f"part-{number}.parquet") for number in range(12)]
    assert table.equals(pa.concat_tables(files))


def test_every_library_that_imports_arrow_streams_can_read_a_dataset(
    client: sutro.Client, folder: Path
) -> None:
    reader = client.read(client.upload(folder).dataset_id)
    texts = [f"part-{number}" for number in range(12) for _ in range(number + 1)]

    assert pl.DataFrame(reader)["text"].to_list() == texts
    assert pd.DataFrame.from_arrow(reader)["text"].to_list() == texts
    assert duckdb.sql("select count(*), max(id) from reader").fetchall() == [(78, 11)]
    assert repr(reader) == f"DatasetReader({reader.dataset_id!r})"


def test_read_uses_the_settings_passed_to_the_call(
    server: sutro.LocalServer, client: sutro.Client, folder: Path
) -> None:
    dataset_id = client.upload(folder).dataset_id

    rows = pa.table(sutro.read(dataset_id, api_key=server.api_key, api_url=server.api_url)).num_rows

    assert rows == 78


def test_files_with_other_list_element_names_and_no_arrow_schema_read_the_same(
    client: sutro.Client,
) -> None:
    table = pa.table(
        {
            "number": pa.array([1, None], pa.int32()),
            "text": pa.array(["a", None], pa.large_string()),
            "when": pa.array([1, 2], pa.timestamp("us", "UTC")),
            "tags": pa.array([["x"], []], pa.list_(pa.string())),
            "place": pa.array([{"x": 1.5}, None], pa.struct([("x", pa.float64())])),
            "kind": pa.array(["u", "v"]).dictionary_encode(),
        }
    )
    old = io.BytesIO()
    # Lists whose elements have another name, and no hint of the Arrow schema.
    pq.write_table(table, old, use_compliant_nested_type=False, store_schema=False)
    dataset_id = client.upload([table, old.getvalue()]).dataset_id

    back = pa.table(client.read(dataset_id))

    assert back.schema.field("tags").type.value_type == pa.string()
    assert back.to_pylist() == table.to_pylist() * 2


def test_the_embedded_server_runs_until_the_reader_is_done(folder: Path, tmp_path: Path) -> None:
    local = f"local:{tmp_path / 'service'}"
    dataset_id = sutro.upload(folder, api_url=local).dataset_id

    stream = pa.RecordBatchReader.from_stream(sutro.read(dataset_id, api_url=local))

    assert stream.read_all().num_rows == 78


def test_an_empty_dataset_has_no_columns_and_an_unknown_one_is_an_error(
    client: sutro.Client,
) -> None:
    assert pa.table(client.read(client.create_dataset())).shape == (0, 0)

    unknown = client.read("dataset-unknown")
    with pytest.raises(sutro.DatasetNotFoundError, match="dataset-unknown"):
        pa.table(unknown)


def test_a_report_passed_instead_of_its_dataset_id_is_rejected_with_a_message(
    client: sutro.Client, folder: Path
) -> None:
    report: Any = client.upload(folder)

    calls = (
        client.read,
        client.list_dataset_files,
        client.download_from_dataset,
        client.delete_dataset,
        partial(client.delete_dataset_file, file_name="a.parquet"),
        partial(client.stage, folder),
        partial(client.commit, []),
        partial(client.upload, folder),
        partial(client.upload_to_dataset, file_paths=folder),
        partial(client.check, folder),
    )
    for call in calls:
        with pytest.raises(TypeError, match="not UploadReport; pass its dataset_id"):
            call(report)


PEAK_OF_READING = """
import re, sys, pyarrow as pa, sutro
def peak_kib():  # the child's alone: `ru_maxrss` would begin with that of its parent
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
reader = sutro.Client(sys.argv[1], sys.argv[2]).read(sys.argv[3])
before = peak_kib()
rows = sum(batch.num_rows for batch in pa.RecordBatchReader.from_stream(reader))
print(rows, peak_kib() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory in /proc")
def test_memory_use_does_not_grow_with_the_dataset(
    server: sutro.LocalServer, client: sutro.Client
) -> None:
    wide = pa.table({"text": [f"{row:06}" * 10_000 for row in range(500)]})
    dataset_id = client.upload([wide] * 10).dataset_id

    output = python_output("-c", PEAK_OF_READING, server.api_key, server.api_url, dataset_id)

    rows, grown_kib = map(int, output.split())
    assert rows == 5000
    assert grown_kib < 150_000, "of 300 MB of text"


class DatasetServer(JsonServer):
    """Serves files that a real server would reject, and can hold back the second one."""

    dataset_id = "d-1"

    def __init__(self, files: dict[str, bytes], *, holds_second: bool = False) -> None:
        super().__init__()
        self.files = files
        self.held_file = list(files)[1] if holds_second else None
        self.asked_for_second = threading.Event()
        self._released = threading.Event()
        self.client = sutro.Client("key", self.api_url)

    def listing(self) -> list[str]:
        return list(self.files)

    def receive(self, body: bytes, request: Request) -> None:
        name = json.loads(body)["file_name"]
        if name == self.held_file:
            self.asked_for_second.set()
            self._released.wait(30)
        content = self.files[name]
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        with suppress(ConnectionError):  # an interrupted reader has closed the connection
            request.wfile.write(content)

    def __exit__(self, *error: object) -> None:
        self._released.set()
        super().__exit__(*error)


def test_a_damaged_first_file_is_reported_by_name() -> None:
    with (
        DatasetServer({"a.parquet": b"PAR1nonsensePAR1"}) as service,
        pytest.raises(sutro.DecodeError, match=r"a\.parquet of the dataset d-1") as error,
    ):
        pa.table(service.client.read("d-1"))

    assert (error.value.dataset_id, error.value.file_name) == ("d-1", "a.parquet")


def damaged_pages() -> bytes:
    """A valid footer with pages that do not match it."""
    good = bytearray(parquet_bytes(1000, "x" * 20))
    good[4:-2000] = b"\xff" * len(good[4:-2000])
    return bytes(good)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (b"", "is empty"),
        (damaged_pages(), "cannot be decoded"),
        (parquet_bytes(3)[:-9] + b"PAR1", "is damaged"),
    ],
)
def test_a_damaged_later_file_is_reported_through_the_reading_library(
    second: bytes, words: str
) -> None:
    files = {"a.parquet": parquet_bytes(3), "b.parquet": second}
    with DatasetServer(files) as service, pytest.raises(OSError, match=words) as error:
        pa.table(service.client.read("d-1"))

    assert "b.parquet of the dataset d-1" in str(error.value)


def test_files_with_another_schema_are_reported() -> None:
    other = io.BytesIO()
    pq.write_table(pa.table({"id": [1], "label": ["x"]}), other)
    files = {"a.parquet": parquet_bytes(3), "b.parquet": other.getvalue()}
    with DatasetServer(files) as service, pytest.raises(OSError, match="columns differ"):
        pa.table(service.client.read("d-1"))


def test_ctrl_c_stops_a_read_that_waits_for_a_file() -> None:
    files = {"a.parquet": parquet_bytes(3), "b.parquet": parquet_bytes(3)}
    with DatasetServer(files, holds_second=True) as service:

        def interrupt() -> None:
            assert service.asked_for_second.wait(30)
            _thread.interrupt_main()

        interrupting = threading.Thread(target=interrupt)
        interrupting.start()
        # The library that reads knows no interrupt: its own error comes first.
        with pytest.raises(KeyboardInterrupt), suppress(pl.exceptions.ComputeError):
            pl.DataFrame(service.client.read("d-1"))
        interrupting.join()


HANDLES = Path("/proc/self/fd")


def open_handles() -> int:
    return len(list(HANDLES.iterdir()))


@pytest.mark.skipif(not HANDLES.is_dir(), reason="counts handles in /proc")
def test_streams_closed_early_leave_no_temporary_files(client: sutro.Client, folder: Path) -> None:
    dataset_id = client.upload(folder).dataset_id

    def read_one_batch() -> None:
        stream = pa.RecordBatchReader.from_stream(client.read(dataset_id))
        assert stream.read_next_batch().num_rows == 1
        stream.close()

    read_one_batch()
    handles = open_handles()
    for _ in range(50):
        read_one_batch()

    # Each holds a file or two for a moment after its end.
    while open_handles() > handles + 10:
        threading.Event().wait(0.01)
