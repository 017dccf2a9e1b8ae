"""Frames of any library become files, in order, as fast as the upload accepts them."""

from __future__ import annotations

import asyncio
import io
import sys
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from conftest import without_fingerprints, write_parquet
from helpers.datasets import names_in
from helpers.processes import python_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from helpers.holding_server import HoldingServer


def numbers(start: int, rows: int = 100) -> pa.Table:
    return pa.table({"id": range(start, start + rows), "text": [f"row {start}"] * rows})


def downloaded(client: sutro.Client, report: sutro.UploadReport, folder: Path) -> list[Path]:
    return client.download_from_dataset(report.dataset_id, output_path=folder)


def pandas_frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "int": [1, 2, 3],
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "float": [0.5, float("nan"), -1.0],
            "text": ["a", None, "ß"],
            "category": pd.Categorical(["x", "y", "x"]),
            "time": pd.date_range("2026-01-01", periods=3, tz="Europe/Berlin"),
            "naive": pd.date_range("2026-01-01", periods=3),
            "flag": [True, False, True],
        }
    )


def test_a_pandas_frame_round_trips_unchanged(client: sutro.Client, tmp_path: Path) -> None:
    report = client.upload(pandas_frame())

    (path,) = downloaded(client, report, tmp_path)
    assert without_fingerprints([path.name]) == ["part-00000.parquet"]
    assert report.files[0].row_count == 3
    pd.testing.assert_frame_equal(pd.read_parquet(path), pandas_frame())


def test_python_objects_in_a_polars_frame_are_rejected_before_sending(
    client: sutro.Client,
) -> None:
    frames = [pl.DataFrame({"id": [1]}), pl.DataFrame({"id": [1], "thing": [object()]})]

    with pytest.raises(sutro.FrameError, match="frame 1: column 'thing' has Python objects"):
        client.upload(frames)

    assert client.list_datasets() == []


@pytest.mark.parametrize("value", [None, [], {"x": None}])
def test_a_polars_column_without_a_type_is_rejected_before_sending(
    client: sutro.Client, value: object
) -> None:
    frames = [pl.DataFrame({"id": [1]}), pl.DataFrame({"id": [1], "gap": [value]})]

    with pytest.raises(sutro.FrameError, match="frame 1: column 'gap' has no values"):
        client.upload(frames, on_mismatch="cast")

    assert client.list_datasets() == []


def test_a_polars_column_named_null_is_uploaded(client: sutro.Client) -> None:
    kinds = pl.Series(["Null"], dtype=pl.Enum(["Null"]))

    report = client.upload(pl.DataFrame({"Null": kinds, "parts": [{"Null": 1}]}))

    assert report[0].row_count == 1


def test_a_polars_frame_round_trips_unchanged(client: sutro.Client, tmp_path: Path) -> None:
    frame = pl.DataFrame(pandas_frame()).with_columns(
        tags=pl.Series([["a", "b"], [], None]),
        person=pl.Series([{"name": "a", "age": 1}, None, {"name": None, "age": 3}]),
    )

    (path,) = downloaded(client, client.upload(frame), tmp_path)

    assert pl.read_parquet(path).equals(frame)


def test_a_pyarrow_table_round_trips_unchanged(client: sutro.Client, tmp_path: Path) -> None:
    table = pa.table(
        {
            "large": pa.array(["a", None], pa.large_string()),
            "dictionary": pa.array(["x", "x"]).dictionary_encode(),
            "list": pa.array([[1, None], None], pa.list_(pa.int16())),
            "decimal": pa.array([1, 2], pa.decimal128(20, 3)),
        }
    )

    (path,) = downloaded(client, client.upload(table), tmp_path)

    assert pq.read_table(path).equals(table)


def test_a_duckdb_relation_round_trips_unchanged(client: sutro.Client, tmp_path: Path) -> None:
    relation = duckdb.sql("select range as id, 'row ' || range as text from range(5000)")

    (path,) = downloaded(client, client.upload(relation), tmp_path)

    assert duckdb.sql(f"select * from '{path}'").fetchall() == relation.fetchall()


@pytest.mark.parametrize("kind", [list, tuple, iter])
def test_frames_are_numbered_and_stay_in_order(
    client: sutro.Client, tmp_path: Path, kind: Callable[[Any], Any]
) -> None:
    frames = [numbers(start) for start in range(0, 1200, 100)]

    report = client.upload(kind(frames))

    names = [f"part-{number:05}.parquet" for number in range(12)]
    assert without_fingerprints(names_in(client, report.dataset_id)) == names
    paths = downloaded(client, report, tmp_path)
    assert pa.concat_tables(map(pq.read_table, paths))["id"].to_pylist() == list(range(1200))


