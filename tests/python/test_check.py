"""A check reports all problems at once and sends nothing."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from conftest import PARTS, without_fingerprints, write_parquet

if TYPE_CHECKING:
    from pathlib import Path


def test_a_count_of_one_uses_the_singular(tmp_path: Path) -> None:
    report = sutro.check(write_parquet(tmp_path / "a.parquet", rows=1))

    assert repr(report).startswith("CheckReport(1 file, 1 row, ")
    assert "1 schema:" in repr(report)


def test_a_check_needs_no_key_and_describes_all_files(folder: Path) -> None:
    report = sutro.check(folder)

    assert report
    assert report.error is None
    assert [file.name for file in report] == PARTS
    first = report[0]
    assert (first.row_count, first.row_groups, first.codecs) == (1, 1, ("snappy",))
    assert first.size_bytes == (folder / PARTS[0]).stat().st_size
    assert report.schemas == ((("id", "int64"), ("text", "string")),)
    assert pl.DataFrame(report)["row_count"].to_list() == list(range(1, 13))
    assert "would be accepted" in repr(report)
    assert pickle.loads(pickle.dumps(report)) == report


def test_a_check_reports_all_problems_and_an_upload_raises_them(
    client: sutro.Client, folder: Path
) -> None:
    (folder / "part-3.parquet").write_text("id,text\n1,a\n")
    write_parquet(folder / "part-5.parquet", id=[0.5])

    report = client.check(folder)

    assert not report
    assert len(report) == 11
    assert [file.schema_group for file in report] == [0] * 4 + [1] + [0] * 6
    assert len(report.problems) == 1
    assert "part-3.parquet" in report.problems[0]
    with pytest.raises(sutro.CheckError) as raised:
        client.upload(folder)
    assert str(raised.value) == str(report.error)
    # A damaged file does not hide how the schemas of the others differ.
    assert type(raised.value) is sutro.CheckError
    assert "part-3.parquet" in raised.value.problems[0]
    assert [len(group) for group in raised.value.groups] == [10, 1]
    assert {file for it in raised.value.differences for file in it.files} == {"part-5.parquet"}
    assert "would be rejected" in str(report)
    assert client.list_datasets() == []


def test_a_check_compares_files_with_those_in_a_dataset(client: sutro.Client, folder: Path) -> None:
    dataset_id = client.upload(folder / "part-0.parquet").dataset_id
    other = write_parquet(folder.parent / "other.parquet", id=["x"], text=["a"])
    fine = write_parquet(folder.parent / "fine.parquet")

    assert client.check(fine, dataset_id)
    assert client.check(folder, dataset_id), "it would go on where the first upload ended"
    taken = client.check([fine, folder / "part-0.parquet"], dataset_id)
    assert isinstance(taken.error, sutro.FileExistsInDatasetError)
    mismatch = client.check(other, dataset_id)
    assert isinstance(mismatch.error, sutro.SchemaMismatchError)
    assert "does not match the dataset." in str(mismatch.error)
    with pytest.raises(sutro.SchemaMismatchError, match="does not match the dataset"):
        client.upload(other, dataset_id)
    with pytest.raises(sutro.DatasetNotFoundError, match="dataset-none not found"):
        client.check(fine, "dataset-none")


def test_frames_are_checked_without_being_sent(client: sutro.Client) -> None:
    frames = [pa.table({"id": [1]}), pa.table({"id": [2]}), pa.table({"id": ["x"]})]

    assert sutro.check(iter(frames[:2])).schemas == ((("id", "int64"),),)
    report = client.check(frames)

    assert isinstance(report.error, sutro.SchemaMismatchError)
    names = without_fingerprints(file.name for file in report)
    assert names == [f"part-0000{n}.parquet" for n in range(3)]
    assert client.check(frames[0], rows_per_file=1)
    assert client.list_datasets() == []


def test_a_check_considers_casts_and_recompression(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", id=[1])
    pq.write_table(pa.table({"id": [0.5]}), tmp_path / "b.parquet", compression="gzip")

    assert not sutro.check(tmp_path, on_mismatch="cast")
    assert not sutro.check(tmp_path, recompress=True)
    assert sutro.check(tmp_path, on_mismatch="cast", recompress=True)


def test_a_dry_run_reports_what_would_be_sent(client: sutro.Client, folder: Path) -> None:
    assert [file.status for file in client.upload(folder, dry_run=True)] == ["pending"] * 12
    assert client.list_datasets() == []
    dataset_id = client.upload(sorted(folder.iterdir())[:1]).dataset_id

    report = client.upload(folder, dataset_id, dry_run=True)

    assert [file.status for file in report] == ["skipped"] + ["pending"] * 11
    assert len(client.list_dataset_files(dataset_id)) == 1
    write_parquet(folder / "part-5.parquet", id=[0.5])
    with pytest.raises(sutro.SchemaMismatchError, match="does not match the other 11"):
        client.upload(folder, dry_run=True)
    frames = (pa.table({"id": [n]}) for n in range(3))
    assert [file.status for file in client.upload(frames, dry_run=True)] == ["pending"] * 3


def test_a_check_report_in_a_notebook_is_escaped_and_folded(tmp_path: Path) -> None:
    for number in range(60):
        write_parquet(tmp_path / f"<b>{number}.parquet")

    html: Any = sutro.check(tmp_path)._repr_html_()

    assert "<b>" not in html
    assert "&lt;b&gt;0.parquet" in html
    assert "<details><summary>10 more</summary>" in html


PANDAS_DRIFT = """\
3 of 6 files do not match the other 3. Nothing was sent.

  column             3 files (part-0.parquet ...)  differs in
  score              int64                         double           part-3.parquet (has NaN?)
  comment            string                        null (all rows)  part-3.parquet, part-4.parquet
  __index_level_0__  (absent)                      int64            part-5.parquet

  score: pandas stores int with missing values as float. \
