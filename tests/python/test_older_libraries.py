"""Frames of the oldest supported libraries. `make test-older` runs these tests with them."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import sutro

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INSTANT = dt.datetime(2024, 1, 2, 3, 4, 5)  # noqa: DTZ001 - a naive column is made of it
COLUMNS: dict[str, list[Any]] = {
    "int": [1, 2],
    "float": [0.5, 1.5],
    "text": ["a", "\u00df"],
    "time": [INSTANT, INSTANT],
    "date": [dt.date(2024, 1, 2), dt.date(2024, 1, 3)],
    "decimal": [decimal.Decimal("1.25"), decimal.Decimal("2.50")],
    "list": [[1], [2, 3]],
}


@pytest.fixture
def client(tmp_path: Path) -> sutro.Client:
    return sutro.Client(api_url=f"local:{tmp_path / 'datasets'}")


def copy_of(client: sutro.Client, report: sutro.UploadReport, folder: Path) -> Path:
    (path,) = client.download_from_dataset(report.dataset_id, output_path=folder / "copy")
    return path


def test_a_pandas_frame_and_its_file_have_compatible_schemas(
    client: sutro.Client, tmp_path: Path
) -> None:
    frame = pd.DataFrame({**COLUMNS, "kind": pd.Categorical(["x", "y"])})
    frame["seconds"] = frame["time"].astype("datetime64[s]")
    frame.to_parquet(tmp_path / "file.parquet", index=False)

    report = client.upload(frame)

    read = pd.read_parquet(copy_of(client, report, tmp_path))
    pd.testing.assert_frame_equal(read, pd.read_parquet(tmp_path / "file.parquet"))
    assert client.upload(tmp_path / "file.parquet", report.dataset_id)[0].status == "uploaded"


def test_a_polars_frame_and_its_file_have_compatible_schemas(
    client: sutro.Client, tmp_path: Path
) -> None:
    frame = pl.DataFrame(COLUMNS).with_columns(kind=pl.Series(["x", "y"], dtype=pl.Categorical))
    frame.write_parquet(tmp_path / "file.parquet", compression="snappy")

    report = client.upload(frame)

    assert pl.read_parquet(copy_of(client, report, tmp_path)).equals(frame)
    assert client.upload(tmp_path / "file.parquet", report.dataset_id)[0].status == "uploaded"


def test_an_arrow_table_round_trips_unchanged(client: sutro.Client, tmp_path: Path) -> None:
    table = pa.table(COLUMNS)

    assert pq.read_table(copy_of(client, client.upload(table), tmp_path)).equals(table)


@pytest.mark.parametrize(
    "make",
    [
        lambda: pl.LazyFrame({"a": [1, 2, 3]}).filter(pl.col("a") > 1),
        lambda: ds.dataset(pa.table({"a": [2, 3]})),
        lambda: ds.dataset(pa.table({"a": [2, 3]})).scanner(),
        lambda: pa.table({"a": [2, 3]}).to_reader(),
        lambda: pd.DataFrame({"a": [1, 2, 3]}).iloc[1:],
    ],
)
def test_lazy_frames_and_datasets_are_uploaded(
    client: sutro.Client, tmp_path: Path, make: Callable[[], Any]
) -> None:
    report = client.upload(make())

    assert pq.read_table(copy_of(client, report, tmp_path)).to_pydict() == {"a": [2, 3]}


def test_a_consumed_reader_is_rejected(client: sutro.Client) -> None:
    reader = pa.table({"a": [1]}).to_reader()
    with pytest.raises(sutro.DatasetNotFoundError, match="dataset-typo not found"):
        client.upload(reader, "dataset-typo")
    assert client.upload(reader)[0].row_count == 1

    with pytest.raises(sutro.FrameError, match="was already read"):
        client.upload(reader)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"bad": pd.to_timedelta([1], unit="s")}),
        pd.DataFrame({"bad": pd.period_range("2024-01", periods=1, freq="M")}),
        pd.DataFrame({"bad": [1j]}),
        pd.DataFrame({"bad": [1, "x"]}),
        pl.DataFrame({"bad": [dt.timedelta(seconds=1)]}),
        pa.table({"bad": pa.array([1], pa.duration("s"))}),
    ],
)
def test_columns_without_a_parquet_type_are_rejected_by_name(
    client: sutro.Client, frame: Any
) -> None:
    with pytest.raises(sutro.FrameError) as raised:
        client.upload(frame)

    assert raised.value.column == "bad"
    assert client.list_datasets() == []


def test_a_pandas_index_is_dropped_with_a_warning(client: sutro.Client, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index([7, 8], name="key"))

    with pytest.warns(sutro.SutroWarning, match="index key"):
        report = client.upload(frame)

    assert pq.read_schema(copy_of(client, report, tmp_path)).names == ["a"]
