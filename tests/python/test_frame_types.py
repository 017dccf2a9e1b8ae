"""An uploaded column equals its source, or the upload is rejected by column name."""

from __future__ import annotations

import datetime as dt
import decimal
import random
import warnings
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMAS = 1_000
COLUMNS = 50

SECONDS = [dt.datetime(2024, 1, 2, 3, 4, 5), dt.datetime(1969, 12, 31)]  # noqa: DTZ001
FLAT: list[tuple[pa.DataType, list[Any]]] = [
    (pa.int8(), [1, -1]),
    (pa.uint64(), [2**64 - 1, 0]),
    (pa.float16(), [1.5, -2.0]),
    (pa.float64(), [1.5, 0.1]),
    (pa.bool_(), [True, False]),
    (pa.string(), ["a", "\u00df"]),
    (pa.large_string(), ["a", ""]),
    (pa.string_view(), ["a", "longer than twelve bytes"]),
    (pa.binary(), [b"a", b""]),
    (pa.large_binary(), [b"a", b""]),
    (pa.binary_view(), [b"a", b"longer than twelve bytes"]),
    (pa.binary(3), [b"abc", b"def"]),
    (pa.date32(), [dt.date(2024, 1, 2), dt.date(1969, 1, 1)]),
    (pa.date64(), [dt.date(2024, 1, 2), dt.date(1969, 1, 1)]),
    (pa.time32("s"), [dt.time(1, 2, 3), dt.time(0)]),
    (pa.time32("ms"), [dt.time(1, 2, 3, 4000), dt.time(0)]),
    (pa.time64("us"), [dt.time(1, 2, 3, 4), dt.time(0)]),
    *[(pa.timestamp(unit), SECONDS) for unit in ("s", "ms", "us", "ns")],
    *[(pa.timestamp(unit, "UTC"), SECONDS) for unit in ("s", "us")],
    (pa.timestamp("s", "Europe/Berlin"), SECONDS),
    *[
        (kind(precision, scale), [decimal.Decimal("1.25"), decimal.Decimal("-0.5")])
        for kind, precision, scale in (
            (pa.decimal32, 5, 2),
            (pa.decimal64, 15, 2),
            (pa.decimal128, 35, 4),
            (pa.decimal256, 70, 4),
        )
    ],
]
WITHOUT_COUNTERPART = [
    pa.duration("s"),
    pa.duration("ns"),
    pa.month_day_nano_interval(),
    pa.dense_union([pa.field("a", pa.int8()), pa.field("b", pa.string())]),
    pa.binary(0),
    pa.struct([]),
    pa.decimal128(5, -2),
]


def generated(dice: random.Random, flat: list[tuple[pa.DataType, list[Any]]], depth: int) -> Any:
    """A random type with values, flat or nested."""
    kind = dice.choice(["flat", "list", "view", "fixed", "struct", "map", "large"])
    if depth == 0 or kind == "flat":
        return dice.choice(flat)
    inner, values = generated(dice, flat, depth - 1)
    some = [values, None, [], [values[0], None]]
    if kind == "fixed":
        return pa.list_(inner, 2), [[values[0], None], None]
    if kind == "struct":
        nullable = dice.random() < 0.5
        fields = [pa.field("x", inner, nullable), pa.field("y", pa.int8())]
        return pa.struct(fields), [{"x": values[0], "y": 1}, {"x": values[-1] or values[0], "y": 2}]
    if kind == "map":
        return pa.map_(pa.string(), inner), [[("k", values[0]), ("l", None)], [], None]
    lists = {"list": pa.list_, "large": pa.large_list, "view": pa.list_view}
    return lists[kind](inner), some


def column_of(dice: random.Random) -> pa.Array:
    data_type, values = generated(dice, FLAT, depth=3)
    column = pa.array((values * 4)[:4], data_type)
    if not pa.types.is_nested(data_type) and dice.random() < 0.5:
        return encoded(column, dice)
    return column


def encoded(column: pa.Array, dice: random.Random) -> pa.Array:
    """A dictionary- or run-end-encoded column, built by hand: not every type has a kernel."""
    if dice.random() < 0.5:
        return pa.DictionaryArray.from_arrays(pa.array([1, None, 0, 1], pa.int8()), column)
    ends = pa.array([1, 2, 3, 4], pa.int32())
    return pa.RunEndEncodedArray.from_arrays(ends, column)


EQUIVALENCES: list[tuple[str, Callable[[Any], pa.DataType]]] = [
    ("dictionary run_end_encoded", lambda kind: canonical(kind.value_type)),
    ("string large_string string_view", lambda _: pa.string()),
    ("binary large_binary binary_view", lambda _: pa.binary()),
    ("decimal", lambda kind: pa.decimal256(kind.precision, kind.scale)),
    ("date", lambda _: pa.date32()),
    ("time32", lambda _: pa.time32("ms")),
    (
        "timestamp",
        lambda kind: pa.timestamp(
            "ms" if kind.unit == "s" else kind.unit, "UTC" if kind.tz else None
        ),
    ),
    ("map", lambda kind: pa.map_(canonical(kind.key_type), canonical(kind.item_type))),
    ("struct", lambda kind: pa.struct([f.with_type(canonical(f.type)) for f in kind])),
    ("nested", lambda kind: pa.list_(pa.field("element", canonical(kind.value_type)))),
]


