"""Columns of Hive-style folders arrive as other tools read them."""

from __future__ import annotations

import datetime as dt
import json
import random
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import duckdb
import fsspec
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

import sutro

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from conftest import RunSutro

LOCAL = ("--api-url", "local:service", "--json")


def read_back(client: sutro.Client, report: sutro.UploadReport) -> pl.DataFrame:
    return pl.DataFrame(pa.table(client.read(report.dataset_id)))


def write_tree(root: Path, values: Sequence[Mapping[str, object]]) -> Path:
    """Write one file per set of values, in folders named as by Spark and pandas."""
    frame = pd.DataFrame([{"id": place, **row} for place, row in enumerate(values)])
    frame.to_parquet(root, partition_cols=list(values[0]), index=False)
    return root


YEARS = [{"year": 2024, "month": 1}, {"year": 2024, "month": 10}, {"year": 2025, "month": 2}]


def test_a_hive_folder_is_rejected_unless_hive_is_true_or_false(
    client: sutro.Client, tmp_path: Path
) -> None:
    write_tree(tmp_path / "t", YEARS)

    for names in (None, ["a", "b", "c"], "path"):
        with pytest.raises(sutro.CheckError, match="define year, month") as error:
            client.upload(tmp_path / "t", recursive=True, names=names)
        assert "3 of 3 files cannot be uploaded. Nothing was sent" in str(error.value)
        assert "hive=True" in str(error.value)
        assert "hive=False" in str(error.value)
    assert not client.check(tmp_path / "t", recursive=True)
    for source in (tmp_path / "t/year=2025", f"{tmp_path}/t/year=2024/*/*.parquet"):
        with pytest.raises(sutro.CheckError, match="define year, month"):
            client.upload(source, recursive=True, names="path")
    assert not client.list_datasets()
    without = client.upload(tmp_path / "t", recursive=True, hive=False, names="path")
    assert read_back(client, without).columns == ["id"]


def test_hive_columns_match_those_read_by_other_tools(client: sutro.Client, tmp_path: Path) -> None:
    root = write_tree(tmp_path / "t", YEARS)

    report = client.upload(root, recursive=True, hive=True)

    parts = [file.name.rpartition(",")[0] for file in report]
    assert parts == ["year=2024,month=1", "year=2024,month=10", "year=2025,month=2"]
    assert {file.changes for file in report} == {("hive",)}
    found = read_back(client, report)
    assert found.schema == {"id": pl.Int64, "year": pl.Int64, "month": pl.Int64}
    of_polars = pl.scan_parquet(root, hive_partitioning=True).collect()
    assert found.sort("id").equals(of_polars.sort("id"))
    of_duckdb = duckdb.sql(f"from read_parquet('{root}/**/*.parquet', hive_partitioning = true)")
    assert found.sort("id").equals(of_duckdb.pl().select(found.columns).sort("id"))
    of_pyarrow = pl.DataFrame(pa.dataset.dataset(root, partitioning="hive").to_table())
    assert found.sort("id").equals(
        of_pyarrow.cast({"year": pl.Int64, "month": pl.Int64}).sort("id")
    )
    assert client.check(root, report.dataset_id, recursive=True, hive=True)
    again = client.upload(root, report.dataset_id, recursive=True, hive=True)
    assert {file.status for file in again} == {"skipped"}


KINDS: dict[str, Callable[[random.Random], object]] = {
    "int": lambda chance: chance.randint(-5, 5_000_000_000),
    "text": lambda chance: chance.choice(["a b", "ä/ö", "x=y", "100%", "1x", "0.5", "true", "+1"]),
    "day": lambda chance: dt.date(2024, 1, chance.randint(1, 28)),
    "gap": lambda chance: chance.choice([1, 2, None]),
    "text gap": lambda chance: chance.choice(["p", "q", None]),
}


