"""`merge_row_groups=True` merges row groups that are far too small while files are packed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from helpers.datasets import ids_in

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunSutro
    from helpers.bucket import Bucket

BIG = 200_000
"""Rows of random numbers that make a row group of more than 1 MB."""


def rows(seed: int, count: int) -> pa.Table:
    """Rows of many types, with nulls."""
    rng = np.random.default_rng(seed)

    def some(values: list[Any]) -> list[Any]:
        return [None if rng.random() < 0.2 else value for value in values]

    numbers = rng.integers(-100, 100, count)
    columns = {
        "number": pa.array(some(numbers.tolist()), pa.int32()),
        "unsigned": pa.array(some([2**63 + int(n) for n in numbers]), pa.uint64()),
        "float": pa.array(some([float(n) / 3 for n in numbers]), pa.float64()),
        "text": pa.array(some([f"text {n}" for n in numbers]), pa.string()),
        "bytes": pa.array(some([bytes([n % 256]) for n in numbers]), pa.binary()),
        "flag": pa.array(some([bool(n % 2) for n in numbers]), pa.bool_()),
        "time": pa.array(some(numbers.tolist()), pa.timestamp("us", "UTC")),
        "category": pa.array(some([str(n % 3) for n in numbers]), pa.string()).dictionary_encode(),
        "list": pa.array(some([[int(n), None] * (n % 3) for n in numbers]), pa.list_(pa.int64())),
        "struct": pa.array(
            some([{"a": int(n), "b": some([str(n)])} for n in numbers]),
            pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))]),
        ),
        "map": pa.array(some([[("k", int(n))] for n in numbers]), pa.map_(pa.string(), pa.int16())),
        "nothing": pa.array([None] * count, pa.float32()),
    }
    return pa.table(columns)


def merged(
    client: sutro.Client, source: object, folder: Path, **options: Any
) -> tuple[sutro.UploadReport, list[Path]]:
    report = client.upload(source, target_file_size="1GB", merge_row_groups=True, **options)  # type: ignore[arg-type]
    paths = client.download_from_dataset(report.dataset_id, output_path=folder / "merged")
    return report, paths


def test_500_small_files_become_one_row_group(client: sutro.Client, data: Path) -> None:
    for number in range(500):
        table = pa.table({"id": range(number * 10, number * 10 + 10), "text": ["x"] * 10})
        pq.write_table(table, data / f"{number}.parquet")

    report, (path,) = merged(client, data, data.parent)

    metadata = pq.read_metadata(path)
    assert metadata.num_row_groups == 1
    assert ids_in(client, report.dataset_id) == list(range(5000))
    statistics = metadata.row_group(0).column(0).statistics
    assert (statistics.min, statistics.max, statistics.null_count) == (0, 4999, 0)
    assert report[0].changes == ("merged",)
    assert len(report[0].sources) == 500
    again = client.upload(data, report.dataset_id, target_file_size="1GB", merge_row_groups=True)
    assert [file.status for file in again] == ["skipped"]


@pytest.mark.parametrize("seed", range(6))
def test_merged_files_read_the_same_in_all_readers(
    client: sutro.Client, data: Path, seed: int
) -> None:
    layout = np.random.default_rng(seed)
    tables = []
    for number in range(8):
        tables.append(rows(seed * 100 + number, int(layout.integers(0, 60))))
        # A table without rows makes a row group without rows.
        pq.write_table(
            tables[-1],
            data / f"{number}.parquet",
            row_group_size=int(layout.integers(1, 30)),
            compression=str(layout.choice(["snappy", "none"])),
            data_page_version=str(layout.choice(["1.0", "2.0"])),
            use_dictionary=bool(layout.integers(2)),
            write_page_index=bool(layout.integers(2)),
        )
    one = data.parent / "one.parquet"
    pq.write_table(pa.concat_tables(tables), one)

    _, (path,) = merged(client, data, data.parent)

    assert pq.read_schema(path).equals(pq.read_schema(data / "0.parquet"))
    assert pq.read_metadata(path).num_row_groups == 1
    assert pq.read_table(path).equals(pq.read_table(one))
    assert pl.read_parquet(path).equals(pl.read_parquet(one))
    query = "select * from read_parquet('{}')"
    assert duckdb.sql(query.format(path)).fetchall() == duckdb.sql(query.format(one)).fetchall()
    merged_statistics = statistics_of(path)
    assert merged_statistics == statistics_of(one)


def statistics_of(path: Path) -> list[tuple[Any, ...]]:
    (row_group,) = (pq.read_metadata(path).row_group(0),)
    found = []
    for place in range(row_group.num_columns):
        column = row_group.column(place)
        known = column.statistics
        limits = (known.min, known.max) if known is not None and known.has_min_max else None
        nulls = None if known is None else known.null_count
        found.append((column.path_in_schema, column.num_values, limits, nulls))
    return found


def test_large_row_groups_are_copied_unchanged(client: sutro.Client, data: Path) -> None:
    rng = np.random.default_rng(1)
    sizes = [10, 20, BIG, 5, BIG, 7, 8]
    for number, size in enumerate(sizes):
        table = pa.table({"id": rng.integers(0, 2**62, size)})
        pq.write_table(table, data / f"{number}.parquet")
    big = pq.read_metadata(data / "2.parquet").row_group(0).column(0)
    assert big.total_compressed_size > 1_000_000

    _, (path,) = merged(client, data, data.parent)

    metadata = pq.read_metadata(path)
    groups = [metadata.row_group(place) for place in range(metadata.num_row_groups)]
    assert [group.num_rows for group in groups] == [30, BIG, 5, BIG, 15]
    copied = groups[1].column(0)
    begin, length = copied.dictionary_page_offset, copied.total_compressed_size
    source = (data / "2.parquet").read_bytes()[big.dictionary_page_offset :][:length]
    assert path.read_bytes()[begin : begin + length] == source
    expected = pa.concat_tables(pq.read_table(data / f"{number}.parquet") for number in range(7))
    assert pq.read_table(path).equals(expected)


def test_the_codec_stays_that_of_the_sources(client: sutro.Client, data: Path) -> None:
    for number in range(3):
        codecs = {"a": "NONE", "b": "SNAPPY"}
        pq.write_table(
            pa.table({"a": [1], "b": [2]}), data / f"{number}.parquet", compression=codecs
        )

    _, (path,) = merged(client, data, data.parent)

    row_group = pq.read_metadata(path).row_group(0)
    assert [row_group.column(place).compression for place in (0, 1)] == ["UNCOMPRESSED", "SNAPPY"]


def test_casts_and_recompression_merge_row_groups_too(client: sutro.Client, data: Path) -> None:
    for number in range(6):
        kind = pa.int32() if number % 2 else pa.int64()
        table = pa.table({"id": pa.array(range(number * 4, number * 4 + 4), kind)})
        pq.write_table(table, data / f"{number}.parquet", compression="zstd", row_group_size=2)

    report, (path,) = merged(client, data, data.parent, on_mismatch="cast", recompress=True)

    assert set(report[0].changes) == {"cast", "recompressed", "merged"}
    assert ids_in(client, report.dataset_id) == list(range(24))
    assert pq.read_metadata(path).num_row_groups == 1
    assert pq.read_metadata(path).row_group(0).column(0).compression == "SNAPPY"


def test_the_same_sources_make_the_same_bytes(client: sutro.Client, data: Path) -> None:
    for number in range(4):
        pq.write_table(rows(number, 50), data / f"{number}.parquet")

    reports = [merged(client, data, data.parent / str(run)) for run in range(2)]

    first, second = (paths[0].read_bytes() for _, paths in reports)
    assert first == second
    assert reports[0][0][0].name == reports[1][0][0].name
    plain = client.upload(data, target_file_size="1GB")
    assert plain[0].name != reports[0][0][0].name
    assert plain[0].changes == ()


def test_objects_are_merged_too(client: sutro.Client, bucket: Bucket, data: Path) -> None:
    for number in range(12):
        path = data / f"{number}.parquet"
        pq.write_table(pa.table({"id": range(number * 5, number * 5 + 5)}), path)
        bucket.put(path.name, path.read_bytes())

    report, (path,) = merged(client, bucket.url, data.parent, storage_options=bucket.options())

    assert pq.read_metadata(path).num_row_groups == 1
    assert ids_in(client, report.dataset_id) == list(range(60))


def test_check_reports_how_many_row_groups_are_merged(client: sutro.Client, folder: Path) -> None:
    report = client.check(folder, target_file_size="1GB", merge_row_groups=True)

    note = "12 files regrouped into 1 file; 12 small row groups merged into 1"
    assert note in report.notes


def test_a_damaged_source_is_named(client: sutro.Client, folder: Path) -> None:
    damaged = folder / "part-7.parquet"
    content = bytearray(damaged.read_bytes())
    content[4:60] = b"\xff" * 56
    damaged.write_bytes(content)

    with pytest.raises(sutro.SutroError) as raised:
        client.upload(folder, target_file_size="1GB", merge_row_groups=True)

    assert "part-7.parquet" in str(raised.value) + str(raised.value.__cause__)


def test_row_groups_are_merged_only_in_files_with_a_target_size(
    client: sutro.Client, folder: Path
) -> None:
    with pytest.raises(sutro.ConfigurationError, match="with a target size"):
        client.upload(folder, merge_row_groups=True)
    with pytest.raises(sutro.ConfigurationError, match="contains frames"):
        client.upload(pl.DataFrame({"a": [1]}), target_file_size="1MB", merge_row_groups=True)
    with pytest.raises(TypeError, match="merge_row_groups must be"):
        client.upload(folder, target_file_size="1MB", merge_row_groups="yes")  # type: ignore[arg-type]


def test_the_command_merges_row_groups(
    server: sutro.LocalServer, folder: Path, run_sutro: RunSutro
) -> None:
    environment = {"SUTRO_API_KEY": server.api_key, "SUTRO_API_URL": server.api_url}
    options = ("--target-file-size", "1GiB", "--merge-row-groups", "-q")

    done = run_sutro("upload", folder, *options, environment=environment)

    (file,) = server.client().list_dataset_files(done.stdout.strip())
    assert file.row_count == sum(range(13))
