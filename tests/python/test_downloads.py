"""Downloads never overwrite other content."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import PARTS
from helpers.remembering_server import RememberingServer

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunSutro
    from helpers.json_server import Request

LOCAL = ("--api-url", "local:service")


class DownloadServer(RememberingServer):
    """Serves downloads, and counts the bytes sent per file."""

    def __init__(self, *tells: str) -> None:
        super().__init__(*tells)
        self.sent: Counter[str] = Counter()

    def receive(self, body: bytes, request: Request) -> None:
        if request.path != "/download-from-dataset":
            super().receive(body, request)
            return
        name = json.loads(body)["file_name"]
        content = self.files[name]
        self.sent[name] += len(content)
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("same_size", [True, False])
def test_local_files_with_other_content_are_kept_and_reported(
    client: sutro.Client, folder: Path, tmp_path: Path, *, same_size: bool
) -> None:
    dataset_id = client.upload(folder).dataset_id
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in PARTS[3:5]:
        size = (folder / name).stat().st_size
        (copy / name).write_bytes(b"x" * (size if same_size else 7))
    (copy / PARTS[0]).write_bytes((folder / PARTS[0]).read_bytes())
    before = content_of(copy)

    with pytest.raises(sutro.LocalFileExistsError, match="overwrite=True") as error:
        client.download_from_dataset(dataset_id, output_path=copy)

    assert error.value.paths == tuple(str(copy / name) for name in PARTS[3:5])
    assert all(path in str(error.value) for path in error.value.paths)
    assert content_of(copy) == before, "nothing was written, and nothing is left over"
    paths = client.download_from_dataset(dataset_id, output_path=copy, overwrite=True)
    assert [path.name for path in paths] == PARTS
    assert content_of(copy) == content_of(folder)


def test_equal_files_are_kept_and_missing_files_are_downloaded(
    client: sutro.Client, folder: Path
) -> None:
    dataset_id = client.upload(folder).dataset_id
    kept = folder / PARTS[2]
    os.utime(kept, (1, 1))
    before = kept.stat()
    (folder / PARTS[5]).unlink()

    paths = client.download_from_dataset(dataset_id, output_path=folder)

    assert [path.name for path in paths] == PARTS
    assert (kept.stat().st_ino, kept.stat().st_mtime) == (before.st_ino, before.st_mtime)
    assert sorted(content_of(folder)) == sorted(PARTS)


def test_a_file_whose_hash_matches_the_local_copy_is_not_fetched(folder: Path) -> None:
    content = content_of(folder)
    with DownloadServer("size_bytes", "sha256") as service:
        client = sutro.Client(service.api_key, service.api_url)
        dataset_id = client.upload(folder).dataset_id
        (folder / PARTS[5]).unlink()

        client.download_from_dataset(dataset_id, output_path=folder)
        once = dict(service.sent)
        client.download_from_dataset(dataset_id, output_path=folder)

    assert once == {PARTS[5]: len(content[PARTS[5]])}, "what was missing, and nothing else"
    assert service.sent == once
    assert content_of(folder) == content


def test_without_hashes_in_the_listing_files_are_fetched_and_compared(
    folder: Path,
) -> None:
    content = content_of(folder)
    with DownloadServer("size_bytes") as service:
        client = sutro.Client(service.api_key, service.api_url)
        dataset_id = client.upload(folder).dataset_id

        client.download_from_dataset(dataset_id, output_path=folder)

    assert service.sent == {name: len(file) for name, file in content.items()}
    assert content_of(folder) == content


def test_an_existing_folder_or_broken_link_is_not_overwritten(
    client: sutro.Client, folder: Path, tmp_path: Path
) -> None:
    dataset_id = client.upload(folder).dataset_id
    copy = tmp_path / "copy"
    (copy / PARTS[0]).mkdir(parents=True)
    (copy / PARTS[1]).symlink_to(tmp_path / "nothing")

    with pytest.raises(sutro.LocalFileExistsError) as error:
        client.download_from_dataset(dataset_id, PARTS[:3], copy)

    assert error.value.paths == (str(copy / PARTS[0]), str(copy / PARTS[1]))
    assert not (copy / PARTS[2]).exists()


def test_a_name_given_twice_is_downloaded_once(
    client: sutro.Client, folder: Path, tmp_path: Path
) -> None:
    dataset_id = client.upload(folder).dataset_id

    paths = client.download_from_dataset(dataset_id, [PARTS[0], PARTS[0]], tmp_path / "copy")

    assert [path.name for path in paths] == [PARTS[0], PARTS[0]]


def test_downloaded_files_have_the_permissions_of_new_files(
    client: sutro.Client, folder: Path, tmp_path: Path
) -> None:
    dataset_id = client.upload(folder).dataset_id
    (tmp_path / "new").touch()

    (path,) = client.download_from_dataset(dataset_id, PARTS[0], tmp_path / "copy")

    assert path.stat().st_mode == (tmp_path / "new").stat().st_mode


def test_the_command_keeps_existing_files_without_overwrite(
    run_sutro: RunSutro, folder: Path, tmp_path: Path
) -> None:
    dataset_id = run_sutro("upload", folder, *LOCAL, "--quiet").stdout.strip()
    (tmp_path / PARTS[0]).write_text("mine", encoding="utf-8")

    kept = run_sutro("datasets", "download", dataset_id, PARTS[0], *LOCAL)
    assert kept.returncode == 3
    assert f"{PARTS[0]} already exists, with other content" in kept.stderr
    assert "--overwrite" in kept.stderr
    assert (tmp_path / PARTS[0]).read_text(encoding="utf-8") == "mine"
    replaced = run_sutro("datasets", "download", dataset_id, PARTS[0], *LOCAL, "--overwrite")
    assert replaced.returncode == 0
    assert (tmp_path / PARTS[0]).read_bytes() == (folder / PARTS[0]).read_bytes()