@pytest.mark.parametrize("seed", range(12))
def test_values_of_generated_trees_match_pyarrow_and_polars(
    client: sutro.Client, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    keys = chance.sample(list(KINDS), chance.randint(1, 3))
    rows = [{key: KINDS[key](chance) for key in keys} for _ in range(chance.randint(1, 8))]
    table = pa.table({"id": list(range(len(rows)))})
    for key in keys:
        table = table.append_column(key, pa.array([row[key] for row in rows]))
    root = tmp_path / "t"
    pa.dataset.write_dataset(
        table, root, format="parquet", partitioning=keys, partitioning_flavor="hive"
    )

    report = client.upload(root, recursive=True, hive=True)

    found = pa.table(client.read(report.dataset_id)).sort_by("id")
    text = pa.schema([("id", pa.int64()), *((key, pa.string()) for key in keys)])
    of_pyarrow = pa.dataset.dataset(root, partitioning="hive", schema=text).to_table()
    assert found.cast(text).to_pylist() == of_pyarrow.sort_by("id").to_pylist()
    of_polars = pl.scan_parquet(root, hive_partitioning=True, try_parse_hive_dates=True).collect()
    words = [pl.col(key).cast(pl.String) for key in keys]
    as_text = pl.DataFrame(found).select("id", *words)
    # polars reads numbers and booleans in text, too: they are the same in words.
    assert as_text.sort("id").equals(of_polars.select("id", *words).sort("id"))


def test_types_of_hive_columns_can_be_chosen(client: sutro.Client, tmp_path: Path) -> None:
    values = [
        {"zip": "01234", "rate": "0.5", "at": "2024-01-01 12:00:00", "ok": "true", "n": "7"},
        {"zip": "04", "rate": "1", "at": "2024-01-02 00:00:00", "ok": "false", "n": "8"},
    ]
    root = write_tree(tmp_path / "t", values)

    report = client.upload(
        root,
        recursive=True,
        hive={"zip": "string", "rate": "double", "at": "timestamp", "ok": "bool", "n": "int32"},
    )

    found = read_back(client, report).sort("id")
    assert found.schema == {
        "id": pl.Int64,
        "zip": pl.String,
        "rate": pl.Float64,
        "at": pl.Datetime("us"),
        "ok": pl.Boolean,
        "n": pl.Int32,
    }
    at = [f"{moment:%Y-%m-%d %H:%M}" for moment in found["at"]]
    assert [*zip(found["zip"], found["rate"], at, found["ok"], found["n"], strict=True)] == [
        ("01234", 0.5, "2024-01-01 12:00", True, 7),
        ("04", 1.0, "2024-01-02 00:00", False, 8),
    ]
    with pytest.raises(sutro.CheckError, match="zip=01234 is not a valid date"):
        client.upload(root, recursive=True, hive={"zip": "date"})
    with pytest.raises(sutro.CheckError, match="a type is set for zap"):
        client.upload(root, recursive=True, hive={"zap": "string"})
    with pytest.raises(sutro.ConfigurationError, match="types are bool, date"):
        client.upload(root, recursive=True, hive={"zip": "text"})  # type: ignore[dict-item]


def test_the_hive_default_partition_becomes_null(client: sutro.Client, tmp_path: Path) -> None:
    for value in ("1", "__HIVE_DEFAULT_PARTITION__"):
        (tmp_path / "t" / f"k={value}").mkdir(parents=True)
        pq.write_table(pa.table({"id": [1]}), tmp_path / "t" / f"k={value}" / "a.parquet")

    report = client.upload(tmp_path / "t", recursive=True, hive=True)

    found = read_back(client, report)
    assert found.schema["k"] == pl.Int64
    assert found["k"].to_list() == [1, None]


def write_with_column(root: Path, folder: str, **columns: list[object]) -> None:
    (root / folder).mkdir(parents=True)
    pq.write_table(pa.table(columns), root / folder / "a.parquet")


def test_a_column_in_the_folder_and_the_file_must_have_the_same_values(
    client: sutro.Client, tmp_path: Path
) -> None:
    root = tmp_path / "t"
    write_with_column(root, "year=2024", year=[2024, 2024], id=[1, 2])
    write_with_column(root, "year=2025", year=[2025], id=[3])

    # Nothing is lost without hive, and the file's column stays where it is with it.
    for hive in (None, True):
        report = client.upload(root, recursive=True, names="path", hive=hive)
        assert read_back(client, report).rows() == [(2024, 1), (2024, 2), (2025, 3)]
        assert {file.changes for file in report} == {()}
    write_with_column(root, "year=2026", year=[2026, 1999], id=[4, 5])
    with pytest.raises(sutro.CheckError, match="differ from its folder year=2026"):
        client.upload(root, recursive=True, hive=True)


def test_all_files_must_be_in_folders_with_the_same_keys(
    client: sutro.Client, tmp_path: Path
) -> None:
    root = tmp_path / "t"
    write_with_column(root, "year=2024", id=[1])
    write_with_column(root, "year=2025/month=1", id=[2])

    with pytest.raises(sutro.CheckError, match="define year, month, but those of") as error:
        client.upload(root, recursive=True, hive=True)
    assert "year=2025/month=1/a.parquet" in str(error.value)
    write_with_column(tmp_path / "plain", "x", id=[1])
    with pytest.raises(sutro.CheckError, match="no folder in its path is named key=value"):
        client.upload(tmp_path / "plain", recursive=True, hive=True)


def test_adding_hive_columns_does_not_change_the_others(
    client: sutro.Client, tmp_path: Path
) -> None:
    zone, berlin = dt.timezone(dt.timedelta(hours=2)), pa.timestamp("us", "Europe/Berlin")
    table = pa.table(
        {
            "at": pa.array(
                [dt.datetime(2024, 1, 1, tzinfo=zone)], pa.timestamp("us", "Europe/Berlin")
            ),
            "kind": pa.array(["a"]).dictionary_encode(),
            "nested": [{"a": [1, None], "b": {"c": "x"}}],
            "spans": pa.array([dt.timedelta(seconds=3)], pa.duration("us")),
        }
    )
    path = tmp_path / "t" / "k=1" / "a.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(table, path)

    report = client.upload(tmp_path / "t", recursive=True, hive=True)
    (copy,) = client.download_from_dataset(report.dataset_id, output_path=tmp_path / "copy")

    found = pq.read_table(copy, partitioning=None)
    assert found.drop_columns("k").equals(pq.read_table(path, partitioning=None))
    assert found.schema.field("at").type == berlin
    assert found["k"].to_pylist() == [1]
    assert pq.read_table(path, partitioning=None).column_names == table.column_names


def test_files_with_many_row_groups_or_no_rows_get_the_hive_column(
    client: sutro.Client, tmp_path: Path
) -> None:
    for value, rows in ((1, 10_000), (2, 0)):
        folder = tmp_path / "t" / f"k={value}"
        folder.mkdir(parents=True)
        pq.write_table(
            pa.table({"id": pa.array(range(rows), pa.int64())}),
            folder / "a.parquet",
            row_group_size=999,
        )

    report = client.upload(tmp_path / "t", recursive=True, hive=True)

    found = read_back(client, report)
    assert found["k"].to_list() == [1] * 10_000
    paths = client.download_from_dataset(report.dataset_id, output_path=tmp_path / "copy")
    assert next(pq.read_metadata(path).num_row_groups for path in paths) == 11
    added = paths[0].stat().st_size - (tmp_path / "t/k=1/a.parquet").stat().st_size
    assert added < 5_000, "a constant takes next to no room"


def test_the_command_adds_hive_columns(run_sutro: RunSutro, tmp_path: Path) -> None:
    write_tree(tmp_path / "t", YEARS)

    refused = run_sutro("check", "t", "-r", *LOCAL)
    done = run_sutro("upload", "t", "-r", "--hive", *LOCAL)
    without = run_sutro("upload", "t", "-r", "--no-hive", "--names", "path", *LOCAL)

    assert refused.returncode == 3
    assert "--hive adds" in json.loads(refused.stdout)["error"] or "--hive" in refused.stderr
    assert done.returncode == without.returncode == 0, done.stderr
    assert [file["changes"] for file in json.loads(done.stdout)["files"]] == [["hive"]] * 3


def test_the_command_accepts_types_for_hive_columns(run_sutro: RunSutro, tmp_path: Path) -> None:
    write_tree(tmp_path / "t", YEARS)

    done = run_sutro("upload", "t", "-r", "--hive-type", "year=string", *LOCAL)
    dry = run_sutro("upload", "t", "-r", "--dry-run", "--hive-type", "year=double", *LOCAL)
    wrong = run_sutro("check", "t", "-r", "--hive-type", "year=text", *LOCAL)
    both = run_sutro("check", "t", "-r", "--no-hive", "--hive-type", "year=string", *LOCAL)

    assert done.returncode == dry.returncode == 0, done.stderr + dry.stderr
    report = json.loads(done.stdout)
    reader = sutro.read(report["dataset_id"], api_url=f"local:{tmp_path / 'service'}")
    assert reader.to_arrow().schema.field("year").type == pa.string()
    assert json.loads(dry.stdout)["schemas"][0]["year"] == "double"
    assert wrong.returncode == both.returncode == 2
    assert "types are bool, date" in wrong.stderr + wrong.stdout
    assert "--no-hive" in both.stderr + both.stdout


def test_hive_is_rejected_for_frames(client: sutro.Client) -> None:
    with pytest.raises(sutro.ConfigurationError, match="the source contains frames"):
        client.upload(pl.DataFrame({"a": [1]}), hive=True)


@pytest.mark.parametrize("kind", ["list", "fsspec", "generator", "dict"])
def test_an_open_file_does_not_lose_its_hive_columns(
    client: sutro.Client, tmp_path: Path, kind: str
) -> None:
    paths = sorted(write_tree(tmp_path / "t", YEARS).rglob("*.parquet"))
    memory = fsspec.filesystem("memory")
    for path in paths:
        memory.pipe(f"/{path}", path.read_bytes())
    names = ["a", "b", "c"]
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("rb")) for path in paths]

        def source() -> Any:
            return {
                "list": files,
                "fsspec": fsspec.open_files([f"memory://{path}" for path in paths]),
                "generator": iter(files),
                "dict": dict(zip(names, files, strict=True)),
            }[kind]

        with pytest.raises(
            sutro.CheckError, match=r"define year, month.*hive=False uploads the files"
        ):
            client.upload(source())
        assert isinstance(client.check(source()).error, sutro.CheckError)
        assert client.list_datasets() == []

        given = None if kind == "dict" else names
        assert client.check(source(), names=given, hive=False)
        assert len(client.upload(source(), names=given, hive=False)) == 3


def test_an_open_file_that_contains_its_hive_columns_is_uploaded(
    client: sutro.Client, tmp_path: Path
) -> None:
    path = tmp_path / "t" / "year=2024" / "a.parquet"
    path.parent.mkdir(parents=True)
    pl.DataFrame({"id": [1], "year": [2024]}).write_parquet(path, compression="snappy")

    with path.open("rb") as file:
        assert client.upload(file)[0].name == "a.parquet"
