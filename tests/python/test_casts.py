"""Casts preserve values: decimals, empty columns, legacy timestamps."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro

if TYPE_CHECKING:
    from pathlib import Path


def cast(
    client: sutro.Client, folder: Path, *tables: pa.Table, **options: Any
) -> list[list[object]]:
    """The column `x` of each file after a round trip, read by pyarrow and polars."""
    folder.mkdir(exist_ok=True)
    for number, table in enumerate(tables):
        pq.write_table(table, folder / f"part-{number}.parquet", **options)
    dataset_id = client.upload(folder, on_mismatch="cast").dataset_id
    copies = client.download_from_dataset(dataset_id, output_path=folder / "copies")
    columns = [pq.ParquetFile(copy).read()["x"].to_pylist() for copy in copies]
    assert len({str(pq.ParquetFile(copy).schema_arrow) for copy in copies}) == 1
    for copy, column in zip(copies, columns, strict=True):
        data_type = pq.ParquetFile(copy).schema_arrow.field("x").type
        # polars has no decimals of more digits.
        if not pa.types.is_decimal256(data_type):
            assert pl.read_parquet(copy, glob=False)["x"].to_list() == column
    return columns


def decimals(rng: random.Random, precision: int, scale: int) -> list[Decimal | None]:
    largest = 10**precision - 1
    digits = [0, 1, -1, largest, -largest, *(rng.randint(-largest, largest) for _ in range(5))]
    return [*(Decimal(value).scaleb(-scale) if value else Decimal(0) for value in digits), None]


@pytest.mark.parametrize("as_integer", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_decimals_of_different_precision_are_widened_without_loss(
    client: sutro.Client, tmp_path: Path, seed: int, as_integer: bool
) -> None:
    rng = random.Random(seed)
    digits = [(rng.randint(1, 38), rng.random()) for _ in range(2)]
    types = [pa.decimal128(precision, int(precision * part)) for precision, part in digits]
    with localcontext(prec=80):
        columns = [decimals(rng, kind.precision, kind.scale) for kind in types]
        tables = [
            pa.table({"x": pa.array(column, kind)})
            for column, kind in zip(columns, types, strict=True)
        ]
        if types[0] == types[1]:
            tables[1] = tables[1].cast(pa.schema([("x", pa.decimal256(50, types[1].scale))]))

        read = cast(client, tmp_path / "data", *tables, store_decimal_as_integer=as_integer)

        assert read == columns


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        (pa.decimal128(3, 2), pa.decimal128(4, 2), pa.decimal128(4, 2)),
        (pa.decimal128(7, 5), pa.decimal128(8, 2), pa.decimal128(11, 5)),
        (pa.decimal128(38, 10), pa.decimal128(38, 2), pa.decimal256(46, 10)),
        (pa.decimal256(76, 0), pa.decimal128(5, 0), pa.decimal256(76, 0)),
    ],
)
def test_widening_keeps_the_digits_before_and_after_the_point(
    client: sutro.Client, data: Path, one: pa.DataType, other: pa.DataType, common: pa.DataType
) -> None:
    for number, kind in enumerate((one, other)):
        table = pa.table({"x": pa.array([Decimal(1), None], kind)})
        pq.write_table(table, data / f"{number}.parquet")

    report = client.upload(data, on_mismatch="cast")

    rows = pa.table(client.read(report.dataset_id))["x"]
    assert (rows.type, rows.to_pylist()) == (common, [Decimal(1), None] * 2)


def test_decimals_of_another_physical_type_are_cast(client: sutro.Client, data: Path) -> None:
    table = pa.table({"x": [Decimal("1.10"), Decimal("-2.25"), None]})
    pq.write_table(table, data / "bytes.parquet")
    pq.write_table(table, data / "integers.parquet", store_decimal_as_integer=True)
    assert "physical form" in str(client.check(data))

    report = client.upload(data, on_mismatch="cast")

    assert pa.table(client.read(report.dataset_id))["x"].to_pylist() == 2 * table["x"].to_pylist()


def test_frames_of_decimals_are_cast(client: sutro.Client) -> None:
    frames = [pd.DataFrame({"p": [Decimal(text)]}) for text in ("1.10", "22.30", "-333.4")]
    with pytest.raises(sutro.SchemaMismatchError, match=r"pl\.Decimal\(5, 2\)"):
        client.upload(frames)

    dataset_id = client.upload(frames, on_mismatch="cast").dataset_id

    rows = pa.table(client.read(dataset_id))["p"].to_pylist()
    assert rows == [Decimal("1.10"), Decimal("22.30"), Decimal("-333.4")]


def test_files_without_rows_are_cast_to_the_types_of_the_others(
    client: sutro.Client, data: Path
) -> None:
    """As pandas writes an empty query result: each column is a float."""
    times = pd.to_datetime(["2024-01-01", "2024-01-02"])
    full = pd.DataFrame({"name": ["a", "b"], "n": [1, 2], "when": times})
    empty = pd.DataFrame({name: pd.Series([], dtype="float64") for name in full})
    for name, frame in [("a", empty), ("b", empty), ("c", full)]:
        frame.to_parquet(data / f"{name}.parquet")

    error = client.check(data).error
    assert isinstance(error, sutro.SchemaMismatchError)
    assert error.groups[0] == ("c.parquet",), "the file with rows is the reference"
    lines = [" ".join(line.split()) for line in str(error).splitlines()]
    assert lines[0] == "2 of 3 files do not match c.parquet. Nothing was sent."
    assert "name string double (no value) a.parquet, b.parquet" in lines
    assert any(line.startswith("name: no value in these files") for line in lines)

    report = client.upload(data, on_mismatch="cast")

    assert [file.changes for file in report] == [("cast",), ("cast",), ()]
    rows = pa.table(client.read(report.dataset_id))
    assert rows["name"].to_pylist() == ["a", "b"]


@pytest.mark.parametrize(
    "empty",
    [
        pa.array([None, None], pa.float64()),
        pa.array([None, None], pa.int64()),
        pa.array([None, None], pa.bool_()),
        pa.array([None, None], pa.string()).dictionary_encode(),
        pa.array([None, None], pa.timestamp("us")),
        pa.array([None, None], pa.decimal128(5, 2)),
        pa.array([None, None], pa.binary(3)),
        pa.nulls(2),
    ],
    ids=lambda array: str(array.type),
)
@pytest.mark.parametrize(
    "full",
    [
        pa.array(["a", None]),
        pa.array([1, None]),
        pa.array([[1], None]),
        pa.array([{"a": 1, "b": ["x"]}, None]),
        pa.array([dt.date(2024, 1, 1), None]),
    ],
    ids=lambda array: str(array.type),
)
def test_a_column_of_nulls_is_cast_to_the_type_of_the_others(
    client: sutro.Client, tmp_path: Path, empty: pa.Array, full: pa.Array
) -> None:
    if empty.type == full.type or (
        pa.types.is_dictionary(empty.type) and pa.types.is_string(full.type)
    ):
        full = pa.array([0.5, None])
    tables = [pa.table({"x": empty}), pa.table({"x": full})]

    read = cast(client, tmp_path / "data", *tables)

    assert read == [[None, None], full.to_pylist()]


def test_without_statistics_a_column_keeps_its_type(client: sutro.Client, data: Path) -> None:
    for name, column in [("a", pa.array([None], pa.float64())), ("b", pa.array(["x"]))]:
        table = pa.table({"x": column})
        pq.write_table(table, data / f"{name}.parquet", write_statistics=False)

    with pytest.raises(sutro.SchemaMismatchError, match="no common type"):
        client.upload(data, on_mismatch="cast")


TIMES = [
    dt.datetime.fromisoformat("1969-12-31T23:59:59.999999"),
    dt.datetime.fromisoformat("2024-02-29T01:02:03.000004"),
    None,
]


@pytest.mark.parametrize("unit", ["us", "ns"])
def test_int96_mixed_with_timestamps_is_cast(client: sutro.Client, data: Path, unit: str) -> None:
    table = pa.table({"x": pa.array(TIMES, pa.timestamp("us"))})
    pq.write_table(table, data / "a.parquet", use_deprecated_int96_timestamps=True)
    timed = table.cast(pa.schema([("x", pa.timestamp(unit))]))
    pq.write_table(timed, data / "b.parquet")
    assert "spark.sql.parquet.outputTimestampType" in str(client.check(data))

    report = client.upload(data, on_mismatch="cast")

    rows = pa.table(client.read(report.dataset_id))["x"]
    assert rows.type == pa.timestamp(unit)
    assert rows.cast(pa.timestamp("us")).to_pylist() == TIMES + TIMES


def test_an_int96_value_of_finer_precision_is_reported(client: sutro.Client, data: Path) -> None:
    fine = pa.table({"x": pa.array([1_500], pa.timestamp("ns"))})
    pq.write_table(fine, data / "b.parquet", use_deprecated_int96_timestamps=True)
    pq.write_table(pa.table({"x": pa.array([1], pa.timestamp("us"))}), data / "a.parquet")

    with pytest.raises(sutro.UploadIncompleteError) as raised:
        client.upload(data, on_mismatch="cast")

    cause = str(raised.value.__cause__)
    assert "1970-01-01 00:00:00.000001500, which cannot be a timestamp[us] without loss" in cause


def test_float16_is_widened(client: sutro.Client, tmp_path: Path) -> None:
    values = [0.0, -0.0, 1.5, 65504.0, 2.0**-24, 6.097555160522461e-05, float("-inf"), None]
    half = pa.array(values, pa.float32()).cast(pa.float16())
    tables = [pa.table({"x": half}), pa.table({"x": pa.array([0.25], pa.float32())})]

    read = cast(client, tmp_path / "data", *tables)

    assert repr(read) == repr([values, [0.25]])
