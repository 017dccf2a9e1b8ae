"""Concurrent uploads with equal names and sizes do not confuse each other's files."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import parquet_bytes
from helpers.remembering_server import DATASET_ID, RememberingServer

if TYPE_CHECKING:
    from pathlib import Path

SIZES = ("size_bytes", "row_count")
HASHES = (*SIZES, "sha256")
ROUNDS = 20


def job(folder: Path, text: str) -> dict[str, bytes]:
    """Write the files of a job. All jobs have files of equal names and sizes."""
    files = {f"part-{index}.parquet": parquet_bytes(3, f"{text}{index}") for index in range(4)}
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return files


def upload(service: RememberingServer, folder: Path) -> sutro.UploadReport | None:
    client = sutro.Client(service.api_key, service.api_url)
    try:
        return client.upload(folder, DATASET_ID, progress=False)
    except sutro.UploadIncompleteError as error:
        return error.report
    except sutro.SutroError:
        return None


@pytest.mark.parametrize("tells", [SIZES, HASHES], ids=["sizes", "hashes"])
def test_two_concurrent_jobs_with_the_same_names_report_only_their_own_files(
    tells: tuple[str, ...], tmp_path: Path
) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    jobs = [job(folder, folder.name) for folder in folders]
    for _ in range(ROUNDS):
        reports: list[sutro.UploadReport | None] = [None, None]
        with RememberingServer(*tells) as service:

            def run(
                index: int,
                service: RememberingServer = service,
                reports: list[sutro.UploadReport | None] = reports,
            ) -> None:
                reports[index] = upload(service, folders[index])

            threads = [threading.Thread(target=run, args=[index]) for index in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        for files, report in zip(jobs, reports, strict=True):
            uploaded = [file.name for file in report or () if file.status == "uploaded"]
            assert [service.files[name] == files[name] for name in uploaded] == [True] * len(
                uploaded
            )


@pytest.mark.parametrize("tells", [SIZES, HASHES], ids=["sizes", "hashes"])
def test_a_name_that_a_concurrent_upload_uses_is_reported(
    tells: tuple[str, ...], tmp_path: Path
) -> None:
    job(tmp_path / "ours", "a")
    theirs = job(tmp_path / "theirs", "b")
    with RememberingServer(*tells) as service:
        service.rival = {"part-0.parquet": theirs["part-0.parquet"]}
        client = sutro.Client(service.api_key, service.api_url)
        with pytest.raises(sutro.ForeignWriterError) as error:
            client.upload(tmp_path / "ours", DATASET_ID)

    assert list(service.files) == ["part-0.parquet"]
    assert "part-0.parquet" in str(error.value)
    is_told_apart = "found other files" in str(error.value)
    cannot_be_told = "It is unknown whether its content is the same" in str(error.value)
    assert (is_told_apart, cannot_be_told) == ("sha256" in tells, "sha256" not in tells)


def test_a_name_that_a_concurrent_upload_uses_for_the_same_content_counts_as_uploaded(
    tmp_path: Path,
) -> None:
    ours = job(tmp_path / "ours", "a")
    with RememberingServer(*HASHES) as service:
        service.rival = {"part-0.parquet": ours["part-0.parquet"]}
        client = sutro.Client(service.api_key, service.api_url)
        report = client.upload(tmp_path / "ours", DATASET_ID)

    assert [file.status for file in report] == ["uploaded"] * 4
    assert service.files == ours
