"""A failed call does not consume a one-shot stream unless it needs its rows."""

from __future__ import annotations

import asyncio
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import arro3.core
import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

import sutro
from helpers.streams import StreamWrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TABLE = pa.table({"a": [1, 2]})
OTHER = pa.table({"a": ["x"]})
MORE = pa.table({"a": [1], "b": [1]})


def generator() -> Iterator[pa.Table]:
    yield TABLE


STREAMS: dict[str, Callable[[], Any]] = {
    "reader": TABLE.to_reader,
    "arro3": lambda: arro3.core.RecordBatchReader.from_arrow(TABLE),
    "polars": lambda: pl.DataFrame(TABLE).lazy().collect_batches(),
    "duckdb": lambda: duckdb.arrow(TABLE).to_arrow_reader(),
    "scanner": lambda: ds.Scanner.from_batches(TABLE.to_batches(), schema=TABLE.schema),
    "wrapper": lambda: StreamWrapper(TABLE),
    "generator": generator,
    "generator of streams": lambda: iter([TABLE.to_reader()]),
}
"""Each has the two rows of `TABLE`."""

SOURCES: dict[str, Callable[[Any], Any]] = {
    "alone": lambda stream: stream,
    "list": lambda stream: [stream],
    "longer list": lambda stream: [TABLE, stream],
    "dict": lambda stream: {"new": stream},
}


def upload(client: sutro.Client, source: Any, dataset_id: str | None, given: Any) -> None:
    client.upload(source, dataset_id, **given)


def upload_async(client: sutro.Client, source: Any, dataset_id: str | None, given: Any) -> None:
    asyncio.run(client.upload_async(source, dataset_id, **given))


def dry_run(client: sutro.Client, source: Any, dataset_id: str | None, given: Any) -> None:
    client.upload(source, dataset_id, **given, dry_run=True)


def check(client: sutro.Client, source: Any, dataset_id: str | None, given: Any) -> None:
    report = client.check(source, dataset_id, **given)
    assert not report
    assert report.error is not None
    raise report.error


def check_async(client: sutro.Client, source: Any, dataset_id: str | None, given: Any) -> None:
    report = asyncio.run(client.check_async(source, dataset_id, **given))
    assert report.error is not None
    raise report.error


CALLS = [upload, upload_async, dry_run, check, check_async]


def row_count_of(client: sutro.Client, stream: Any) -> int:
    return sum(file.row_count for file in client.upload(stream))


CONFLICTS: list[tuple[pa.Table, Any]] = [(OTHER, "error"), (MORE, "error"), (MORE, "cast")]
"""Schemas that `TABLE` does not match, whatever its rows are."""


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", STREAMS)
def test_a_schema_that_differs_from_the_dataset_is_rejected_before_reading_rows(
    client: sutro.Client, kind: str, call: Any
) -> None:
    for held, cast in CONFLICTS:
        dataset_id = client.upload({"held": held}).dataset_id
        for where in ["alone"] if "generator" in kind else SOURCES:
            stream = STREAMS[kind]()

            with pytest.raises(sutro.SchemaMismatchError, match="match the dataset"):
                call(client, SOURCES[where](stream), dataset_id, {"on_mismatch": cast})

            assert len(client.list_dataset_files(dataset_id)) == 1
            assert row_count_of(client, stream) == 2, (where, held.schema, cast)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", [kind for kind in STREAMS if "generator" not in kind])
def test_streams_with_different_schemas_are_rejected_before_reading_rows(
    client: sutro.Client, kind: str, call: Any
) -> None:
    for other, cast in CONFLICTS:
        stream, neighbour = STREAMS[kind](), other.to_reader()

        with pytest.raises(sutro.SchemaMismatchError, match="does not match"):
            call(client, [stream, neighbour], None, {"on_mismatch": cast})

        assert row_count_of(client, stream) == 2
        assert row_count_of(client, neighbour) == 1
    assert len(client.list_datasets()) == 2 * len(CONFLICTS), "of the streams themselves"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", STREAMS)