pandas: df["score"] = df["score"].astype("Int64"); polars: pl.col("score").cast(pl.Int64)
  comment: no value in these files, so no type. \
pandas: df["comment"] = df["comment"].astype("string"); polars: pl.col("comment").cast(pl.String)
  __index_level_0__: a pandas index. df.to_parquet(..., index=False)
  Not a difference: string, large_string and dictionary encodings, row groups, compression, \
metadata."""


def test_pandas_files_with_drifted_types_are_reported_with_cause_and_fix(tmp_path: Path) -> None:
    plain = pd.DataFrame({"score": [1, 2], "comment": ["a", "b"]})
    frames = [
        plain,
        plain,
        plain,
        pd.DataFrame({"score": [1.0, None], "comment": [None, None]}),
        pd.DataFrame({"score": [1, 2], "comment": [None, None]}),
        plain.set_axis([7, 3]),
    ]
    for number, frame in enumerate(frames):
        frame.to_parquet(tmp_path / f"part-{number}.parquet")

    error = sutro.check(tmp_path).error

    assert isinstance(error, sutro.SchemaMismatchError)
    assert str(error) == PANDAS_DRIFT
    assert error.groups[0] == tuple(f"part-{n}.parquet" for n in range(3))
    assert error.differences[1] == sutro.Difference(
        path="comment",
        kind="type",
        expected="string",
        found="null (in int32)",
        files=("part-3.parquet", "part-4.parquet"),
    )
    restored = pickle.loads(pickle.dumps(error))
    assert restored.differences == error.differences


INT, TEXT = pa.array([1]), pa.array(["a"])
US = pa.array([0], pa.timestamp("us"))


ID_TO_INT64 = 'pandas: df["id"] = df["id"].astype("Int64"); polars: pl.col("id").cast(pl.Int64)'
ID_TO_STRING = 'pandas: df["id"] = df["id"].astype("string"); polars: pl.col("id").cast(pl.String)'
CAST_HELPS = 'on_mismatch="cast" fixes this during the upload.'
PERSON, OTHER_PERSON = ([{"address": {"zip": zip_code}}] for zip_code in ("a", 1))


@pytest.mark.parametrize(
    ("expected", "found", "message"),
    [
        (
            {"id": INT, "b": TEXT},
            {"b": TEXT, "id": INT},
            [
                "id position 1 position 2 c.parquet",
                (
                    "id: the columns are in another order. pandas: df = df[columns]; "
                    "polars: df = df.select(columns)"
                ),
                CAST_HELPS,
            ],
        ),
        (
            {"b": TEXT, "id": TEXT},
            {"b": TEXT},
            [
                "id string (absent) c.parquet",
                (
                    "id: add it to the files that lack it, or drop it from the others. "
                    'pandas: df["id"] = pd.Series(None, df.index, "string"); '
                    'polars: df.with_columns(pl.lit(None).cast(pl.String).alias("id"))'
                ),
            ],
        ),
        (
            {"b": TEXT},
            {"b": TEXT, "id": INT},
            [
                "id (absent) int64 c.parquet",
                'id: pandas: df = df.drop(columns=["id"]); polars: df = df.drop("id")',
            ],
        ),
        (
            {"id": INT},
            {"id": pa.array([0.5])},
            [
                "id int64 double c.parquet (has NaN?)",
                f"id: pandas stores int with missing values as float. {ID_TO_INT64}",
                CAST_HELPS,
            ],
        ),
        (
            {"id": TEXT},
            {"id": pa.nulls(1)},
            [
                "id string null (all rows) c.parquet",
                f"id: no value in these files, so no type. {ID_TO_STRING}",
                CAST_HELPS,
            ],
        ),
        (
            {"id": US},
            {"id": US.cast(pa.timestamp("ms"))},
            [
                "id timestamp[us] timestamp[ms] c.parquet",
                (
                    'id: different units. pandas: df["id"] = df["id"].dt.as_unit("us"); '
                    'polars: pl.col("id").dt.cast_time_unit("us")'
                ),
                CAST_HELPS,
            ],
        ),
        (
            {"id": US.cast(pa.timestamp("us", "UTC"))},
            {"id": US},
            [
                "id timestamp[us, UTC] timestamp[us] c.parquet",
                (
                    "id: some files have a time zone, others do not. "
                    'pandas: df["id"] = df["id"].dt.tz_localize("UTC"); '
                    'polars: pl.col("id").dt.replace_time_zone("UTC")'
                ),
            ],
        ),
        (
            {"id": TEXT},
            {"id": pa.array([b"a"])},
            [
                "id string binary c.parquet",
                (
                    "id: bytes in some files, text in others. "
                    'pandas: df["id"] = df["id"].str.decode("utf-8"); '
                    'polars: pl.col("id").cast(pl.String)'
                ),
            ],
        ),
        (
            {"id": INT},
            {"id": INT.cast(pa.int32())},
            ["id int64 int32 c.parquet", f"id: {ID_TO_INT64}", CAST_HELPS],
        ),
        (
            {"person": pa.array(PERSON)},
            {"person": pa.array(OTHER_PERSON)},
            ["person.address.zip string int64 c.parquet"],
        ),
        (
            {"tags": pa.array([["a"]])},
            {"tags": pa.array([[1]])},
            ["tags.element string int64 c.parquet"],
        ),
    ],
)
def test_each_kind_of_difference_is_reported_with_its_fix(
    tmp_path: Path, expected: dict[str, Any], found: dict[str, Any], message: list[str]
) -> None:
    for name, columns in [("a", expected), ("b", expected), ("c", found)]:
        write_parquet(tmp_path / f"{name}.parquet", **columns)

    headline, *lines, ignored = str(sutro.check(tmp_path).error).splitlines()

    assert headline == "1 of 3 files does not match the other 2. Nothing was sent."
    assert ignored.startswith("  Not a difference: ")
    told = [" ".join(line.split()) for line in lines if line]
    assert told == ["column 2 files (a.parquet ...) differs in", *message]


def test_a_required_column_among_nullable_ones_is_reported(tmp_path: Path) -> None:
    field = pa.field("id", pa.int64(), nullable=False)
    write_parquet(tmp_path / "a.parquet", id=[1])
    write_parquet(tmp_path / "b.parquet", id=[1])
    pq.write_table(pa.table({"id": [1]}, pa.schema([field])), tmp_path / "c.parquet")

    lines = [" ".join(line.split()) for line in str(sutro.check(tmp_path).error).splitlines()]

    assert lines[3] == "id nullable required c.parquet"
    assert lines[5] == (
        "id: some writers mark columns without nulls as required; pandas and polars never do"
    )


def test_a_cast_is_offered_if_and_only_if_it_would_help(tmp_path: Path) -> None:
    offer = 'on_mismatch="cast" fixes this'
    write_parquet(tmp_path / "a.parquet", id=[1], text=["a"])
    write_parquet(tmp_path / "b.parquet", text=["a"], id=[0.5])
    assert offer in str(sutro.check(tmp_path))
    write_parquet(tmp_path / "c.parquet", id=["x"], text=["a"])
    assert offer not in str(sutro.check(tmp_path))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", b"", "is empty"),
        ("a.parquet", b"id,text\n1,a\n" * 9, "is not a Parquet file: it looks like CSV"),
        ("a.parquet", b'{"id": 1}\n' * 9, "is not a Parquet file: it looks like JSON"),
        ("a.parquet", b"ARROW1\0\0" + bytes(99), "is not a Parquet file: it is an Arrow IPC file"),
        (
            "a.parquet",
            b"\x1f\x8b\x08" + bytes(99),
            "is not a Parquet file: it is compressed with gzip",
        ),
    ],
)
def test_files_that_are_not_parquet_are_named(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)

    report = sutro.check(tmp_path)

    assert isinstance(report.error, sutro.InvalidParquetError)
    assert report.error.paths == (str(tmp_path / name),)
    assert message in report.problems[0]
