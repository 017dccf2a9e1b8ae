"""Issues that users of other tools reported for files and folders.

Each test names the issue whose symptom must not appear here.
"""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from conftest import write_parquet
from helpers.datasets import names_in, table_of

if TYPE_CHECKING:
    from pathlib import Path


def test_rows_deleted_from_a_table_are_not_uploaded(client: sutro.Client, data: Path) -> None:
    """https://github.com/derekwisong/datui/issues/237."""
    write_parquet(data / "part-0.parquet")
    write_parquet(data / "part-1.parquet")
    (data / "_delta_log").mkdir()
    (data / "_delta_log" / "00000000000000000000.json").write_text("{}", encoding="utf-8")

    for source in (data, data / "*.parquet"):
        with pytest.raises(sutro.SutroError, match="Delta"):
            client.upload(source)


def test_a_column_found_only_in_the_path_is_not_lost(client: sutro.Client, data: Path) -> None:
    """https://github.com/pola-rs/polars/issues/12036, https://github.com/duckdb/duckdb/issues/5735."""
    for year in (2023, 2024):
        (data / f"year={year}").mkdir()
        write_parquet(data / f"year={year}" / f"of-{year}.parquet", x=[year])

    with pytest.raises(sutro.SutroError, match="year"):
        client.upload(data, recursive=True)
    dataset_id = client.upload(data, recursive=True, hive=True).dataset_id

    assert table_of(client, dataset_id).to_pydict() == {"x": [2023, 2024], "year": [2023, 2024]}


def test_a_column_in_the_path_and_the_file_keeps_the_values_of_the_file(
    client: sutro.Client, data: Path
) -> None:
    """https://github.com/apache/hop/pull/8254."""
    (data / "year=2024").mkdir()
    write_parquet(data / "year=2024" / "a.parquet", year=[1999])

    dataset_id = client.upload(data, recursive=True).dataset_id

    assert table_of(client, dataset_id).to_pydict() == {"year": [1999]}


def test_equal_names_in_partition_folders_do_not_overwrite_each_other(
    client: sutro.Client, data: Path
) -> None:
    """https://github.com/pola-rs/polars/issues/18242, https://github.com/apache/spark/pull/6864."""
    for year in (2023, 2024):
        (data / f"year={year}").mkdir()
        write_parquet(data / f"year={year}" / "part-0.parquet", x=[year])

    with pytest.raises(sutro.CheckError, match=r"year=2024.*part-0\.parquet is .*year=2023"):
        client.upload(data, recursive=True, hive=False)
    report = client.upload(data, recursive=True, hive=True)

    assert len({file.name for file in report}) == 2
    assert table_of(client, report.dataset_id)["x"].to_pylist() == [2023, 2024]


def test_changed_content_of_the_same_size_is_detected(client: sutro.Client, data: Path) -> None:
    """https://github.com/clarete/s3sync/issues/27, https://github.com/aws/aws-cli/issues/406."""
    path = data / "day.parquet"
    write_parquet(path, x=[1, 2])
    size = path.stat().st_size
    dataset_id = client.upload(path).dataset_id
    write_parquet(path, x=[7, 8])
    assert path.stat().st_size == size

    with pytest.raises(sutro.FileExistsInDatasetError, match="with other content"):
        client.upload(path, dataset_id)


def test_skipped_subfolders_are_reported(client: sutro.Client, data: Path) -> None:
    """https://github.com/Kaggle/kagglehub/issues/254, https://github.com/Kaggle/kagglehub/pull/246."""
    write_parquet(data / "a.parquet")
    (data / "2024").mkdir()
    write_parquet(data / "2024" / "b.parquet")
    (data / "linked").symlink_to(data / "2024")

    with pytest.warns(sutro.SutroWarning, match="2024"):
        report = client.upload(data)

    assert any("2024" in note for note in report.notes)
    with pytest.warns(sutro.SutroWarning, match="linked"):
        assert len(client.upload(data, recursive=True)) == 2


def test_symlinks_into_a_cache_keep_their_own_names(client: sutro.Client, data: Path) -> None:
    """https://github.com/Kaggle/kagglehub/issues/244."""
    (data / "blobs").mkdir()
    (data / "snapshot").mkdir()
    blob = write_parquet(data / "blobs" / "9f2c")
    (data / "snapshot" / "train-00000-of-00001.parquet").symlink_to(blob)

    report = client.upload(data / "snapshot")

    assert names_in(client, report.dataset_id) == ["train-00000-of-00001.parquet"]


