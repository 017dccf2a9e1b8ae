"""Files with different schemas are rejected, or fixed during the upload if nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from helpers.datasets import names_in

if TYPE_CHECKING:
    from pathlib import Path


def write_parts(folder: Path, *tables: pa.Table, **options: Any) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"part-{number}.parquet" for number in range(len(tables))]
    for table, path in zip(tables, paths, strict=True):
        pq.write_table(table, path, **options)
    return paths


def cast_and_read(client: sutro.Client, paths: list[Path], folder: Path) -> list[pa.Table]:
    before = [path.read_bytes() for path in paths]
    with pytest.raises(sutro.SchemaMismatchError, match="Nothing was sent"):
        client.upload(paths)
    assert client.list_datasets() == []

    report = client.upload(paths, on_mismatch="cast")

    assert [path.read_bytes() for path in paths] == before, "the caller's files stay as they are"
    copies = client.download_from_dataset(report.dataset_id, output_path=folder / "copies")
    assert [copy.name for copy in copies] == [path.name for path in paths]
    assert report.bytes == sum(copy.stat().st_size for copy in copies)
    first, *others = [pq.ParquetFile(copy).schema for copy in copies]
    assert all(other.equals(first) for other in others)
    return [pq.read_table(copy) for copy in copies]


NUMBERS = [None, 0, 1, -5, 2**31 - 1]
TIMES = [None, 0, 1_700_000_000_123]
PEOPLE = [{"name": "a", "age": 1}, None, {"name": None, "age": 3}]


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (pa.array(NUMBERS, pa.int32()), pa.array(NUMBERS, pa.int64())),
        (pa.array([1, None], pa.int8()), pa.array([1000, None], pa.int16())),
        (pa.array([1, 2**32 - 1], pa.uint32()), pa.array([-1, None], pa.int64())),
        (pa.array([200, None], pa.uint8()), pa.array([-1, None], pa.int16())),
        (pa.array(NUMBERS, pa.int32()), pa.array([0.5, None], pa.float64())),
        (pa.array([2**53, -(2**53)], pa.int64()), pa.array([0.5, float("inf")], pa.float64())),
        (pa.array([7, None], pa.int16()), pa.array([0.5, None], pa.float32())),
        (pa.array([0.1, None], pa.float32()), pa.array([0.1, None], pa.float64())),
        (pa.array(TIMES, pa.timestamp("ms")), pa.array(TIMES, pa.timestamp("us"))),
        (pa.array(TIMES, pa.timestamp("us", "UTC")), pa.array(TIMES, pa.timestamp("ns", "UTC"))),
        (pa.array([5, None], pa.time32("ms")), pa.array([5, None], pa.time64("ns"))),
        (pa.nulls(3), pa.array(["a", None])),
        (pa.nulls(2), pa.array([[1, None], None], pa.list_(pa.int64()))),
        (pa.nulls(2), pa.array(PEOPLE)),
        (pa.array([[None], [], None], pa.list_(pa.null())), pa.array([["a"], None])),
        (
            pa.array([[1, None], None, []], pa.list_(pa.int32())),
            pa.array([[2**40], None], pa.list_(pa.int64())),
        ),
        (
            pa.array([{"age": 1, "name": None}, None]),
            pa.array([{"name": "b", "age": None}, {"name": None, "age": 2}]),
        ),
        (
            pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int32())),
            pa.array([[("k", 2**40)], []], pa.map_(pa.string(), pa.int64())),
        ),
    ],
    ids=lambda array: str(array.type),
)
def test_a_column_is_widened_without_loss(
    client: sutro.Client, tmp_path: Path, narrow: pa.Array, wide: pa.Array
) -> None:
    paths = write_parts(tmp_path / "data", pa.table({"x": narrow}), pa.table({"x": wide}))

    tables = cast_and_read(client, paths, tmp_path)

    for table, column in zip(tables, (narrow, wide), strict=True):
        as_written = column if column.type == table["x"].type else column.cast(table["x"].type)
        assert table["x"].combine_chunks().equals(as_written)


def test_columns_are_reordered_to_match(client: sutro.Client, tmp_path: Path) -> None:
    first = pa.table({"a": [1, 2], "b": ["x", None], "c": [[1], []]})
    paths = write_parts(tmp_path / "data", first, first.select(["c", "a", "b"]))

    tables = cast_and_read(client, paths, tmp_path)

    assert tables[0].equals(tables[1])


def test_required_columns_become_nullable(client: sutro.Client, tmp_path: Path) -> None:
    element = pa.field("element", pa.int64(), nullable=False)
    required = pa.schema(
        [
            pa.field("x", pa.int64(), nullable=False),
            pa.field("list", pa.list_(element), nullable=False),
            pa.field("struct", pa.struct([pa.field("y", pa.string(), nullable=False)])),
        ]
    )
    columns = {"x": [1, 2], "list": [[1, 2], []], "struct": [{"y": "a"}, None]}
    paths = write_parts(tmp_path / "data", pa.table(columns, required), pa.table(columns))

    tables = cast_and_read(client, paths, tmp_path)

    assert tables[0].to_pydict() == tables[1].to_pydict() == columns


def test_pandas_files_with_type_drift_are_cast(client: sutro.Client, tmp_path: Path) -> None:
    """Int columns that became float because of a missing value, empty columns, another order."""
    frames = [
        pd.DataFrame({"id": [1, 2], "score": [1, 2], "comment": ["a", None]}),
        pd.DataFrame({"id": [3, 4], "score": [1.0, None], "comment": ["b", "c"]}),
        pd.DataFrame({"id": [5], "score": [7], "comment": [None]}),
        pd.DataFrame({"comment": ["d"], "id": [6], "score": [8]}),
    ]
    paths = []
    for number, frame in enumerate(frames):
        paths.append(tmp_path / f"part-{number}.parquet")
        frame.to_parquet(paths[-1])

    tables = cast_and_read(client, paths, tmp_path)

    merged = pa.concat_tables(tables, promote_options="permissive").to_pydict()
    assert merged["id"] == [1, 2, 3, 4, 5, 6]
    assert merged["score"] == [1.0, 2.0, 1.0, None, 7.0, 8.0]
    assert merged["comment"] == ["a", None, "b", "c", None, "d"]


def test_a_cast_preserves_the_row_groups(client: sutro.Client, tmp_path: Path) -> None:
    lists = [[n, None] if n % 3 else None for n in range(50_000)]
    columns = {"n": range(50_000), "lists": lists, "text": [str(n) for n in range(50_000)]}
    narrow = pa.table(columns).cast(
        pa.schema([("n", pa.int32()), ("lists", pa.list_(pa.int32())), ("text", pa.string())])
    )
    paths = write_parts(tmp_path / "data", narrow, pa.table(columns), row_group_size=7_000)

    tables = cast_and_read(client, paths, tmp_path)

    assert tables[0].equals(tables[1])
    copy = pq.ParquetFile(tmp_path / "copies" / paths[0].name)
    assert copy.metadata.num_row_groups == 8


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        (pa.array(["a"]), pa.array([1]), r"'x': string and int64 have no common type"),
        (pa.array(["a"]), pa.array([b"a"]), "string and binary have no common type"),
        (
            pa.array([0], pa.timestamp("us")),
            pa.array([0], pa.timestamp("us", "UTC")),
            "no common type",
        ),
        (pa.array([1], pa.uint64()), pa.array([1], pa.int64()), "no common type"),
        (pa.array([{"a": 1}]), pa.array([{"b": 1}]), "not all files have 'a', 'b'"),
    ],
)
def test_files_without_a_common_schema_are_rejected_before_sending(
    client: sutro.Client, tmp_path: Path, left: pa.Array, right: pa.Array, message: str
) -> None:
    paths = write_parts(tmp_path / "data", pa.table({"x": left}), pa.table({"x": right}))

    with pytest.raises(sutro.SchemaMismatchError, match=message):
        client.upload(paths, on_mismatch="cast")

    assert client.list_datasets() == []


@pytest.mark.parametrize(
    ("narrow", "wide", "message"),
    [
        (pa.array([2**53 + 1]), pa.array([0.5]), "9007199254740993.*double without loss"),
        (
            pa.array([2**62], pa.timestamp("ms")),
            pa.array([0], pa.timestamp("ns")),
            "without loss",
        ),
    ],
)
def test_a_lossy_value_ends_the_upload_before_its_file(
    client: sutro.Client, tmp_path: Path, narrow: pa.Array, wide: pa.Array, message: str
) -> None:
    tables = [pa.table({"x": wide}), pa.table({"x": narrow})]
    paths = write_parts(tmp_path / "data", *tables)

    with pytest.raises(sutro.UploadIncompleteError) as raised:
        client.upload(paths, on_mismatch="cast")

    assert isinstance(raised.value.__cause__, sutro.RewriteError)
    assert raised.value.__cause__.path == str(paths[1])
    with pytest.raises(sutro.RewriteError, match=message):
        raise raised.value.__cause__


CODECS = ["gzip", "brotli", "lz4", "zstd"]


def test_files_with_unsupported_codecs_are_rejected_or_recompressed(
    client: sutro.Client, tmp_path: Path
) -> None:
    table = pa.table(
        {
            "n": pa.array(range(1000), pa.uint16()),
            "text": pa.array([f"row {n}" if n % 7 else None for n in range(1000)]),
            "dictionary": pa.array(["x", "y"] * 500).dictionary_encode(),
            "lists": [[n, None] for n in range(1000)],
            "time": pa.array(range(1000), pa.timestamp("us", "Europe/Berlin")),
            "fixed": pa.array([b"1234"] * 1000, pa.binary(4)),
            "flag": [True, None] * 500,
        }
    )
    paths = []
    for codec in [*CODECS, "snappy", "none"]:
        paths.append(tmp_path / f"{codec}.parquet")
        pq.write_table(table, paths[-1], compression=codec)

    with pytest.raises(sutro.InvalidParquetError) as refused:
        client.upload(paths)
    for codec in ("gzip", "brotli", "lz4", "zstd"):
        assert codec in str(refused.value)
    assert "recompress=True" in str(refused.value)
    report = client.upload(paths, recompress=True)

    copies = client.download_from_dataset(report.dataset_id, output_path=tmp_path / "copies")
    for path, copy in zip(paths, copies, strict=True):
        assert pq.read_table(copy).equals(table)
        changes = next(file.changes for file in report if file.name == copy.name)
        assert changes == (() if path.stem in {"none", "snappy"} else ("recompressed",))
        group = pq.ParquetFile(copy).metadata.row_group(0)
        codecs = {group.column(index).compression for index in range(group.num_columns)}
        assert codecs == {"UNCOMPRESSED" if path.stem == "none" else "SNAPPY"}
        if path.stem in {"none", "snappy"}:
            assert copy.read_bytes() == path.read_bytes(), "it is sent unchanged"


def test_a_file_without_rows_is_recompressed_and_cast(client: sutro.Client, tmp_path: Path) -> None:
    tables = [pa.table({"n": pa.array([], pa.int32())}), pa.table({"n": [2**40]})]
    paths = write_parts(tmp_path / "data", *tables, compression="gzip")

    report = client.upload(paths, recompress=True, on_mismatch="cast")

    copies = client.download_from_dataset(report.dataset_id, output_path=tmp_path / "copies")
    assert pa.concat_tables(map(pq.read_table, copies)).equals(tables[1])
    assert [file.changes for file in report] == [("cast", "recompressed"), ("recompressed",)]
    assert "uploaded, cast, recompressed" in str(report)


def test_bytes_with_unsupported_codecs_are_recompressed(
    client: sutro.Client, tmp_path: Path
) -> None:
    table = pa.table({"n": range(1000)})
    (path,) = write_parts(tmp_path / "data", table, compression="gzip")

    with pytest.raises(sutro.InvalidParquetError, match="gzip"):
        client.upload(path.read_bytes())
    report = client.upload(path.read_bytes(), recompress=True)

    (copy,) = client.download_from_dataset(report.dataset_id, output_path=tmp_path / "copies")
    assert pq.read_table(copy).equals(table)


def test_an_upload_with_casts_resumes(client: sutro.Client, tmp_path: Path) -> None:
    tables = [pa.table({"x": pa.array([n], pa.int32() if n % 2 else pa.int64())}) for n in range(6)]
    paths = write_parts(tmp_path / "data", *tables)
    first = client.upload(paths[:4], on_mismatch="cast")

    report = client.upload(paths, first.dataset_id, on_mismatch="cast")

    assert [file.status for file in report] == ["skipped"] * 4 + ["uploaded"] * 2
    assert names_in(client, report.dataset_id) == [path.name for path in paths]


def test_a_damaged_page_is_reported_with_its_file(client: sutro.Client, tmp_path: Path) -> None:
    table = pa.table({"x": [f"row {n * n}" for n in range(5000)]})
    (path,) = write_parts(tmp_path / "data", table, compression="zstd")
    damaged = bytearray(path.read_bytes())
    damaged[1000:3000] = bytes(2000)
    path.write_bytes(damaged)

    with pytest.raises(sutro.RewriteError, match=r"part-0\.parquet cannot be rewritten"):
        client.upload(path, recompress=True)


@pytest.mark.parametrize("kind", [list, iter])
def test_frames_are_cast_to_a_common_schema(
    client: sutro.Client, tmp_path: Path, kind: Any
) -> None:
    frames = [
        pa.table({"id": pa.array([1, 2], pa.int64()), "text": ["a", "b"]}),
        pa.table({"text": pa.nulls(2), "id": pa.array([3, 4], pa.int32())}),
    ]
    with pytest.raises(
        (sutro.SchemaMismatchError, sutro.UploadIncompleteError),
        match="1 of 2 files does not match",
    ):
        client.upload(kind(frames))

    report = client.upload(kind(frames), on_mismatch="cast")

    copies = client.download_from_dataset(report.dataset_id, output_path=tmp_path)
    merged = pa.concat_tables(map(pq.read_table, copies))
    assert merged.to_pydict() == {"id": [1, 2, 3, 4], "text": ["a", "b", None, None]}
