"""`target_file_size` packs and splits files without decoding them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from helpers.datasets import ids_in
from helpers.packs import row_group_facts, rows_by_reader

if TYPE_CHECKING:
    from conftest import RunSutro

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"


@pytest.fixture
def small_files(tmp_path: Path) -> Path:
    """60 files of 10 rows, numbered in natural order."""
    folder = tmp_path / "small"
    folder.mkdir()
    for number in range(60):
        rows = range(number * 10, number * 10 + 10)
        texts = [f"text {row}" * 20 for row in rows]
        pq.write_table(pa.table({"id": rows, "text": texts}), folder / f"file-{number}.parquet")
    return folder


def test_small_files_are_packed_in_order(client: sutro.Client, small_files: Path) -> None:
    report = client.upload(small_files, target_file_size="30kB")

    assert 1 < len(report) < 20
    assert ids_in(client, report.dataset_id) == list(range(600))
    names = [file.name for file in report]
    assert [name.rpartition("-")[0] for name in names] == [
        f"part-{place:05}" for place in range(len(report))
    ]
    sources = [Path(source).name for file in report for source in file.sources]
    assert sources == [f"file-{number}.parquet" for number in range(60)]


def test_a_large_file_is_split_at_row_group_boundaries(
    client: sutro.Client, tmp_path: Path
) -> None:
    path = tmp_path / "large.parquet"
    pq.write_table(pa.table({"id": range(1000)}), path, row_group_size=100)

    report = client.upload(path, target_file_size=1)

    assert [file.row_count for file in report] == [100] * 10
    assert {file.sources for file in report} == {(str(path),)}
    assert ids_in(client, report.dataset_id) == list(range(1000))


def test_a_packed_upload_resumes(client: sutro.Client, small_files: Path) -> None:
    whole = client.upload(small_files, target_file_size="30kB")
    again = client.upload(small_files, whole.dataset_id, target_file_size="30kB")
    assert {file.status for file in again} == {"skipped"}

    # The dataset of an upload that ended after two files.
    begun = client.create_dataset()
    client.download_from_dataset(whole.dataset_id, output_path=small_files.parent / "packs")
    packs = [small_files.parent / "packs" / file.name for file in whole]
    client.upload(packs[:2], begun)
    resumed = client.upload(small_files, begun, target_file_size="30kB")
    assert [file.status for file in resumed] == ["skipped"] * 2 + ["uploaded"] * (len(whole) - 2)
    assert ids_in(client, begun) == list(range(600))


def test_a_packed_upload_does_not_resume_with_different_files(
    client: sutro.Client, small_files: Path
) -> None:
    report = client.upload(small_files, target_file_size="30kB")
    table = pa.table({"id": range(600, 610), "text": ["more" * 50] * 10})
    pq.write_table(table, small_files / "file-60.parquet")

    with pytest.raises(sutro.FileExistsInDatasetError, match="already contains part-00000"):
        client.upload(small_files, report.dataset_id, target_file_size="30kB")
    assert ids_in(client, report.dataset_id) == list(range(600))


def test_casts_and_recompression_work_with_packing(client: sutro.Client, tmp_path: Path) -> None:
    narrow, wide = pa.table({"id": pa.array([1, 2], pa.int32())}), pa.table({"id": [3, 4]})
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    pq.write_table(narrow, paths[0], compression="zstd")
    pq.write_table(wide, paths[1])

    report = client.upload(paths, target_file_size="1MB", on_mismatch="cast", recompress=True)

    assert len(report) == 1
    assert set(report[0].changes) == {"cast", "recompressed"}
    assert ids_in(client, report.dataset_id) == [1, 2, 3, 4]


def test_an_error_names_the_source_and_not_the_pack(client: sutro.Client, tmp_path: Path) -> None:
    table = pa.table({"id": range(1000)})
    paths = [tmp_path / f"{name}.parquet" for name in "abc"]
    for path in paths:
        pq.write_table(table, path, compression="zstd", use_dictionary=False)
    content = bytearray(paths[1].read_bytes())
    content[60:100] = bytes(40)
    paths[1].write_bytes(content)

    with pytest.raises(sutro.SutroError) as error:
        client.upload(paths, target_file_size="1GB", recompress=True)

    assert str(paths[1]) in str(error.value)
    assert str(paths[0]) not in str(error.value)


def test_in_a_notebook_the_name_of_a_pack_tells_its_sources(
    client: sutro.Client, small_files: Path
) -> None:
    page = client.upload(small_files, target_file_size="1GB")._repr_html_()
    first, last = small_files / "file-0.parquet", small_files / "file-59.parquet"
    assert f'<td title="60 files: {first} to {last}">part-00000-' in page

    page = client.upload(first, target_file_size=1)._repr_html_()
    assert f'<td title="of {first}">part-00000-' in page


def test_check_reports_the_packed_files(client: sutro.Client, small_files: Path) -> None:
    report = client.check(small_files, target_file_size="1GB")
    assert report
    assert "60 files regrouped into 1 file" in report.notes


def test_check_suggests_packing_many_small_files_if_the_server_has_no_staging(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(100):
        pq.write_table(pa.table({"id": [number]}), folder / f"{number}.parquet")
    for most, is_advised in [(0, True), (1000, False)]:
        with sutro.LocalServer(tmp_path / f"service-{most}", max_staged_files=most) as server:
            client = server.client()
            notes = client.check(folder, client.create_dataset()).notes
            advice = [note for note in notes if 'target_file_size="256MB"' in note]
            assert len(advice) == is_advised
            if is_advised:
                assert advice[0].startswith("100 files of about 1 kB: this server commits one")
                assert "takes about 5 s if it needs 50 ms for each" in advice[0]


@pytest.mark.parametrize("size", ["", "big", "-1MB", "1e3", "10 bytes", "0", 0, -1])
def test_an_invalid_target_size_is_rejected(
    client: sutro.Client, small_files: Path, size: str | int
) -> None:
    with pytest.raises(sutro.ConfigurationError, match="target_file_size must be"):
        client.check(small_files, target_file_size=size)


@pytest.mark.parametrize("size", [1.5, True, b"1MB"])
def test_a_target_size_of_the_wrong_type_is_rejected(
    client: sutro.Client, small_files: Path, size: object
) -> None:
    with pytest.raises(TypeError, match="target_file_size must be"):
        client.check(small_files, target_file_size=size)  # type: ignore[arg-type]


def test_names_are_rejected_with_a_target_size(client: sutro.Client, small_files: Path) -> None:
    with pytest.raises(sutro.ConfigurationError, match="names cannot be set"):
        client.upload(small_files, target_file_size="1MB", names="path")


def test_the_command_packs_files(
    server: sutro.LocalServer, small_files: Path, run_sutro: RunSutro
) -> None:
    environment = {"SUTRO_API_KEY": server.api_key, "SUTRO_API_URL": server.api_url}
    done = run_sutro(
        "upload", small_files, "--target-file-size", "1GiB", "-q", environment=environment
    )
    assert ids_in(server.client(), done.stdout.strip()) == list(range(600))


def corpus() -> list[Path]:
    return sorted(path for path in CORPUS.rglob("*.parquet") if path.is_file())


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is kept elsewhere")
@pytest.mark.filterwarnings("ignore")
def test_packed_files_read_the_same_in_all_readers(client: sutro.Client, tmp_path: Path) -> None:
    packed = 0
    for number, path in enumerate(corpus()):
        try:
            if not client.check(path):
                continue
            pq.read_table(path)
        except (sutro.SutroError, pa.ArrowException, OSError):
            continue
        folder = tmp_path / str(number)
        folder.mkdir()
        copies = [Path(shutil.copy(path, folder / f"{copy}.parquet")) for copy in range(3)]
        report = client.upload(copies, target_file_size="1GB")
        assert len(report) == 1, path
        client.download_from_dataset(report.dataset_id, output_path=folder / "out")
        pack = folder / "out" / report[0].name
        same_rows(path, copies, pack)
        same_statistics(copies, pack)
        packed += 1
    assert packed > 50


def same_rows(path: Path, copies: list[Path], pack: Path) -> None:
    assert pq.read_schema(pack).equals(pq.read_schema(copies[0])), path
    for read in rows_by_reader().values():
        try:
            rows = read(copies)
        except Exception:  # noqa: BLE001 - a reader that cannot read the original file
            continue
        assert read([pack]) == rows, path


def same_statistics(copies: list[Path], pack: Path) -> None:
    """Statistics are those of the original row groups, or left out."""
    assert pq.read_metadata(pack).schema.equals(pq.read_metadata(copies[0]).schema)
    for moved, original in zip(row_group_facts([pack]), row_group_facts(copies), strict=True):
        assert moved.sizes == original.sizes
        for now, then in zip(moved.statistics, original.statistics, strict=True):
            assert now in {then, None}
