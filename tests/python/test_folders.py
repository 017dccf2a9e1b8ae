"""Folders are read as their table format defines, and skipped files are reported."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from conftest import RunSutro, write_parquet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DELTA = "a Delta table"

LOCAL = ("--api-url", "local:service")


def delta_table(folder: Path) -> Path:
    """A table with two versions. The first file is in the folder, but no longer in the table."""
    (folder / "_delta_log").mkdir(parents=True)
    for version, path in enumerate(["part-old.parquet", "part-new.parquet"]):
        write_parquet(folder / path)
        actions = [{"add": {"path": path, "dataChange": True}}]
        if version == 1:
            actions.append({"remove": {"path": "part-old.parquet", "dataChange": True}})
        log = "\n".join(map(json.dumps, actions))
        (folder / "_delta_log" / f"{version:020}.json").write_text(log, encoding="utf-8")
    return folder


def iceberg_table(folder: Path) -> Path:
    (folder / "metadata").mkdir(parents=True)
    (folder / "metadata" / "00000-1f.metadata.json").write_text("{}", encoding="utf-8")
    (folder / "data" / "y=1").mkdir(parents=True)
    write_parquet(folder / "data" / "y=1" / "part-old.parquet")
    return folder


@pytest.mark.parametrize(
    ("source", "recursive"),
    [("t", False), ("t", True), ("t/*.parquet", False), ("t/**/*.parquet", False), (".", True)],
)
def test_the_files_of_a_delta_folder_are_not_uploaded_as_the_table(
    client: sutro.Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    *,
    recursive: bool,
) -> None:
    delta_table(tmp_path / "t")
    monkeypatch.chdir(tmp_path)

    for call in (client.upload, client.check):
        with pytest.raises(sutro.ConfigurationError, match=DELTA) as error:
            call(source, recursive=recursive)
        assert "file_uris()" in str(error.value)
        assert ".to_pyarrow_table()" in str(error.value)
    assert not client.list_datasets()


@pytest.mark.parametrize("source", ["t", "t/data", "t/data/y=1", "t/data/**/*.parquet", "link"])
def test_an_iceberg_table_is_detected_from_its_subfolders(
    client: sutro.Client, tmp_path: Path, source: str
) -> None:
    iceberg_table(tmp_path / "t")
    (tmp_path / "link").symlink_to(tmp_path / "t" / "data" / "y=1")

    with pytest.raises(sutro.ConfigurationError, match="an Iceberg table"):
        client.upload(f"{tmp_path}/{source}", recursive=True)


def test_files_listed_by_the_table_library_are_uploaded(
    client: sutro.Client, tmp_path: Path
) -> None:
    live = delta_table(tmp_path / "t t") / "part-new.parquet"

    for uris in ([str(live)], [live.as_uri()]):
        with pytest.warns(sutro.SutroWarning, match="named directly"):
            report = client.upload(uris)
        assert [file.name for file in report] == ["part-new.parquet"]
        assert "named directly" in report.notes[0]


def test_a_shell_glob_does_not_bypass_the_delta_log(run_sutro: RunSutro, tmp_path: Path) -> None:
    delta_table(tmp_path / "t")

    done = run_sutro("upload", "t/part-new.parquet", "t/part-old.parquet", *LOCAL)

    assert done.returncode == 2
    assert DELTA in done.stderr


def test_skipped_files_are_listed_in_the_warning_the_report_and_the_check(
    client: sutro.Client, folder: Path
) -> None:
    (folder / "2024").mkdir()
    write_parquet(folder / "2024" / "b.parquet")
    (folder / "linked").symlink_to(folder / "2024")
    for name in ("a.csv", "b.csv", "c.parq", "d.pqt", "e.parquet.gzip", "_SUCCESS", ".x.crc"):
        (folder / name).write_text("x", encoding="utf-8")
    left_out = ["2 .csv files", "1 .parq file", "1 .pqt file", "1 .parquet.gzip file"]

    for source in (folder, f"{folder}/*"):
        with pytest.warns(
            sutro.SutroWarning,
            match=r"left out of \S+data: 1 folder \(2024\), 1 linked folder \(linked\)",
        ) as warned:
            report = client.upload(source)
        assert len(report) == 12
        assert len(warned) == 1, "it is one line"
        note = str(warned[0].message)
        assert report.notes == (note,)
        assert all(words in note for words in left_out), note
        assert "_SUCCESS" not in note
        assert ".crc" not in note
        assert report.to_dict()["notes"] == [note]
        with pytest.warns(sutro.SutroWarning, match="left out"):
            assert client.check(source).to_dict()["notes"] == [note]
        with pytest.warns(sutro.SutroWarning, match="left out"):
            assert client.upload(source, dry_run=True).notes == (note,)


def test_a_recursive_search_reports_symlinked_folders(
    client: sutro.Client, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")

    with pytest.warns(sutro.SutroWarning, match=r"1 linked folder \(linked\)"):
        client.upload(folder, recursive=True)


def test_the_command_reports_skipped_files_in_text_and_json(
    run_sutro: RunSutro, folder: Path
) -> None:
    (folder / "more").mkdir()
    for command in ("upload", "check"):
        done = run_sutro(command, "data", *LOCAL, "--json")
        assert done.returncode == 0
        assert "Warning: left out of data: 1 folder (more); --recursive searches" in done.stderr
        assert json.loads(done.stdout)["notes"][0].startswith("left out of data: 1 folder (more)")


def test_a_shell_glob_of_a_spark_folder_is_uploaded(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for number in range(2):
        write_parquet(out / f"part-{number}.snappy.parquet")
        (out / f".part-{number}.snappy.parquet.crc").write_text("x", encoding="utf-8")
    (out / "_SUCCESS").touch()
    (out / "notes.txt").touch()
    command = f"{sys.executable} -m sutro upload out/* --api-url local:service --json"

    done = subprocess.run(
        command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [file["name"] for file in report["files"]] == [
        "part-0.snappy.parquet",
        "part-1.snappy.parquet",
    ]
    assert report["notes"] == ["left out: 1 .txt file (out/notes.txt)"]


@pytest.mark.parametrize("source", ["{}", "{}/*.parquet", "{}/part-3.parquet"])
def test_a_broken_link_named_like_a_parquet_file_is_an_error(
    client: sutro.Client, folder: Path, source: str
) -> None:
    link = folder / "part-3.parquet"
    link.unlink()
    link.symlink_to(folder / "gone" / "blob")

    with pytest.raises(sutro.CheckError, match=r"part-3\.parquet.*link to .*gone/blob"):
        client.upload(source.format(folder))
    assert not client.list_datasets()


def test_a_pipe_named_like_a_parquet_file_is_an_error(client: sutro.Client, folder: Path) -> None:
    import os  # noqa: PLC0415 - only here

    os.mkfifo(folder / "pipe.parquet")

    with pytest.raises(sutro.CheckError, match="not a regular file"):
        client.upload(folder)


def read_ids(sources: Sequence[Path]) -> list[object]:
    return pl.scan_parquet(list(map(str, sources))).collect()["id"].to_list()


def test_the_files_of_a_folder_named_like_a_parquet_file_are_uploaded(
    client: sutro.Client, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    for path, value in (
        ("a.parquet", 0),
        ("t.parquet/part.2.parquet", 1),
        ("t.parquet/part.10.parquet", 2),
        ("u.parquet/part.2.parquet", 3),
        ("z.parquet", 4),
    ):
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        write_parquet(data / path, id=[value])
    (data / "t.parquet" / "_SUCCESS").touch()

    for source in (str(data), f"{data}/*.parquet"):
        report = client.upload(source)

        assert [file.name for file in report] == [
            "a.parquet",
            "t.parquet,part.2.parquet",
            "t.parquet,part.10.parquet",
            "u.parquet,part.2.parquet",
            "z.parquet",
        ]
        assert pa.table(client.read(report.dataset_id))["id"].to_pylist() == [0, 1, 2, 3, 4]
        assert report.notes == ()
    of_polars = pl.scan_parquet(str(data)).collect()["id"].to_list()
    assert sorted(of_polars) == [0, 1, 2, 3, 4]
    assert [file.name for file in client.upload(data / "t.parquet")] == [
        "part.2.parquet",
        "part.10.parquet",
    ]


def test_names_can_come_from_paths_or_a_function(client: sutro.Client, tmp_path: Path) -> None:
    for year in (2024, 2025):
        (tmp_path / "t" / f"{year}").mkdir(parents=True)
        pq.write_table(pa.table({"id": [year]}), tmp_path / "t" / f"{year}" / "data.parquet")
    source = tmp_path / "t"

    with pytest.raises(sutro.CheckError, match='names="path"'):
        client.upload(source, recursive=True)
    by_path = client.upload(source, recursive=True, names="path")
    assert [file.name for file in by_path] == ["2024,data.parquet", "2025,data.parquet"]
    by_function = client.upload(source, recursive=True, names=lambda path: path.parent.name)
    assert [file.name for file in by_function] == ["2024.parquet", "2025.parquet"]
    again = client.upload(source, by_path.dataset_id, recursive=True, names="path")
    assert {file.status for file in again} == {"skipped"}
    with pytest.raises(TypeError, match="`names` returned int"):
        client.upload(source, recursive=True, names=lambda path: len(path.name))  # type: ignore[arg-type]
