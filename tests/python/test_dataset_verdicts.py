"""Checks against a dataset agree with the server, and casts produce the dataset's schema."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from helpers.raw_client import RawClient

if TYPE_CHECKING:
    from pathlib import Path

LEAVES = [
    pa.bool_(),
    pa.int8(),
    pa.int32(),
    pa.int64(),
    pa.uint32(),
    pa.float16(),
    pa.float32(),
    pa.float64(),
    pa.string(),
    pa.binary(),
    pa.binary(4),
    pa.date32(),
    pa.time32("ms"),
    pa.time64("us"),
    pa.timestamp("ms"),
    pa.timestamp("us"),
    pa.timestamp("us", "UTC"),
    pa.decimal128(5, 2),
    pa.decimal128(9, 2),
    pa.decimal128(38, 2),
    pa.null(),
]


def any_type(rng: random.Random, depth: int = 2) -> pa.DataType:
    kind = rng.choice(["leaf", "leaf", "leaf", "list", "struct", "map"]) if depth else "leaf"
    if kind == "list":
        return pa.list_(any_field(rng, "element", depth - 1))
    if kind == "struct":
        names = rng.sample(["x", "X", "y z", "é"], rng.randint(1, 3))
        return pa.struct([any_field(rng, name, depth - 1) for name in names])
    if kind == "map":
        return pa.map_(pa.string(), any_type(rng, depth - 1))
    return rng.choice(LEAVES)


def any_field(rng: random.Random, name: str, depth: int = 2) -> pa.Field:
    data_type = any_type(rng, depth)
    is_nullable = pa.types.is_null(data_type) or rng.random() < 0.7
    return pa.field(name, data_type, nullable=is_nullable)


def another(rng: random.Random, fields: list[pa.Field]) -> list[pa.Field]:
    """The same fields, or fields with one difference."""
    fields, place = list(fields), rng.randrange(len(fields))
    field = fields[place]
    match rng.randrange(8):
        case 0 | 1:
            pass
        case 2:
            rng.shuffle(fields)
        case 3 if not pa.types.is_null(field.type):
            fields[place] = field.with_nullable(not field.nullable)
        case 4:
            fields[place] = field.with_name(rng.choice([field.name.upper(), field.name + " "]))
        case 5:
            fields[place] = pa.field(field.name, pa.null())
        case 6:
            del fields[place]
        case _:
            fields[place] = any_field(rng, field.name)
    return fields or [any_field(rng, "only")]


def write(path: Path, fields: list[pa.Field]) -> Path:
    pq.write_table(pa.schema(fields).empty_table(), path)
    return path


@pytest.mark.parametrize("seed", range(4))
def test_check_and_server_agree_on_files_for_a_dataset(
    server: sutro.LocalServer, tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    raw, client = RawClient(server.api_url, server.api_key), server.client()
    verdicts = []
    for _ in range(50):
        names = rng.sample(["a", "b", "B", "c.d", "é"], rng.randint(1, 4))
        fields = [any_field(rng, name) for name in names]
        first = write(tmp_path / "first.parquet", fields)
        second = write(tmp_path / "second.parquet", another(rng, fields))
        dataset_id = raw.create_dataset()
        assert raw.upload(dataset_id, first.name, first.read_bytes()).status == 200

        checked = client.check(second, dataset_id)
        answer = raw.upload(dataset_id, second.name, second.read_bytes())

        assert bool(checked) == (answer.status == 200), (fields, checked, answer)
        verdicts.append(bool(checked))
    assert 10 <= sum(verdicts) <= 45, "both verdicts are tried"


COMMENT = pa.table({"comment": pa.array(["a"])})
TIME = pa.table({"comment": pa.array([0], pa.timestamp("us"))})


@pytest.mark.parametrize(
    ("held", "other"),
    [
        (COMMENT, pa.table({"comment": pa.nulls(1)})),
        (pa.table({"comment": pa.nulls(1)}), COMMENT),
        (TIME, pa.table({"comment": [1]})),
        (pa.table({"comment": [1]}), TIME),
        (
            pa.table({"comment": [Decimal("1.10")]}),
            pa.table({"comment": [Decimal("22.30")]}),
        ),
        (pa.table({"comment": [{"a": 1}]}), pa.table({"comment": [{"a": "x"}]})),
        (pa.table({"comment": [["a"]]}), pa.table({"comment": [[1]]})),
        (
            COMMENT,
            COMMENT.cast(pa.schema([pa.field("comment", pa.string(), nullable=False)])),
        ),
    ],
    ids=str,
)
def test_check_rejects_what_the_server_rejects_with_its_own_message(
    client: sutro.Client, tmp_path: Path, held: pa.Table, other: pa.Table
) -> None:
    dataset_id = client.upload(held).dataset_id
    path = tmp_path / "other.parquet"
    pq.write_table(other, path)

    for source in (path, other):
        error = client.check(source, dataset_id).error
        assert isinstance(error, sutro.SchemaMismatchError)
        assert str(error).startswith("1 of 1 file does not match the dataset. Nothing was sent.")
        assert dataset_id not in str(error)
        with pytest.raises(sutro.SchemaMismatchError, match="does not match the dataset"):
            client.upload(source, dataset_id)


def test_only_files_that_differ_from_the_dataset_are_reported(
    client: sutro.Client, data: Path
) -> None:
    days = [pd.DataFrame({"count": [1, 2]}), pd.DataFrame({"count": [3, 4]})]
    days.append(pd.DataFrame({"count": [5, None]}))
    for number, day in enumerate(days):
        day.to_parquet(data / f"day-{number}.parquet")
    dataset_id = client.upload(data, exclude="day-2*").dataset_id

    with pytest.raises(sutro.SchemaMismatchError) as raised:
        client.upload(data, dataset_id)

    lines = str(raised.value).splitlines()
    assert lines[0] == "1 of 3 files does not match the dataset. Nothing was sent."
    assert lines[2].split() == ["column", "the", "dataset", "differs", "in"]
    assert lines[3].split()[:4] == ["count", "int64", "double", "day-2.parquet"]
    assert 'on_mismatch="cast" fixes this' in lines[-2]
    assert raised.value.groups == (("the dataset",), ("day-2.parquet",))

    assert client.check(data, dataset_id, on_mismatch="cast")
    report = client.upload(data, dataset_id, on_mismatch="cast")
    assert [(file.status, file.changes) for file in report] == [
        ("skipped", ()),
        ("skipped", ()),
        ("uploaded", ("cast",)),
    ]
    rows = pa.table(client.read(dataset_id))
    assert rows["count"].type == pa.int64()
    assert rows["count"].to_pylist() == [1, 2, 3, 4, 5, None]


REQUIRED = pa.schema([pa.field("x", pa.int64(), nullable=False)])


@pytest.mark.parametrize(
    ("held", "other"),
    [
        (pa.array([1], pa.int32()), pa.array([2**31 - 1, None], pa.int64())),
        (pa.array([1], pa.uint8()), pa.array([255, None], pa.int64())),
        (pa.array([1], pa.int64()), pa.array([5.0, None])),
        (pa.array([1.5], pa.float32()), pa.array([0.25, None], pa.float64())),
        (pa.array([0], pa.timestamp("ms")), pa.array([5_000_000, None], pa.timestamp("ns"))),
        (pa.array([Decimal("1.10")]), pa.array([Decimal("2.3000"), None])),
        (pa.array(["a"]), pa.nulls(2)),
        (pa.array([{"a": 1}]), pa.nulls(2)),
        (pa.array([["a"]]), pa.array([[], None], pa.list_(pa.null()))),
        (pa.array([1.5]), pa.array([None, None], pa.string())),
    ],
    ids=lambda array: str(array.type),
)
def test_files_are_cast_to_the_schema_of_the_dataset(
    client: sutro.Client, tmp_path: Path, held: pa.Array, other: pa.Array
) -> None:
    dataset_id = client.upload(pa.table({"x": held})).dataset_id
    table = pa.table({"x": other})
    pq.write_table(table, tmp_path / "file.parquet")

    for source in (tmp_path / "file.parquet", {"frame": table}):
        assert not client.check(source, dataset_id)
        assert client.check(source, dataset_id, on_mismatch="cast")
        report = client.upload(source, dataset_id, on_mismatch="cast")
        assert report[-1].changes == ("cast",)

    rows = pa.table(client.read(dataset_id))["x"]
    assert rows.type == held.type
    assert rows.to_pylist() == held.to_pylist() + 2 * other.to_pylist()


def test_a_nullable_column_without_nulls_is_cast_to_a_required_one(
    client: sutro.Client, data: Path
) -> None:
    dataset_id = client.upload(pa.table({"x": [1]}, REQUIRED)).dataset_id
    pq.write_table(pa.table({"x": [2, 3]}), data / "whole.parquet")
    pq.write_table(pa.table({"x": [2, None]}), data / "gap.parquet")

    client.upload(data / "whole.parquet", dataset_id, on_mismatch="cast")
    with pytest.raises(
        sutro.RewriteError, match="'x' has nulls, but the target column is required"
    ):
        client.upload(data / "gap.parquet", dataset_id, on_mismatch="cast")

    assert pa.table(client.read(dataset_id))["x"].to_pylist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("held", "other", "message"),
    [
        (pa.array([1], pa.int32()), pa.array([2**31]), "2147483648, which cannot be a int32"),
        (pa.array([1]), pa.array([0.5]), "0.5, which cannot be a int64"),
        (pa.array([1]), pa.array([float("nan")]), "NaN, which cannot be a int64"),
        (pa.array([1]), pa.array([2.0**63]), "which cannot be a int64"),
        (
            pa.array([Decimal("1.1")]),
            pa.array([Decimal("1.15")]),
            r"1.15, which cannot be a decimal\(2, 1\)",
        ),
        (
            pa.array([0], pa.timestamp("ms")),
            pa.array([1_000_500], pa.timestamp("us")),
            r"1970-01-01 00:00:01.000500, which cannot be a timestamp\[ms\]",
        ),
    ],
    ids=str,
)
def test_a_value_that_the_dataset_cannot_hold_is_named(
    client: sutro.Client, data: Path, held: pa.Array, other: pa.Array, message: str
) -> None:
    dataset_id = client.upload(pa.table({"x": held})).dataset_id
    pq.write_table(pa.table({"x": other}), data / "file.parquet")

    with pytest.raises(sutro.RewriteError, match=message):
        client.upload(data / "file.parquet", dataset_id, on_mismatch="cast")

    assert len(client.list_dataset_files(dataset_id)) == 1


def test_a_mismatch_that_no_cast_fixes_is_reported_before_sending(
    client: sutro.Client,
) -> None:
    dataset_id = client.upload(pa.table({"x": [1], "y": ["a"]})).dataset_id
    for table, message in [
        (pa.table({"x": ["a"], "y": ["a"]}), "'x': int64 and string have no common type"),
        (pa.table({"x": [1]}), "not all files have 'y'"),
    ]:
        with pytest.raises(sutro.SchemaMismatchError, match=message):
            client.upload(table, dataset_id, on_mismatch="cast")


def test_each_of_several_frames_is_cast_to_the_dataset(client: sutro.Client) -> None:
    dataset_id = client.upload(pl.DataFrame({"x": [1], "t": ["a"]})).dataset_id
    frames: Any = {
        "b": pa.table({"t": pa.nulls(1), "x": [2.0]}),
        "c": pl.DataFrame({"x": [3], "t": ["c"]}),
    }

    report = client.upload(frames, dataset_id, on_mismatch="cast")

    assert [file.changes for file in report] == [("cast",), ()]
    rows = pa.table(client.read(dataset_id))
    assert rows.to_pydict() == {"x": [1, 2, 3], "t": ["a", None, "c"]}
