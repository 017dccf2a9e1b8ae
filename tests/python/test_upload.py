"""Files are uploaded in source order, once each, and downloads are byte-identical."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

import sutro
from conftest import PARTS, write_parquet
from helpers.datasets import names_in


@pytest.mark.parametrize("source", ["{}", "{}/*.parquet", "{}/part-*.parquet"])
def test_folders_and_globs_are_uploaded_in_natural_order(
    client: sutro.Client, folder: Path, source: str
) -> None:
    report = client.upload(source.format(folder))

    assert [file.name for file in report] == PARTS
    assert names_in(client, report.dataset_id) == PARTS


def test_recursive_includes_subfolders_and_exclude_skips_files(
    client: sutro.Client, folder: Path
) -> None:
    (folder / "more").mkdir()
    write_parquet(folder / "more" / "extra.parquet")

    report = client.upload(folder, recursive=True, exclude=["part-1*", "part-9.parquet"])

    left = [name for name in PARTS if not name.startswith("part-1")]
    left.remove("part-9.parquet")
    assert names_in(client, report.dataset_id) == ["extra.parquet", *left]
    with pytest.raises(sutro.ConfigurationError, match="exclude"):
        client.upload(folder, exclude="*.parquet")


def test_a_list_is_uploaded_in_its_order(client: sutro.Client, folder: Path) -> None:
    shuffled = random.Random(4).sample(PARTS, len(PARTS))

    report = client.upload([folder / name for name in shuffled])

    assert names_in(client, report.dataset_id) == shuffled


def test_files_of_very_different_sizes_stay_in_order(client: sutro.Client, tmp_path: Path) -> None:
    rows = [random.Random(seed).choice([1, 100, 10_000, 300_000]) for seed in range(40)]
    paths = [
        write_parquet(tmp_path / f"{number:02}.parquet", rows=count)
        for number, count in enumerate(rows)
    ]

    report = client.upload(paths, concurrency=8)

    assert names_in(client, report.dataset_id) == [path.name for path in paths]
    assert [file.row_count for file in report] == rows


def test_files_can_be_renamed(client: sutro.Client, folder: Path) -> None:
    report = client.upload(
        (folder / "part-0.parquet", str(folder / "part-1.parquet")),
        names=["one.parquet", "two.parquet"],
    )

    assert names_in(client, report.dataset_id) == ["one.parquet", "two.parquet"]


def test_a_path_may_start_with_the_home_folder(
    client: sutro.Client, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))

    assert len(client.upload("~/part-1*.parquet")) == 3


def test_the_report_describes_the_upload(client: sutro.Client, folder: Path) -> None:
    report = client.upload(folder)

    assert report.bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert report.bytes_sent == report.bytes
    assert report.seconds > 0
    assert 1 <= report.concurrency <= 8
    listed = client.list_dataset_files(report.dataset_id)
    for position, (file, in_dataset) in enumerate(zip(report, listed, strict=True)):
        assert file.position == position
        assert file.status == "uploaded"
        assert file.attempts == 1
        assert file.row_count == position + 1 == in_dataset.row_count
        assert file.size_bytes == (folder / file.name).stat().st_size == in_dataset.size_bytes
        assert file.file_id == in_dataset.file_id
        assert file.started is not None
        assert file.transferred is not None
        assert file.committed is not None
        assert file.started <= file.transferred <= file.committed
        assert file.committed.tzinfo is not None


def test_commits_happen_in_source_order(client: sutro.Client, folder: Path) -> None:
    committed = [file.committed for file in client.upload(folder) if file.committed]

    assert len(committed) == len(PARTS)
    assert committed == sorted(committed)


def test_repeating_an_upload_skips_all_files(client: sutro.Client, folder: Path) -> None:
    first = client.upload(folder)

    second = client.upload(folder, first.dataset_id)

    assert {file.status for file in second} == {"skipped"}
    assert second.bytes == 0
    assert names_in(client, first.dataset_id) == PARTS


def test_an_upload_resumes_an_earlier_one(client: sutro.Client, folder: Path) -> None:
    dataset_id = client.create_dataset()
    client.upload_to_dataset(dataset_id, [folder / name for name in PARTS[:5]])

    report = client.upload_to_dataset(dataset_id, folder)

    assert [file.status for file in report] == ["skipped"] * 5 + ["uploaded"] * 7
    assert names_in(client, dataset_id) == PARTS


def test_downloaded_bytes_equal_the_uploaded_bytes(
    client: sutro.Client, folder: Path, tmp_path: Path
) -> None:
    dataset_id = client.upload(folder).dataset_id

    paths = client.download_from_dataset(dataset_id, output_path=tmp_path / "new" / "copy")

    assert [path.name for path in paths] == PARTS
    for path in paths:
        assert path.read_bytes() == (folder / path.name).read_bytes()
    assert len(list((tmp_path / "new" / "copy").iterdir())) == len(PARTS)


@pytest.mark.parametrize("files", ["part-3.parquet", ["part-3.parquet"]])
def test_single_files_are_downloaded_into_the_current_folder(
    client: sutro.Client,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: str | list[str],
) -> None:
    dataset_id = client.upload(folder).dataset_id
    monkeypatch.chdir(tmp_path)

    assert len(client.download_from_dataset(dataset_id, files)) == 1

    assert Path("part-3.parquet").read_bytes() == (folder / "part-3.parquet").read_bytes()


def test_datasets_are_listed_newest_first(client: sutro.Client, folder: Path) -> None:
    empty = client.create_dataset()
    full = client.upload(folder).dataset_id

    newest, oldest = client.list_datasets()

    assert (newest.dataset_id, newest.file_count) == (full, 12)
    assert newest.total_size_bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert newest.schema is not None
    assert [name for name, _type in newest.schema] == ["id", "text"]
    assert (oldest.dataset_id, oldest.file_count) == (empty, 0)


def test_module_functions_work_like_client_methods(
    server: sutro.LocalServer, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTRO_API_KEY", server.api_key)
    monkeypatch.setenv("SUTRO_API_URL", server.api_url)

    dataset_id = sutro.create_dataset()
    assert sutro.upload(folder, dataset_id).dataset_id == dataset_id
    assert len(sutro.upload_to_dataset(dataset_id, folder)) == 12
    assert [dataset.dataset_id for dataset in sutro.list_datasets()] == [dataset_id]
    assert [file.file_name for file in sutro.list_dataset_files(dataset_id)] == PARTS
    assert len(sutro.download_from_dataset(dataset_id, output_path=tmp_path / "copy")) == 12


def test_a_local_folder_needs_no_key_and_persists_its_datasets(
    folder: Path, tmp_path: Path
) -> None:
    api_url = f"local:{tmp_path / 'kept'}"

    dataset_id = sutro.upload(folder, api_url=api_url).dataset_id

    files = sutro.list_dataset_files(dataset_id, api_url=api_url)
    assert [file.file_name for file in files] == PARTS


def test_datasets_in_a_folder_outlive_their_server(folder: Path, tmp_path: Path) -> None:
    with sutro.LocalServer(tmp_path / "service", api_keys=["first", "second"]) as server:
        assert server.api_key == "first"
        dataset_id = server.client().upload(folder).dataset_id

    with sutro.LocalServer(tmp_path / "service") as server:
        assert names_in(server.client(), dataset_id) == PARTS


def test_a_report_converts_to_an_arrow_table(client: sutro.Client, folder: Path) -> None:
    report = client.upload(folder)

    table = pa.table(report)

    assert table.column_names == list(sutro.UploadedFile.__slots__)
    assert table["name"].to_pylist() == PARTS
    assert table["committed"].to_pylist() == [file.committed for file in report]