def canonical(data_type: pa.DataType) -> pa.DataType:
    """One representative of equivalent types, as listed in docs/guides/types.md."""
    for kinds, common in EQUIVALENCES:
        if any(getattr(pa.types, f"is_{kind}")(data_type) for kind in kinds.split()):
            return common(data_type)
    return data_type


def read_without_arrow_schema(path: Path) -> pa.Table:
    """A file read by its Parquet types, without the Arrow schema stored in it."""
    plain = path.with_suffix(".plain.parquet")
    plain.write_bytes(path.read_bytes().replace(b"ARROW:schema", b"arrow:schema"))
    return pq.read_table(plain)


@pytest.mark.timeout(300)
def test_generated_columns_round_trip_with_type_and_values(
    client: sutro.Client, tmp_path: Path
) -> None:
    dice = random.Random(16)
    for number in range(SCHEMAS // COLUMNS):
        table = pa.table({f"c{place}": column_of(dice) for place in range(COLUMNS)})

        report = client.upload(table)

        (path,) = client.download_from_dataset(
            report.dataset_id, output_path=tmp_path / str(number)
        )
        read = read_without_arrow_schema(path)
        for name in table.column_names:
            held, found = table[name], read[name]
            assert canonical(found.type) == canonical(held.type), (held.type, found.type)
            assert found.to_pylist() == held.to_pylist() or (
                pa.types.is_timestamp(held.type) and held.type.tz
            ), held.type


def test_generated_columns_without_an_equivalent_are_rejected_with_their_path(
    client: sutro.Client,
) -> None:
    dice = random.Random(17)
    for _ in range(SCHEMAS // 4):
        data_type, _ = generated(dice, [(kind, [None]) for kind in WITHOUT_COUNTERPART], depth=2)
        schema = pa.schema([("ok", pa.int8()), ("gone", data_type)])
        batches = pa.RecordBatchReader.from_batches(schema, [])

        with pytest.raises(sutro.FrameError, match=r'column "gone') as raised:
            client.upload(batches)

        path = raised.value.column
        assert path is not None
        assert path.split(".")[0] == "gone"
        found = data_type
        for step in path.split(".")[1:]:
            names = {"key": "key_type", "value": "item_type", "element": "value_type"}
            found = (
                found.field(step).type if pa.types.is_struct(found) else getattr(found, names[step])
            )
        assert found in WITHOUT_COUNTERPART
    assert client.list_datasets() == []


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([0, 86_400_001], pa.int64()).view(pa.date64()), 'column "c", row 1'),
        (pa.array([2**62], pa.int64()).view(pa.timestamp("s")), 'column "c", row 0'),
        (pa.array([2**31 - 1], pa.int32()).view(pa.time32("s")), 'column "c", row 0'),
        (
            pa.ListArray.from_arrays(
                [0, 1, 2], pa.array([0, 86_400_001], pa.int64()).view(pa.date64())
            ),
            'column "c", row 1',
        ),
    ],
)
def test_a_value_that_does_not_fit_its_parquet_type_is_rejected_with_its_row(
    client: sutro.Client, column: pa.Array, message: str
) -> None:
    with pytest.raises(sutro.FrameError, match=message):
        client.upload(pa.table({"c": column}))


def test_digits_beyond_the_precision_of_a_decimal_are_rejected(client: sutro.Client) -> None:
    wide = pa.array([decimal.Decimal(12345678901)], pa.decimal128(20, 0))
    narrow = pa.Array.from_buffers(pa.decimal128(5, 0), 1, wide.buffers())

    with pytest.raises(sutro.FrameError, match=r'column "c", row 0: .*5 digits'):
        client.upload(pa.table({"c": narrow}))


def test_duplicate_column_names_are_rejected(client: sutro.Client) -> None:
    table = pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])

    with pytest.raises(sutro.FrameError, match='column "a" occurs more than once'):
        client.upload(table)


def test_an_extension_type_that_parquet_lacks_is_reported(
    client: sutro.Client, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"i": pd.interval_range(0, 2)})

    with pytest.warns(sutro.SutroWarning, match='column "i" has the extension type'):
        report = client.upload(frame)

    (path,) = client.download_from_dataset(report.dataset_id, output_path=tmp_path)
    assert read_without_arrow_schema(path)["i"].to_pylist() == [
        {"left": 0, "right": 1},
        {"left": 1, "right": 2},
    ]


