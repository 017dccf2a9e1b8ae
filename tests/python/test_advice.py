"""The advice in schema errors is correct or absent: similar names, times, nested fields."""

from __future__ import annotations

import ast
import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro

if TYPE_CHECKING:
    from pathlib import Path

INT = pa.array([1])
US = pa.array([0], pa.timestamp("us"))
DAY = pa.array([dt.date(2024, 1, 1)])
STRUCT = pa.array([{"a": 1, "b": "x"}])


def mismatch_message(folder: Path, expected: dict[str, Any], found: dict[str, Any]) -> str:
    folder.mkdir(exist_ok=True)
    for name, columns in [("a", expected), ("b", expected), ("c", found)]:
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return str(sutro.check(folder).error)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ({"s": STRUCT}, {"s": pa.array([{"b": "x", "a": 1}])}),
        ({"s": STRUCT}, {"s": pa.array([{"a": 1}])}),
        ({"s": pa.array([{"a": 1}])}, {"s": STRUCT}),
        ({"s": STRUCT}, {"s": pa.array([{"a": "1", "b": "x"}])}),
        ({"s": pa.array([["a"]])}, {"s": pa.array([[1]])}),
        ({"s": pa.array([{"t": 0}])}, {"s": pa.array([{"t": pd.Timestamp("2024-01-01")}])}),
        ({"s": STRUCT}, {"s": INT}),
        ({"s": pa.array([["a"]])}, {"s": pa.array(["a"])}),
    ],
    ids=str,
)
def test_no_code_is_suggested_for_a_nested_field(
    tmp_path: Path, expected: dict[str, Any], found: dict[str, Any]
) -> None:
    text = mismatch_message(tmp_path / "data", expected, found)

    assert "pandas:" not in text
    assert "polars:" not in text


@pytest.mark.parametrize(
    ("expected", "found", "line"),
    [
        ("B", "b", 'B: "B" and "b" differ only in upper and lower case.'),
        ("b", "b ", 'b: "b" and "b " differ only in leading or trailing spaces.'),
        (" b", "b", '" b": " b" and "b" differ only in leading or trailing spaces.'),
        ("\xe9", "e\u0301", "differ only in Unicode composition."),
    ],
)
def test_similar_column_names_are_pointed_out(
    tmp_path: Path, expected: str, found: str, line: str
) -> None:
    text = mismatch_message(tmp_path / "data", {expected: INT, "id": INT}, {found: INT, "id": INT})

    assert line in text
    assert "drop" not in text
    renamed: dict[str, str] = ast.literal_eval(text.split("columns=")[1].split(")")[0])
    assert renamed == {found: expected}


def test_trailing_blanks_in_a_column_name_are_shown(tmp_path: Path) -> None:
    text = mismatch_message(tmp_path / "data", {"b": INT}, {"b ": INT})

    assert '  "b "  ' in text


def test_similar_names_of_struct_fields_are_pointed_out_without_code(
    tmp_path: Path,
) -> None:
    text = mismatch_message(
        tmp_path / "data", {"s": pa.array([{"B": 1}])}, {"s": pa.array([{"b": 1}])}
    )

    assert '"s.B" and "s.b" differ only in upper and lower case.' in text
    assert "rename" not in text


@pytest.mark.parametrize(
    ("expected", "found", "line"),
    [
        (US, INT, 'pd.to_datetime(df["x"], unit="us")'),
        (INT, US, "x: times in some files, integers in others: write all files with times"),
        (DAY, US, 'This drops the time of day: pandas: df["x"] = df["x"].dt.date'),
        (US, DAY, 'polars: pl.col("x").cast(pl.Datetime("us"))'),
        (
            pa.array([Decimal("1.10")]),
            pa.array([Decimal("22.305")]),
            'polars: pl.col("x").cast(pl.Decimal(5, 3))',
        ),
        (pa.array([True]), pa.array(["a"]), ""),
        (INT, DAY, ""),
        (pa.array([Decimal("1.10")]), pa.array([0.5]), ""),
        (INT, pa.array([Decimal("1.10")]), ""),
    ],
    ids=str,
)
def test_the_advice_for_a_column_is_correct_or_absent(
    tmp_path: Path, expected: pa.Array, found: pa.Array, line: str
) -> None:
    text = mismatch_message(tmp_path / "data", {"x": expected}, {"x": found})

    if line:
        assert line in text
    else:
        assert "pandas:" not in text
    assert "Int64" not in text


def test_the_suggested_code_for_times_and_decimals_works() -> None:
    """Runs the code from the messages above."""
    df = pd.DataFrame({"x": [1]})
    df["x"] = pd.to_datetime(df["x"], unit="us")
    frame = pl.DataFrame({"x": [1]}).with_columns(pl.from_epoch("x", time_unit="us"))
    assert frame.schema["x"] == pl.Datetime("us")
    assert df["x"][0] == frame["x"][0] == pd.Timestamp("1970-01-01T00:00:00.000001")

    df = pd.DataFrame({"x": [dt.date(2024, 1, 1)]})
    df["x"] = pd.to_datetime(df["x"]).astype("datetime64[us]")
    assert str(df["x"].dtype) == "datetime64[us]"
    df["x"] = df["x"].dt.date
    assert df["x"].to_list() == [dt.date(2024, 1, 1)]

    df = pd.DataFrame({"x": [Decimal("1.10")]})
    df["x"] = df["x"].astype(pd.ArrowDtype(pa.decimal128(5, 3)))
    assert df["x"].to_list() == [Decimal("1.100")]
    polars = pl.DataFrame({"x": [Decimal("1.10")]})
    assert polars.with_columns(pl.col("x").cast(pl.Decimal(5, 3))).schema["x"] == pl.Decimal(5, 3)
