"""Every type of pandas, polars and pyarrow, and how a dataset stores it.

Run `python tests/python/type_matrix.py` to update the tables of docs/guides/types.md.
"""

from __future__ import annotations

import datetime as dt
import decimal
import tempfile
import uuid
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa

import sutro

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "types.md"
BEGIN, END = "<!-- made by tests/python/type_matrix.py -->", "<!-- end -->"

DATE, TIME = dt.date(2024, 1, 2), dt.time(1, 2, 3)
INSTANT = dt.datetime(2024, 1, 2, 3, 4, 5)  # noqa: DTZ001 - a naive column is made of it
DECIMAL = decimal.Decimal("1.25")


def pandas_columns() -> dict[str, Any]:
    """Columns of pandas by the name of their type."""
    instants = pd.Series([INSTANT])
    columns = {
        kind: pd.Series([1], dtype=kind)
        for kind in (
            *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
            *("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"),
            *("float16", "float32", "float64", "Float32", "Float64", "complex128"),
        )
    }
    columns |= {kind: pd.Series([True], dtype=kind) for kind in ("bool", "boolean")}
    columns |= {kind: pd.Series(["a"], dtype=kind) for kind in ("str", "string", "category")}
    columns |= {
        f"datetime64[{unit}]": instants.astype(f"datetime64[{unit}]")
        for unit in ("s", "ms", "us", "ns")
    }
    columns |= {
        "datetime64[s, UTC]": instants.dt.tz_localize("UTC").dt.as_unit("s"),
        "datetime64[us, Europe/Berlin]": instants.dt.tz_localize("Europe/Berlin").dt.as_unit("us"),
        "timedelta64[s]": pd.Series([1]).astype("timedelta64[s]"),
        "period[M]": pd.Series(pd.period_range("2024-01", periods=1, freq="M")),
        "interval": pd.Series(pd.interval_range(0, 1)),
        "category of int64": pd.Series([7], dtype="category"),
        "Sparse[int64]": pd.Series([7], dtype="Sparse[int64]"),
        "date32[pyarrow]": pd.Series([DATE], dtype=pd.ArrowDtype(pa.date32())),
        "duration[s][pyarrow]": pd.Series([1], dtype=pd.ArrowDtype(pa.duration("s"))),
    }
    objects = {
        "text": "a",
        "bytes": b"a",
        "date": DATE,
        "time": TIME,
        "Decimal": DECIMAL,
        "list": [1],
        "dict": {"a": 1},
        "timedelta": dt.timedelta(seconds=1),
        "set": {1},
    }
    columns |= {
        f"object: {kind}": pd.Series([value], dtype="object") for kind, value in objects.items()
    }
    columns["object: int and str"] = pd.Series([1, "a"], dtype="object")
    columns["object: None only"] = pd.Series([None], dtype="object")
    return columns


def polars_columns() -> dict[str, Any]:
    """Columns of polars by the name of their type."""
    numbers = ("Int8", "Int16", "Int32", "Int64", "Int128", "UInt8", "UInt16", "UInt32", "UInt64")
    columns = {kind: pl.Series([1], dtype=getattr(pl, kind)) for kind in numbers}
    columns |= {kind: pl.Series([1.5], dtype=getattr(pl, kind)) for kind in ("Float32", "Float64")}
    values: list[tuple[Any, Any]] = [
        (pl.Boolean(), True),
        (pl.String(), "a"),
        (pl.Binary(), b"a"),
        (pl.Date(), DATE),
        (pl.Time(), TIME),
        *[(pl.Datetime(unit), INSTANT) for unit in ("ms", "us", "ns")],
        (pl.Datetime("us", "UTC"), INSTANT),
        *[(pl.Duration(unit), dt.timedelta(seconds=1)) for unit in ("ms", "us", "ns")],
        (pl.Decimal(5, 2), DECIMAL),
        (pl.Decimal(38, 2), DECIMAL),
        (pl.Categorical(), "a"),
        (pl.Enum(["a"]), "a"),
        (pl.List(pl.String()), ["a"]),
        (pl.List(pl.Duration("us")), [dt.timedelta(seconds=1)]),
        (pl.Array(pl.Int8(), 2), [1, 2]),
        (pl.Struct({"a": pl.Int64(), "b": pl.List(pl.Date())}), {"a": 1, "b": [DATE]}),
        (pl.Null(), None),
        (pl.Object(), object()),
    ]
    return columns | {str(kind): pl.Series([value], dtype=kind) for kind, value in values}