def test_a_dangling_link_is_an_error(client: sutro.Client, data: Path) -> None:
    """https://github.com/counsyl/stor/pull/7, https://github.com/MagaluCloud/magalu/pull/1503."""
    write_parquet(data / "part-0.parquet")
    (data / "part-1.parquet").symlink_to(data / "nothing")

    for source in (data, data / "*.parquet"):
        with pytest.raises(sutro.SutroError, match=r"part-1\.parquet"):
            client.upload(source)


def test_a_git_lfs_pointer_is_reported_as_a_pointer(client: sutro.Client, data: Path) -> None:
    """https://github.com/huggingface/datasets/issues/4077, and two more."""
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 1\n"
    (data / "train.parquet").write_text(pointer, encoding="utf-8")

    with pytest.raises(sutro.InvalidParquetError, match="git lfs pull"):
        client.upload(data)


def test_all_unreadable_files_are_reported_at_once(client: sutro.Client, data: Path) -> None:
    """https://github.com/open-reaction-database/ord-schema/pull/923."""
    write_parquet(data / "good.parquet")
    (data / "empty.parquet").touch()
    (data / "cut.parquet").write_bytes((data / "good.parquet").read_bytes()[:-9])
    (data / "text.parquet").write_text("a,b\n1,2\n", encoding="utf-8")

    with pytest.raises(sutro.InvalidParquetError) as error:
        client.upload(data)

    bad = {str(data / name) for name in ("empty.parquet", "cut.parquet", "text.parquet")}
    assert set(error.value.paths) == bad
    assert all(path in str(error.value) for path in bad)


def test_unreadable_files_can_be_excluded(client: sutro.Client, data: Path) -> None:
    """https://github.com/Eventual-Inc/Daft/issues/3008."""
    write_parquet(data / "a.parquet")
    (data / "b.parquet").touch()
    with pytest.raises(sutro.InvalidParquetError) as error:
        client.upload(data)

    report = client.upload(data, exclude=error.value.paths)

    assert [file.name for file in report] == ["a.parquet"]


def test_marker_files_written_by_spark_are_ignored(client: sutro.Client, data: Path) -> None:
    """https://github.com/wandb/wandb/issues/2895, https://github.com/Kaggle/kaggle-cli/pull/1130."""
    for number in range(2):
        write_parquet(data / f"part-{number}.parquet")
        (data / f".part-{number}.parquet.crc").touch()
    (data / "_SUCCESS").touch()

    assert len(client.upload(data)) == 2
    assert [file.name for file in client.upload(data, exclude="*-0*")] == ["part-1.parquet"]
    with pytest.raises(sutro.ConfigurationError, match="all 2 files are excluded"):
        client.upload(data, exclude="*")


def test_the_same_upload_again_appends_nothing(client: sutro.Client, folder: Path) -> None:
    """https://github.com/ankitpokhrel/tus-php/issues/444."""
    dataset_id = client.upload(folder).dataset_id
    before = names_in(client, dataset_id)

    again = client.upload(folder, dataset_id)

    assert {file.status for file in again} == {"skipped"}
    assert (again.bytes, again.bytes_sent) == (0, 0)
    assert names_in(client, dataset_id) == before


def test_names_in_nfc_and_nfd_are_the_same_name(client: sutro.Client, data: Path) -> None:
    """https://github.com/opencloud-eu/web/pull/1327."""
    path = write_parquet(data / "data.parquet")
    composed, taken_apart = (unicodedata.normalize(form, "é.parquet") for form in ("NFC", "NFD"))
    dataset_id = client.upload(path, names=[taken_apart]).dataset_id

    again = client.upload(path, dataset_id, names=[composed])

    assert [file.status for file in again] == ["skipped"]
    assert names_in(client, dataset_id) == [taken_apart]


STRUCT = [("a", pa.int64()), ("b", pa.string())]

PAIRS: dict[str, tuple[str, pa.Array, pa.Array]] = {
    "decimals": (
        "https://github.com/huggingface/dataset-viewer/issues/3173",
        pa.array([Decimal("12.34567")]),
        pa.array([Decimal("123.45678")]),
    ),
    "empty files": (
        "https://github.com/pola-rs/polars/issues/15747",
        pa.array(["a"]),
        pa.array([], pa.float64()),
    ),
    "chunks without values": (
        "https://github.com/atlanhq/application-sdk/pull/3086",
        pa.array([1]),
        pa.nulls(2),
    ),
    "fields of a struct": (
        "https://github.com/lancedb/lancedb/issues/2114",
        pa.array([{"a": 1, "b": "x"}], pa.struct(STRUCT)),
        pa.array([{"b": "y", "a": 2}], pa.struct(STRUCT[::-1])),
    ),
}