def test_the_keys_of_a_dict_name_its_frames(client: sutro.Client) -> None:
    report = client.upload({"train": numbers(0), "test.parquet": numbers(1)})

    assert names_in(client, report.dataset_id) == ["train.parquet", "test.parquet"]


def test_the_keys_of_a_dict_name_its_files(client: sutro.Client, folder: Path) -> None:
    report = client.upload({"a.parquet": folder / "part-1.parquet"})

    assert names_in(client, report.dataset_id) == ["a.parquet"]


def test_names_can_be_passed_for_frames(client: sutro.Client) -> None:
    report = client.upload([numbers(0), numbers(1)], names=["b.parquet", "a"])

    assert names_in(client, report.dataset_id) == ["b.parquet", "a.parquet"]


def test_bytes_and_open_files_are_uploaded_completely(client: sutro.Client, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    pandas_frame().to_parquet(buffer)
    path = write_parquet(tmp_path / "on-disk.parquet")
    with path.open("rb") as opened:
        opened.read(5)
        buffer_report = client.upload([buffer, io.BytesIO(buffer.getvalue())])
        file_report = client.upload(opened)
        assert opened.tell() == 5

    for copy in downloaded(client, buffer_report, tmp_path / "buffers"):
        assert copy.read_bytes() == buffer.getvalue()
    (copy,) = downloaded(client, file_report, tmp_path / "file")
    assert (copy.name, copy.read_bytes()) == (path.name, path.read_bytes())


def test_bytes_that_are_not_parquet_are_rejected_by_name(client: sutro.Client) -> None:
    with pytest.raises(sutro.InvalidParquetError, match="frame 0: is not a Parquet file"):
        client.upload(b"id,text\n1,a\n" * 10)

    assert client.list_datasets() == []


def test_corrupt_bytes_end_the_upload_after_the_preceding_files(
    client: sutro.Client, tmp_path: Path
) -> None:
    good = write_parquet(tmp_path / "good.parquet").read_bytes()

    with pytest.raises(sutro.UploadIncompleteError) as raised:
        client.upload([good, b"PAR1"])

    assert isinstance(raised.value.__cause__, sutro.InvalidParquetError)
    assert "Nothing was sent" not in str(raised.value)
    assert raised.value.report is not None
    names = names_in(client, raised.value.report.dataset_id)
    assert without_fingerprints(names) == ["part-00000.parquet"]


def test_rows_per_file_splits_a_frame_into_files(client: sutro.Client, tmp_path: Path) -> None:
    table = numbers(0, rows=2500)
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=300))

    report = client.upload(reader, rows_per_file=1000)

    assert [file.row_count for file in report] == [1000, 1000, 500]
    paths = downloaded(client, report, tmp_path)
    assert pa.concat_tables(map(pq.read_table, paths)).equals(table)


def test_a_frame_without_rows_becomes_a_file_without_rows(client: sutro.Client) -> None:
    report = client.upload(numbers(0).slice(0, 0), rows_per_file=10)

    assert [file.row_count for file in report] == [0]


@pytest.mark.parametrize(
    "index", [pd.Index([7, 8, 9]), pd.RangeIndex(3, name="key"), pd.RangeIndex(1, 7, 2)]
)
def test_an_index_with_labels_is_dropped_with_a_warning(
    client: sutro.Client, tmp_path: Path, index: pd.Index
) -> None:
    frame = pd.DataFrame({"id": [1, 2, 3]}, index=index)

    with pytest.warns(sutro.SutroWarning, match="reset_index"):
        report = client.upload(frame)

    (path,) = downloaded(client, report, tmp_path)
    assert pq.read_schema(path).names == ["id"]


def test_a_generator_is_consumed_lazily_as_upload_slots_free_up(holding: HoldingServer) -> None:
    asked: list[int] = []
    looks = 0

    def frames() -> Iterator[pa.Table]:
        for number in range(50):
            asked.append(number)
            yield numbers(number)

    def interrupt_when_it_is_held(_: sutro.Progress) -> None:
        nonlocal looks
        looks += holding.held.is_set() and len(asked) >= 4
        if looks > 5:
            raise KeyboardInterrupt

    client = sutro.Client(holding.api_key, holding.api_url)
    with pytest.raises(sutro.UploadInterrupted, match="0 of 2 files are in"):
        client.upload(frames(), concurrency=2, progress=interrupt_when_it_is_held)

    # Two in transfer, one ahead of them, and one that waits for room.
    assert len(asked) == 4


def test_frames_of_a_list_with_different_schemas_are_rejected_before_sending(
    client: sutro.Client,
) -> None:
    frames = [numbers(0), numbers(1), pa.table({"id": [1.5], "text": ["a"]})]

    with pytest.raises(sutro.SchemaMismatchError, match="id") as raised:
        client.upload(frames)

    assert raised.value.groups == (("frame 0", "frame 1"), ("frame 2",))
    assert client.list_datasets() == []


