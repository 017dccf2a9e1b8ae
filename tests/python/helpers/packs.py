"""What readers see in Parquet files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def rows_by_reader() -> dict[str, Callable[[Sequence[Path]], list[str]]]:
    """For each reader, a function that returns the rows of files, in order."""
    return {"pyarrow": in_pyarrow, "duckdb": in_duckdb, "polars": in_polars}


def in_pyarrow(files: Sequence[Path]) -> list[str]:
    rows = []
    for file in files:
        columns = [column.to_pylist() for column in pq.read_table(file).columns]
        rows += [str(row) for row in zip(*columns, strict=True)]
    return rows


def in_duckdb(files: Sequence[Path]) -> list[str]:
    query = "SELECT * FROM read_parquet(?)"
    read = [duckdb.execute(query, [str(file)]).fetchall() for file in files]
    return [str(row) for rows in read for row in rows]


def in_polars(files: Sequence[Path]) -> list[str]:
    return [str(row) for file in files for row in pl.read_parquet(file).rows()]


@dataclass(frozen=True)
class RowGroupFacts:
    """What the footer says about a row group, except for positions."""

    sizes: list[tuple[int, int, int]]
    """Rows, values and compressed bytes, for each column."""
    statistics: list[str | None]


def row_group_facts(files: Sequence[Path]) -> list[RowGroupFacts]:
    facts = []
    for file in files:
        metadata = pq.read_metadata(file)
        for group in map(metadata.row_group, range(metadata.num_row_groups)):
            columns = [group.column(place) for place in range(metadata.num_columns)]
            sizes = [
                (group.num_rows, column.num_values, column.total_compressed_size)
                for column in columns
            ]
            statistics = [
                str(column.statistics.to_dict()) if column.is_stats_set else None
                for column in columns
            ]
            facts.append(RowGroupFacts(sizes, statistics))
    return facts
