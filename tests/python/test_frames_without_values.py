"""A frame column without values does not determine a type."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

import sutro

NAN = float("nan")

EMPTY: dict[str, Any] = {
    "pandas NaN": pd.DataFrame({"x": [NAN, NAN]}),
    "pandas None": pd.DataFrame({"x": [None, None]}),
    "pandas NaT": pd.DataFrame({"x": pd.to_datetime([None, None])}),
    "pandas NA": pd.DataFrame({"x": pd.array([None, None], dtype="Int64")}),
    "pandas category": pd.DataFrame({"x": pd.Categorical([None, None])}),
    "pandas without rows": pd.DataFrame({"x": []}),
    "polars": pl.DataFrame({"x": pl.Series([None, None], dtype=pl.Float64)}),
    "polars lazy": pl.LazyFrame({"x": pl.Series([None, None], dtype=pl.Float64)}),
    "pyarrow": pa.table({"x": pa.nulls(2, pa.bool_())}),
    "pyarrow many batches": pa.table({"x": pa.nulls(50_000, pa.decimal128(5, 2))}),
    "pyarrow dataset": ds.dataset(pa.table({"x": pa.nulls(2, pa.binary(3))})),
    "duckdb": duckdb.sql("select null::double as x from range(2)"),
}
FULL: dict[str, Any] = {
    "text": ["a", None],
    "integer": [1, None],
    "time": [dt.datetime(2024, 1, 2), None],  # noqa: DTZ001
    "list": [[1], None],
    "struct": [{"a": 1, "b": ["x"]}, None],
}


@pytest.mark.parametrize("full", FULL)
@pytest.mark.parametrize("kind", EMPTY)
def test_a_column_without_values_takes_the_type_of_the_other_frames(
    client: sutro.Client, kind: str, full: str
) -> None:
    told = pa.table({"x": pa.array(FULL[full], pa.int16() if full == "integer" else None)})
    for place in (0, 1):
        frames = [EMPTY[kind]]
        frames.insert(place, told)
        refused = client.check(frames)
        assert isinstance(refused.error, sutro.SchemaMismatchError)
        with pytest.raises(sutro.SchemaMismatchError) as raised:
            client.upload(frames)
        message = str(raised.value)
        # The reference is the frame that has values, wherever it stands.
        assert f"does not match frame {place}." in message
        assert "no value" in message
        assert 'on_mismatch="cast" fixes this' in message

        assert client.check(frames, on_mismatch="cast")
        report = client.upload(frames, on_mismatch="cast")

        column = client.read(report.dataset_id).to_arrow()["x"]
        assert column.type == told["x"].type
        assert column.drop_null().to_pylist() == FULL[full][:1]


def test_a_value_after_many_nulls_is_found(client: sutro.Client) -> None:
    late = pl.DataFrame({"x": [None] * 40_000 + [0.5]})
    with pytest.raises(sutro.SchemaMismatchError, match="no common type"):
        client.upload([late, pl.DataFrame({"x": ["a"]})], on_mismatch="cast")

    assert client.list_datasets() == []


def test_a_field_of_a_struct_without_values_takes_the_type_of_the_others(
    client: sutro.Client,
) -> None:
    fields = pa.struct([("a", pa.string()), ("b", pa.int64())])
    empty = pa.struct([("a", pa.float64()), ("b", pa.int64())])
    frames = [
        pa.table({"s": pa.array([{"a": None, "b": 1}], empty)}),
        pa.table({"s": pa.array([{"a": "x", "b": 2}], fields)}),
    ]

    report = client.upload(frames, on_mismatch="cast")

    assert client.read(report.dataset_id).to_arrow()["s"].to_pylist() == [
        {"a": None, "b": 1},
        {"a": "x", "b": 2},
    ]


def test_comparing_schemas_does_not_consume_a_stream_in_a_list(client: sutro.Client) -> None:
    reader = pa.table({"x": pa.nulls(2, pa.float64())}).to_reader()
    with pytest.raises(sutro.SchemaMismatchError, match="does not match frame 0"):
        client.upload([pa.table({"x": ["a"]}), reader])

    assert client.upload(reader)[0].row_count == 2


@pytest.mark.parametrize("empty", [True, False])
@pytest.mark.parametrize("place", [0, 1])
def test_a_stream_in_a_list_is_cast_like_a_table(
    client: sutro.Client, place: int, *, empty: bool
) -> None:
    values = pa.nulls(2, pa.float64()) if empty else pa.array([0.5, None])

    def frames() -> list[Any]:
        made: list[Any] = [pa.table({"x": ["a"]}), pa.table({"x": ["b"]})]
        made.insert(place, pa.table({"x": values}).to_reader())
        return made

    assert bool(client.check(frames(), on_mismatch="cast")) == empty
    source = frames()
    if empty:
        report = client.upload(source, on_mismatch="cast")
        assert client.read(report.dataset_id).to_arrow()["x"].type == pa.string()
    else:
        with pytest.raises(sutro.SchemaMismatchError, match="no common type"):
            client.upload(source, on_mismatch="cast")
        # What had to be read to say so is kept for the next upload.
        rows = client.read(client.upload(source[place]).dataset_id).to_arrow()
        assert rows["x"].to_pylist() == [0.5, None]


COLUMNS: list[pa.Array] = [
    pa.array([1, 2]),
    pa.array([1, 2], pa.int8()),
    pa.array([0.5, None]),
    pa.array(["a", "b"]),
    pa.array([1, 2], pa.timestamp("us")),
    pa.array([1, 2], pa.timestamp("ns")),
    pa.nulls(2),
    pa.nulls(2, pa.float64()),
    pa.nulls(2, pa.string()),
    pa.nulls(2, pa.list_(pa.int8())),
    pa.array([], pa.float64()),
]


@pytest.mark.parametrize("seed", range(4))
def test_check_and_upload_agree_on_frames(client: sutro.Client, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(25):
        frames = [pa.table({"x": dice.choice(COLUMNS)}) for _ in range(dice.choice([1, 2, 3]))]
        held = None
        if dice.random() < 0.5:
            held = client.upload({"held": pa.table({"x": dice.choice(COLUMNS)})}).dataset_id
        cast: Any = dice.choice(["error", "cast"])
        checked = client.check(frames, held, on_mismatch=cast)
        types = [str(frame["x"].type) for frame in frames]

        error = None
        try:
            client.upload(frames, held, on_mismatch=cast)
        except (sutro.SchemaMismatchError, sutro.UploadIncompleteError) as raised:
            error = raised

        assert bool(checked) == (error is None), (types, held, cast, error, checked.error)