def test_a_name_in_use_out_of_order_is_rejected_before_reading_rows(
    client: sutro.Client, kind: str, call: Any
) -> None:
    dataset_id = client.upload({"a": TABLE, "b": TABLE}).dataset_id
    stream = STREAMS[kind]()
    is_iterator = "generator" in kind
    # `b` stands in the dataset, and the file before it in this upload does not.
    names = ["b", "a"] if is_iterator else ["new", "b"]
    source = stream if is_iterator else [TABLE.to_reader(), stream]

    with pytest.raises(sutro.FileExistsInDatasetError, match=r"already contains b\.parquet"):
        call(client, source, dataset_id, {"names": names})

    assert row_count_of(client, stream) == 2


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", ["reader", "arro3", "polars", "duckdb"])
def test_a_stream_read_for_a_comparison_can_still_be_uploaded(
    client: sutro.Client, kind: str, call: Any
) -> None:
    for ordered in (True, False):
        dataset_id = client.upload({"day": pa.table({"a": [7]})}).dataset_id
        stream, later = STREAMS[kind](), TABLE.to_reader()
        source = {"day": stream, "later": later}

        with pytest.raises(sutro.FileExistsInDatasetError, match="with other content"):
            call(client, source, dataset_id, {"ordered": ordered})

        report = client.upload({"other": stream, "later": later}, dataset_id)
        assert [(file.name, file.row_count) for file in report] == [
            ("other.parquet", 2),
            ("later.parquet", 2),
        ]
        assert pa.table(client.read(dataset_id))["a"].to_pylist() == [7, 1, 2, 1, 2]
        for used in (stream, later):
            with pytest.raises(sutro.FrameError, match=r"read|closed"):
                client.upload(used)


def test_an_interrupted_upload_resumes_with_recreated_streams(
    client: sutro.Client,
) -> None:
    days = {f"day-{number}": pa.table({"a": [number]}) for number in range(12)}
    dataset_id = client.upload(dict(list(days.items())[:10])).dataset_id

    report = client.upload({name: day.to_reader() for name, day in days.items()}, dataset_id)

    assert [file.status for file in report] == ["skipped"] * 10 + ["uploaded"] * 2
    assert pa.table(client.read(dataset_id))["a"].to_pylist() == list(range(12))


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(sys.platform != "linux", reason="its open files are listed")
@pytest.mark.parametrize("made", [pa.Table.to_reader, arro3.core.RecordBatchReader.from_arrow])
def test_buffers_kept_for_streams_are_freed_or_bounded(
    client: sutro.Client, made: Callable[[pa.Table], Any]
) -> None:
    dataset_id = client.upload({"day": OTHER}).dataset_id
    other = pa.table({"a": ["y"]})

    def refused() -> None:
        with pytest.raises(sutro.FileExistsInDatasetError, match="with other content"):
            client.upload({"day": made(other)}, dataset_id)
        gc.collect()

    for _ in range(10):
        refused()
    before = open_files()
    for _ in range(30):
        refused()

    assert open_files() <= before + 2


def test_a_check_notes_that_it_read_no_rows(client: sutro.Client) -> None:
    dataset_id = client.upload(OTHER).dataset_id

    report = client.check(TABLE.to_reader(), dataset_id)

    assert report.notes == ("only names and types were checked: the source can still be uploaded",)
    assert report.problems
    assert "a" in str(report)


def test_a_list_of_frames_without_a_common_type_is_cast_to_the_dataset(
    client: sutro.Client,
) -> None:
    """Each frame can be cast to `int64`, but they have no common type."""
    dataset_id = client.upload(pa.table({"a": [1]})).dataset_id
    frames = [pa.table({"a": pa.array([2], pa.uint64())}), pa.table({"a": [3.0]})]
    for source in (frames, [frame.to_reader() for frame in frames]):
        check = client.check(source, dataset_id, on_mismatch="cast")
        again = frames if source is frames else [frame.to_reader() for frame in frames]
        assert check, check.error
        assert len(client.upload(again, dataset_id, on_mismatch="cast")) == 2