def arrow_columns() -> dict[str, Any]:
    """Columns of pyarrow by the name of their type."""
    kinds: list[tuple[pa.DataType, Any]] = [
        *[(getattr(pa, f"{sign}int{bits}")(), 1) for sign in ("", "u") for bits in (8, 16, 32, 64)],
        *[(kind(), 1.5) for kind in (pa.float16, pa.float32, pa.float64)],
        (pa.bool_(), True),
        *[(kind(), "a") for kind in (pa.string, pa.large_string, pa.string_view)],
        *[(kind(), b"a") for kind in (pa.binary, pa.large_binary, pa.binary_view)],
        (pa.binary(1), b"a"),
        (pa.date32(), DATE),
        (pa.date64(), DATE),
        *[(pa.time32(unit), TIME) for unit in ("s", "ms")],
        *[(pa.time64(unit), TIME) for unit in ("us", "ns")],
        *[(pa.timestamp(unit), INSTANT) for unit in ("s", "ms", "us", "ns")],
        *[(pa.timestamp(unit, "UTC"), INSTANT) for unit in ("s", "us")],
        *[(pa.duration(unit), 1) for unit in ("s", "ms", "us", "ns")],
        (pa.month_day_nano_interval(), (1, 2, 3)),
        *[(kind(5, 2), DECIMAL) for kind in (pa.decimal32, pa.decimal64, pa.decimal128)],
        (pa.decimal256(50, 2), DECIMAL),
        (pa.list_(pa.int8()), [1]),
        (pa.large_list(pa.int8()), [1]),
        (pa.list_view(pa.int8()), [1]),
        (pa.large_list_view(pa.int8()), [1]),
        (pa.list_(pa.int8(), 1), [1]),
        (pa.list_(pa.timestamp("s")), [INSTANT]),
        (pa.struct({"a": pa.int8(), "b": pa.date64()}), {"a": 1, "b": DATE}),
        (pa.struct([]), {}),
        (pa.map_(pa.string(), pa.time32("s")), [("a", TIME)]),
        (pa.map_(pa.string(), pa.duration("s")), [("a", 1)]),
        (pa.null(), None),
        (pa.uuid(), uuid.UUID(int=1).bytes),
        (pa.json_(), "{}"),
    ]
    columns: dict[str, Any] = {str(kind): pa.array([value], kind) for kind, value in kinds}
    text = pa.array(["a"])
    columns["dictionary<string>"] = text.dictionary_encode()
    columns["dictionary<int64>"] = pa.array([1]).dictionary_encode()
    columns["run_end_encoded<string>"] = pa.RunEndEncodedArray.from_arrays([1], text)
    columns["sparse_union<string>"] = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [text])
    columns["dense_union<string>"] = pa.UnionArray.from_dense(
        pa.array([0], pa.int8()), pa.array([0], pa.int32()), [text]
    )
    tensor = pa.fixed_shape_tensor(pa.int8(), [1])
    columns["fixed_shape_tensor<int8>"] = pa.ExtensionArray.from_storage(
        tensor, pa.array([[1]], pa.list_(pa.int8(), 1))
    )
    return columns


LIBRARIES: dict[str, tuple[Any, Any]] = {
    "pandas": (pandas_columns, lambda column: pd.DataFrame({"x": column})),
    "polars": (polars_columns, lambda column: pl.DataFrame({"x": column})),
    "pyarrow": (arrow_columns, lambda column: pa.table({"x": column})),
}


def row_of(client: sutro.Client, frame: Any) -> str:
    """The type in the dataset and what is lost, or the error."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            report = client.upload(frame, progress=False)
        except sutro.FrameError as error:
            words = str(error).removeprefix("frame 0: ").replace("|", r"\|")
            return f"rejected: {words}"
    (dataset,) = (d for d in client.list_datasets() if d.dataset_id == report.dataset_id)
    kind = dict(dataset.schema or ())["x"]
    notes = [str(warning.message) for warning in told]
    return f"`{kind}`" + (", with a warning" if notes else "")


def tables() -> str:
    """All tables, in Markdown."""
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        client = sutro.Client(api_url=f"local:{folder}")
        for library, (columns, frame_of) in LIBRARIES.items():
            rows = [
                f"| `{kind}` | {row_of(client, frame_of(column))} |"
                for kind, column in columns().items()
            ]
            head = [f"### {library}", "", "| type | in the dataset |", "|---|---|"]
            parts.append("\n".join([*head, *rows]))
    return "\n\n".join(parts)


def split_page() -> tuple[str, str, str]:
    """The page before its tables, the tables, and the page after them."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    inside, _, behind = rest.partition(END)
    return before, inside.strip("\n"), behind


if __name__ == "__main__":
    before, _, behind = split_page()
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables()}\n\n{END}{behind}")