def test_a_generated_frame_with_another_schema_ends_the_upload_after_the_preceding_frames(
    client: sutro.Client,
) -> None:
    frames = iter([numbers(0), numbers(1), pa.table({"id": [1.5], "text": ["a"]}), numbers(3)])

    with pytest.raises(sutro.UploadIncompleteError) as raised:
        client.upload(frames)

    assert isinstance(raised.value.__cause__, sutro.SchemaMismatchError)
    assert raised.value.report is not None
    names = ["part-00000.parquet", "part-00001.parquet"]
    there = names_in(client, raised.value.report.dataset_id)
    assert without_fingerprints(there) == names


def test_a_generator_error_keeps_the_frames_yielded_before_it(client: sutro.Client) -> None:
    frames = [numbers(start) for start in range(5)]

    def failing() -> Iterator[pa.Table]:
        yield from frames[:3]
        message = "the database went away"
        raise RuntimeError(message)

    with pytest.raises(sutro.UploadIncompleteError, match="went away") as raised:
        client.upload(failing())

    assert isinstance(raised.value.__cause__, RuntimeError)
    assert raised.value.report is not None
    report = client.upload(iter(frames), raised.value.report.dataset_id)
    assert [file.status for file in report] == ["skipped"] * 3 + ["uploaded"] * 2


def test_an_error_before_the_first_yield_is_raised_unchanged(
    client: sutro.Client,
) -> None:
    def failing() -> Iterator[pa.Table]:
        for message in ["no database"]:
            raise RuntimeError(message)
        yield numbers(0)

    with pytest.raises(RuntimeError, match="no database"):
        client.upload(failing())

    assert client.list_datasets() == []


def test_one_frame_per_call_is_appended(client: sutro.Client) -> None:
    first, other = (
        pd.DataFrame({"x": np.random.default_rng(seed).integers(0, 2**62, 1000)}) for seed in (1, 2)
    )
    dataset_id = client.upload(first).dataset_id

    assert [file.status for file in client.upload(other, dataset_id)] == ["uploaded"]
    names = names_in(client, dataset_id)
    assert without_fingerprints(names) == ["part-00000.parquet"] * 2
    assert len(set(names)) == 2


def test_frames_are_uploaded_inside_a_running_event_loop(client: sutro.Client) -> None:
    report = asyncio.run(client.upload_async(numbers(start) for start in range(6)))

    assert [file.status for file in report] == ["uploaded"] * 6


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([], "empty"),
        (iter(()), "empty"),
        (pd.Series([1]), "not a pandas Series: call to_frame"),
        ({"a.parquet"}, "a set has no order"),
        (None, "expected a path, a glob, a folder, a frame, or a list of them, not NoneType"),
        (17, "not int"),
        ([object()], "expected a frame, not object"),
        ([numbers(0), "a.parquet"], "expected a frame, not str"),
        (["a.parquet", numbers(0)], "expected a path, not pyarrow"),
        (pa.table({}), "no columns"),
    ],
)
def test_unsupported_values_are_reported_clearly(
    client: sutro.Client, source: Any, message: str
) -> None:
    with pytest.raises((TypeError, sutro.SutroError), match=message):
        client.upload(source)

    assert client.list_datasets() == []


def test_a_type_without_a_parquet_equivalent_is_reported_with_its_column(
    client: sutro.Client,
) -> None:
    union = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])

    with pytest.raises(sutro.FrameError, match='frame 0: column "either"'):
        client.upload(pa.table({"either": union}))


def test_an_iterator_of_unsorted_paths_is_uploaded_with_a_warning(
    client: sutro.Client, folder: Path
) -> None:
    backwards = sorted(folder.iterdir(), reverse=True)

    with pytest.warns(sutro.SutroWarning, match="order"):
        report = client.upload(iter(backwards))

    assert names_in(client, report.dataset_id) == [path.name for path in backwards]


# Peak memory in kB. The child's alone: `ru_maxrss` would begin with that of its parent.
GENERATOR = """
import re, sys
import pyarrow as pa
import numpy as np
import sutro

def frames():
    for seed in range(200):
        column = np.random.default_rng(seed).integers(0, 100, 2_500_000 // 2)
        yield pa.table({"a": column, "b": column + 1})

report = sutro.upload(frames(), api_key=sys.argv[2], api_url=sys.argv[1])
assert len(report) == 200
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory in /proc")
@pytest.mark.timeout(300)
def test_uploading_200_frames_of_20_mb_needs_little_memory(server: sutro.LocalServer) -> None:
    peak = python_output("-c", GENERATOR, server.api_url, server.api_key, timeout=300)

    assert int(peak) / 1000 < 400