FIXED = {
    "pandas": (pd.DataFrame({"c": pd.to_timedelta([1], unit="s")}), "dt.total_seconds()"),
    "period": (pd.DataFrame({"c": pd.period_range("2024-01", periods=1)}), "dt.to_timestamp()"),
    "polars": (pl.DataFrame({"c": [dt.timedelta(seconds=1)]}), "dt.total_seconds()"),
    "pyarrow": (pa.table({"c": pa.array([1], pa.duration("s"))}), "pa.int64()"),
}


@pytest.mark.parametrize("library", FIXED)
def test_the_code_in_the_error_fixes_the_frame(client: sutro.Client, library: str) -> None:
    frame, line = FIXED[library]

    with pytest.raises(sutro.FrameError, match="Parquet does not support") as raised:
        client.upload(frame)

    message = str(raised.value)
    assert line in message
    names: dict[str, Any] = {"df": frame, "table": frame, "pl": pl, "pa": pa}
    exec(message.rsplit(": ", maxsplit=1)[-1], names)
    fixed = names["table"] if library == "pyarrow" else names["df"]
    assert client.upload(fixed)[0].row_count == 1


EVERY_PANDAS_TYPE = {
    "date": pd.Series([dt.date(2024, 1, 2)]),
    "seconds": pd.Series(SECONDS[:1]).astype("datetime64[s]"),
    "micros": pd.Series(SECONDS[:1]).astype("datetime64[us]"),
    "zoned": pd.Series(SECONDS[:1]).dt.tz_localize("Europe/Berlin").dt.as_unit("s"),
    "int": pd.Series([1]),
    "Int64": pd.Series([1], dtype="Int64"),
    "uint8": pd.Series([1], dtype="uint8"),
    "float32": pd.Series([1.5], dtype="float32"),
    "boolean": pd.Series([True], dtype="boolean"),
    "string": pd.Series(["a"], dtype="string"),
    "object": pd.Series(["a"], dtype="object"),
    "category": pd.Series(["a"], dtype="category"),
    "numbers": pd.Series([7], dtype="category"),
    "bytes": pd.Series([b"a"]),
    "list": pd.Series([[1, 2]]),
    "struct": pd.Series([{"a": 1}]),
    "time": pd.Series([dt.time(1, 2, 3)]),
    "decimal": pd.Series([decimal.Decimal("1.25")]),
    "wide": pd.Series([decimal.Decimal("1234567890123456.25")]),
}
EVERY_POLARS_TYPE = {
    "int": pl.Series([1]),
    "u8": pl.Series([1], dtype=pl.UInt8),
    "float": pl.Series([1.5], dtype=pl.Float32),
    "bool": pl.Series([True]),
    "text": pl.Series(["a"]),
    "binary": pl.Series([b"a"]),
    "date": pl.Series([dt.date(2024, 1, 2)]),
    "time": pl.Series([dt.time(1, 2)]),
    "ms": pl.Series(SECONDS[:1], dtype=pl.Datetime("ms")),
    "ns": pl.Series(SECONDS[:1], dtype=pl.Datetime("ns")),
    "utc": pl.Series(SECONDS[:1], dtype=pl.Datetime("us", "UTC")),
    "category": pl.Series(["a"], dtype=pl.Categorical),
    "enum": pl.Series(["a"], dtype=pl.Enum(["a"])),
    "list": pl.Series([["a"]]),
    "array": pl.Series([[1, 2]], dtype=pl.Array(pl.Int8, 2)),
    "struct": pl.Series([{"a": 1, "b": [None, "x"]}]),
    "narrow": pl.Series([decimal.Decimal("1.25")], dtype=pl.Decimal(5, 2)),
    "decimal": pl.Series([decimal.Decimal("1.25")], dtype=pl.Decimal(15, 2)),
    "wide": pl.Series([decimal.Decimal("1.25")], dtype=pl.Decimal(35, 2)),
}


@pytest.mark.parametrize("name", EVERY_PANDAS_TYPE)
def test_a_pandas_frame_and_its_parquet_file_have_compatible_schemas(
    client: sutro.Client, tmp_path: Path, name: str
) -> None:
    frame = pd.DataFrame({name: EVERY_PANDAS_TYPE[name]})
    frame.to_parquet(tmp_path / "file.parquet", index=False)

    dataset_id = client.upload(frame).dataset_id

    report = client.upload(tmp_path / "file.parquet", dataset_id)
    assert report[0].status == "uploaded"


@pytest.mark.parametrize("name", EVERY_POLARS_TYPE)
def test_a_polars_frame_and_its_parquet_file_have_compatible_schemas(
    client: sutro.Client, tmp_path: Path, name: str
) -> None:
    frame = pl.DataFrame({name: EVERY_POLARS_TYPE[name]})
    frame.write_parquet(tmp_path / "file.parquet", compression="snappy")

    with warnings.catch_warnings():
        dataset_id = client.upload(frame).dataset_id

    report = client.upload(tmp_path / "file.parquet", dataset_id)
    assert report[0].status == "uploaded"
