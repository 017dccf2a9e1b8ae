"""Issues that users of other tools reported for frames and streams.

Each test names the issue whose symptom must not appear here.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import sutro
from helpers.datasets import table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sutro.sources import ArrowStream


def test_timestamps_in_seconds_do_not_become_integers(client: sutro.Client) -> None:
    """https://github.com/apache/arrow-rs/issues/1920, https://github.com/lakehq/sail/pull/2522."""
    days = pd.Series(pd.to_datetime([dt.date(2024, 1, 1)])).dt.as_unit("s")

    dataset_id = client.upload(pd.DataFrame({"t": days})).dataset_id

    column = table_of(client, dataset_id)["t"]
    assert column.type == pa.timestamp("ms")
    assert column.to_pylist() == [pd.Timestamp(2024, 1, 1)]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"d": [pd.Timedelta(1, "s")]}),
        pl.DataFrame({"d": [dt.timedelta(seconds=1)]}),
        pa.table({"d": pa.array([1], pa.duration("s"))}),
    ],
    ids=["pandas", "polars", "pyarrow"],
)
def test_durations_do_not_become_integers(client: sutro.Client, frame: ArrowStream) -> None:
    """https://github.com/NVIDIA/cudf/issues/13410."""
    with pytest.raises(sutro.FrameError) as error:
        client.upload(frame)

    assert error.value.column == "d"


def test_one_batch_per_call_is_appended(client: sutro.Client) -> None:
    """https://github.com/huggingface/datasets/issues/6290, huggingface/lerobot/issues/2125."""
    dataset_id = client.create_dataset()
    for day in range(5):
        client.upload(pd.DataFrame({"a": [day], "b": [day + 1]}), dataset_id)

    assert table_of(client, dataset_id)["a"].to_pylist() == list(range(5))


def test_a_failed_call_does_not_consume_the_stream(client: sutro.Client) -> None:
    """https://github.com/cortexproject/cortex/pull/5217."""
    reader = pa.table({"x": [1, 2]}).to_reader()
    dataset_id = client.create_dataset()

    with pytest.raises(sutro.DatasetNotFoundError, match="dataset-typo not found"):
        client.upload(reader, "dataset-typo")
    report = client.upload(reader, dataset_id)
    with pytest.raises(sutro.FrameError, match="already read"):
        client.upload(reader, dataset_id)

    assert [file.row_count for file in report] == [2]
    assert table_of(client, dataset_id)["x"].to_pylist() == [1, 2]


@pytest.mark.parametrize("rows", [0, 1, 5, 3000])
def test_no_row_is_lost_with_more_workers_than_rows(client: sutro.Client, rows: int) -> None:
    """https://github.com/huggingface/datasets/pull/8044."""
    frame = pl.DataFrame({"x": range(rows)}, schema={"x": pl.Int64})

    report = client.upload(frame, rows_per_file=10, concurrency=50)

    assert table_of(client, report.dataset_id)["x"].to_pylist() == list(range(rows))


def test_a_column_of_mixed_types_is_named(client: sutro.Client) -> None:
    """https://github.com/pandas-dev/pandas/issues/21228, https://github.com/apache/arrow/issues/43298."""
    with pytest.raises(sutro.FrameError, match="column 'a' holds float, int and str") as error:
        client.upload(pd.DataFrame({"a": [1, "x", 2.5]}))

    assert error.value.column == "a"


def test_timestamps_used_as_column_names_become_text(client: sutro.Client) -> None:
    """https://github.com/pandas-dev/pandas/issues/59692."""
    columns = pd.to_timedelta([0, 1, 2], unit="s")
    frame = pd.DataFrame([[1, 2, 3]], columns=columns)

    dataset_id = client.upload(frame).dataset_id

    rows = table_of(client, dataset_id)
    assert rows.column_names == [str(column) for column in columns]
    assert [rows[name].to_pylist() for name in rows.column_names] == [[1], [2], [3]]


def test_relations_of_one_connection_do_not_truncate_each_other(client: sutro.Client) -> None:
    """https://github.com/duckdb/duckdb/issues/12713, https://github.com/duckdb/duckdb/issues/16589."""
    count = 300_000
    with duckdb.connect() as connection:
        first = connection.sql(f"select range as x from range({count})")
        second = connection.sql(f"select range + {count} as x from range({count})")

        def queried_in_between() -> Iterator[ArrowStream]:
            yield first
            assert connection.sql("select 1").fetchall() == [(1,)]
            yield second

        sources: list[Iterable[ArrowStream]] = [[first, second], queried_in_between()]
        for source in sources:
            report = client.upload(source)
            assert [file.row_count for file in report] == [count, count]
            rows = table_of(client, report.dataset_id)["x"]
            assert rows.to_pylist() == list(range(2 * count))


def test_a_pyarrow_dataset_can_be_scanned_more_than_once(client: sutro.Client) -> None:
    """https://github.com/duckdb/duckdb-python/issues/105."""
    dataset = client.read(client.upload(pl.DataFrame({"x": [1, 2, 3]})).dataset_id)

    with duckdb.connect() as connection:
        connection.register("dataset", dataset)
        for _ in range(2):
            assert connection.sql("select sum(x) from dataset").fetchall() == [(6,)]
    assert pl.DataFrame(dataset).equals(pl.DataFrame(dataset))


def test_a_lazy_frame_is_streamed(client: sutro.Client) -> None:
    """https://github.com/pola-rs/polars/issues/7524."""
    lazy = pl.LazyFrame({"x": range(1000)}).filter(pl.col("x") % 2 == 0)

    for source in (lazy, lazy.collect_batches()):
        dataset_id = client.upload(source).dataset_id
        assert table_of(client, dataset_id)["x"].to_pylist() == list(range(0, 1000, 2))