@pytest.mark.parametrize("case", PAIRS)
def test_type_drift_is_rejected_without_a_cast_and_fixed_by_one(
    client: sutro.Client, data: Path, case: str
) -> None:
    """Each case names its issue."""
    _report, first, second = PAIRS[case]
    pq.write_table(pa.table({"x": first}), data / "0.parquet")
    pq.write_table(pa.table({"x": second}), data / "1.parquet")

    assert not client.check(data)
    assert 'on_mismatch="cast"' in str(client.check(data).error)
    together = client.upload(data, on_mismatch="cast").dataset_id
    apart = client.upload(data / "0.parquet").dataset_id
    expected = [*first.to_pylist(), *second.to_pylist()]

    assert table_of(client, together)["x"].to_pylist() == expected
    if case != "decimals":  # the dataset has fewer digits than the second file
        assert client.check(data / "1.parquet", apart, on_mismatch="cast")
        client.upload(data / "1.parquet", apart, on_mismatch="cast")
        assert table_of(client, apart)["x"].to_pylist() == expected


def test_int96_mixed_with_other_timestamps_is_cast(client: sutro.Client, data: Path) -> None:
    """https://github.com/apache/spark/pull/24417."""
    table = pa.table({"t": pa.array([1_000_000], pa.timestamp("us"))})
    pq.write_table(table, data / "0.parquet")
    pq.write_table(table, data / "1.parquet", use_deprecated_int96_timestamps=True)

    with pytest.raises(sutro.SchemaMismatchError, match="int96"):
        client.upload(data)
    dataset_id = client.upload(data, on_mismatch="cast").dataset_id

    assert table_of(client, dataset_id) == pa.concat_tables([table, table])


@pytest.mark.parametrize("columns", [["a"], ["a", "b", "c"]], ids=["removed", "added"])
def test_files_with_other_columns_are_rejected(
    client: sutro.Client, data: Path, columns: list[str]
) -> None:
    """https://github.com/huggingface/datasets/issues/5045."""
    held = write_parquet(data / "held.parquet", a=[1], b=[2])
    dataset_id = client.upload(held).dataset_id
    values: dict[str, Any] = {name: [1] for name in columns}
    other = write_parquet(data / "other.parquet", **values)

    with pytest.raises(sutro.SchemaMismatchError, match="Nothing was sent"):
        client.upload(other, dataset_id)

    assert names_in(client, dataset_id) == ["held.parquet"]


def test_a_difference_in_nullability_is_reported_and_cast(client: sutro.Client, data: Path) -> None:
    """https://github.com/NVIDIA-Merlin/NVTabular/issues/429, lancedb/lancedb/issues/2366."""
    required = pa.schema([pa.field("x", pa.int64(), nullable=False)])
    pq.write_table(pa.table({"x": [1]}), data / "0.parquet")
    pq.write_table(pa.table({"x": [2]}, required), data / "1.parquet")

    with pytest.raises(sutro.SchemaMismatchError) as error:
        client.upload(data)
    dataset_id = client.upload(data, on_mismatch="cast").dataset_id

    assert [difference.kind for difference in error.value.differences] == ["nullability"]
    assert table_of(client, dataset_id)["x"].to_pylist() == [1, 2]


def test_a_column_name_with_a_dot_is_not_a_nested_column(client: sutro.Client, data: Path) -> None:
    """https://github.com/apache/parquet-java/issues/2467, https://github.com/dask/fastparquet/issues/245."""
    pq.write_table(pa.table({"a.b": [1]}), data / "0.parquet")
    pq.write_table(pa.table({"a": [{"b": 1}]}), data / "1.parquet")

    assert not client.check(data)
    assert not client.check(data, on_mismatch="cast")
    for path in data.iterdir():
        dataset_id = client.upload(path).dataset_id
        assert table_of(client, dataset_id) == pq.read_table(path)


def test_duplicate_column_names_are_reported(client: sutro.Client, data: Path) -> None:
    """https://github.com/rok/test-parquet-format/issues/160."""
    columns = [pa.array([1]), pa.array([2])]
    pq.write_table(pa.Table.from_arrays(columns, names=["a", "a"]), data / "twice.parquet")
    words = r'^twice\.parquet: more than one column is named "a"; polars and other libraries'

    with pytest.warns(sutro.SutroWarning, match=words):
        report = client.upload(data)

    assert len(report.notes) == 1
    assert client.check(data).notes == report.notes
