"""Packs of files of several writers, with every layout, look the same to every reader."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from helpers.packs import row_group_facts, rows_by_reader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import sutro

ROWS = 60


def values(begin: int, count: int = ROWS) -> pa.Table:
    """Flat and nested columns, with nulls and repeated values. The column `id` numbers the rows."""
    ids = range(begin, begin + count)
    day = dt.date(2024, 1, 1)
    items = pa.list_(pa.struct({"key": pa.string(), "scores": pa.list_(pa.float64())}))
    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "text": [None if i % 7 == 0 else f"text {i % 5}" for i in ids],
            "price": pa.array([decimal.Decimal(i) / 4 for i in ids], pa.decimal128(20, 4)),
            "day": [day + dt.timedelta(days=i) for i in ids],
            "ratio": pa.array([i / 3 if i % 4 else None for i in ids], pa.float32()),
            "bytes": pa.array([bytes([i % 256]) * (i % 9) for i in ids], pa.binary()),
            "flag": [i % 3 == 0 for i in ids],
            "empty": pa.array([None] * len(ids), pa.int32()),
            "list": [None if i % 6 == 0 else list(range(i % 4)) for i in ids],
            "nested": pa.array(
                [[{"key": f"k{n}", "scores": [n / 2, None]} for n in range(i % 3)] for i in ids],
                items,
            ),
        }
    )


def of_pyarrow(**options: Any) -> Callable[[Path, pa.Table], None]:
    def write(path: Path, table: pa.Table) -> None:
        pq.write_table(table, path, row_group_size=25, **options)

    return write


def with_empty_row_groups(path: Path, table: pa.Table) -> None:
    with pq.ParquetWriter(path, table.schema) as writer:
        for part in (table[:0], table[:20], table[20:20], table[20:], table[:0]):
            writer.write_table(part)


def without_rows_in_one_file(path: Path, table: pa.Table) -> None:
    begins_later = table["id"][0].as_py() == ROWS
    pq.write_table(table[:0] if begins_later else table, path, row_group_size=25)


def with_pages_of_nulls(path: Path, table: pa.Table) -> None:
    """The first half of `text` and `ratio` is null, in pages of their own."""
    is_kept = pa.array([row >= ROWS // 2 for row in range(len(table))])
    for name in ("text", "ratio"):
        column = pc.if_else(is_kept, table[name], pa.scalar(None, table[name].type))
        table = table.set_column(table.column_names.index(name), name, column)
    pq.write_table(table, path, data_page_size=1, write_batch_size=5, write_page_index=True)


def of_polars(path: Path, table: pa.Table) -> None:
    frame = pl.DataFrame(table)
    frame.write_parquet(path, compression="snappy", row_group_size=25, statistics="full")


def of_duckdb(path: Path, table: pa.Table) -> None:
    """DuckDB writes bloom filters of columns with dictionaries."""
    with duckdb.connect() as connection:
        connection.register("rows", table)
        connection.execute(f"COPY rows TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)")


WRITERS = {
    "dictionaries": of_pyarrow(use_dictionary=True),
    "no dictionaries": of_pyarrow(use_dictionary=False),
    "page indexes": of_pyarrow(write_page_index=True, data_page_size=64, write_batch_size=4),
    "pages of version 2": of_pyarrow(data_page_version="2.0", write_page_checksum=True),
    "no statistics": of_pyarrow(write_statistics=False),
    "sorting columns": of_pyarrow(sorting_columns=[pq.SortingColumn(0)]),
    "bloom filters": of_pyarrow(bloom_filter_options={"text": {"ndv": 5}, "id": {"ndv": ROWS}}),
    "empty row groups": with_empty_row_groups,
    "a file without rows": without_rows_in_one_file,
    "pages of nulls": with_pages_of_nulls,
    "polars": of_polars,
    "duckdb": of_duckdb,
}

every_writer = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


@pytest.fixture
def files(data: Path, write: Callable[[Path, pa.Table], None]) -> list[Path]:
    paths = [data / f"{number}.parquet" for number in range(3)]
    for number, path in enumerate(paths):
        write(path, values(number * ROWS))
    return paths


def packs_of(client: sutro.Client, files: list[Path], size: str | int, folder: Path) -> list[Path]:
    report = client.upload(files, target_file_size=size)
    client.download_from_dataset(report.dataset_id, output_path=folder)
    return [folder / file.name for file in report]


@every_writer
@pytest.mark.parametrize("size", ["4kB", "1GB"])
def test_packs_have_the_rows_the_schema_and_the_statistics_of_their_sources(
    client: sutro.Client, files: list[Path], tmp_path: Path, size: str
) -> None:
    packs = packs_of(client, files, size, tmp_path / "packs")

    assert (len(packs) == 1) == (size == "1GB")
    for name, read in rows_by_reader().items():
        assert read(packs) == read(files), name
    for pack in packs:
        assert pq.read_schema(pack).equals(pq.read_schema(files[0]), check_metadata=True)
    assert_statistics_are_those_of(files, packs)


@every_writer
def test_files_split_to_single_row_groups_and_packed_again_have_the_same_rows(
    client: sutro.Client, files: list[Path], tmp_path: Path
) -> None:
    groups = sum(pq.read_metadata(file).num_row_groups for file in files)

    single = packs_of(client, files, 1, tmp_path / "single")
    assert all(pq.read_metadata(file).num_row_groups <= 1 for file in single) or groups < 3
    [pack] = packs_of(client, single, "1GB", tmp_path / "pack")

    for name, read in rows_by_reader().items():
        assert read(single) == read(files), name
        assert read([pack]) == read(files), name
    assert_statistics_are_those_of(files, [pack])


@every_writer
def test_filters_find_the_same_rows_in_packs(
    client: sutro.Client, files: list[Path], tmp_path: Path
) -> None:
    packs = packs_of(client, files, "4kB", tmp_path / "packs")
    table = pa.concat_tables(values(number * ROWS) for number in range(3))

    for column in ("id", "text", "price", "day", "ratio", "flag"):
        for row in (1, 59, 121):
            value = table[column][row]
            in_pyarrow = [
                pq.read_table(part, filters=pc.field(column) == value, columns=["id"])["id"]
                for part in (files, packs)
            ]
            assert in_pyarrow[0].to_pylist() == in_pyarrow[1].to_pylist(), (column, value)
            is_value = pl.col(column) == pl.lit(value.as_py()).cast(
                pl.DataFrame(table).schema[column]
            )
            in_polars = [
                pl.scan_parquet(part).filter(is_value).select("id").collect()
                for part in (files, packs)
            ]
            assert in_polars[0].equals(in_polars[1]), (column, value)
            query = f'SELECT id FROM read_parquet(?) WHERE "{column}" = ? ORDER BY id'
            in_duckdb = [
                duckdb.execute(query, [list(map(str, part)), value.as_py()]).fetchall()
                for part in (files, packs)
            ]
            assert in_duckdb[0] == in_duckdb[1], (column, value)


@pytest.mark.parametrize("write", [WRITERS["bloom filters"], of_duckdb], ids=["pyarrow", "duckdb"])
def test_bloom_filters_are_left_out(
    client: sutro.Client, files: list[Path], tmp_path: Path
) -> None:
    [pack] = packs_of(client, files, "1GB", tmp_path / "packs")

    def bloom_filters(path: Path) -> list[int | None]:
        query = "SELECT bloom_filter_offset FROM parquet_metadata(?) WHERE path_in_schema = 'text'"
        return [offset for (offset,) in duckdb.execute(query, [str(path)]).fetchall()]

    assert all(bloom_filters(files[0]))
    assert not any(bloom_filters(pack))


def test_the_files_of_these_tests_have_what_they_are_named_for(tmp_path: Path) -> None:
    def metadata(writer: str) -> pq.FileMetaData:
        path = tmp_path / f"{writer}.parquet"
        WRITERS[writer](path, values(0))
        return pq.read_metadata(path)

    def of_text(writer: str) -> pq.ColumnChunkMetaData:
        return metadata(writer).row_group(0).column(1)

    assert of_text("dictionaries").has_dictionary_page
    assert not of_text("no dictionaries").has_dictionary_page
    for writer in ("page indexes", "pages of nulls"):
        assert of_text(writer).has_column_index
        assert of_text(writer).has_offset_index
    assert of_text("pages of nulls").statistics.null_count > ROWS // 2
    assert not of_text("no statistics").is_stats_set
    assert metadata("sorting columns").row_group(0).sorting_columns
    empty = metadata("empty row groups")
    assert 0 in [empty.row_group(place).num_rows for place in range(empty.num_row_groups)]


def assert_statistics_are_those_of(files: list[Path], packs: list[Path]) -> None:
    """Packs have the row groups of the files, in order."""
    before, after = row_group_facts(files), row_group_facts(packs)
    assert len(after) == len(before)
    for moved, original in zip(after, before, strict=True):
        assert moved.sizes == original.sizes
        for now, then in zip(moved.statistics, original.statistics, strict=True):
            assert now == then
