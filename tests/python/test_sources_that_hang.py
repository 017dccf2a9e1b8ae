"""A source that hangs is reported as the cause, not the server."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import PARTS, parquet_bytes
from helpers.datasets import names_in
from helpers.hanging_mount import STEP, hanging_mount, is_possible

if TYPE_CHECKING:
    from pathlib import Path

    from helpers.holding_server import HoldingServer

needs_mounts = pytest.mark.skipif(not is_possible(), reason="only root may mount")
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX has named pipes")


@needs_mounts
@pytest.mark.parametrize("hangs", ["open", "read"])
def test_a_mount_that_hangs_mid_upload_is_named_and_not_retried(
    server: sutro.LocalServer, tmp_path: Path, hangs: str
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "0.parquet").write_bytes(parquet_bytes(60_000, "a text that does not repeat"))
    assert (folder / "0.parquet").stat().st_size > 3 * STEP
    client = sutro.Client(server.api_key, server.api_url, progress_timeout=1)
    dataset_id = client.create_dataset()

    with (
        hanging_mount(tmp_path / "mount", folder, hangs),
        pytest.raises(sutro.FileAccessError, match="did not respond for 1 s") as error,
    ):
        client.upload(tmp_path / "mount" / "0.parquet", dataset_id)

    assert error.value.path == str(tmp_path / "mount" / "0.parquet")
    assert server.api_url.removeprefix("http://") not in str(error.value)
    assert names_in(client, dataset_id) == []


@posix_only
def test_a_file_replaced_by_a_pipe_is_named_and_not_retried(
    holding: HoldingServer, folder: Path
) -> None:
    last = folder / PARTS[-1]
    client = sutro.Client(holding.api_key, holding.api_url)
    holding.commits = len(PARTS)

    def replace() -> None:
        if last.is_file():
            last.unlink()
            os.mkfifo(last)

    holding.on_commit = replace

    with pytest.raises(sutro.UploadIncompleteError) as error:
        client.upload(folder, concurrency=1)

    cause = error.value.__cause__
    assert isinstance(cause, sutro.FileAccessError | sutro.FileChangedError)
    assert cause.path == str(last)
    assert holding.names == list(PARTS[:-1])


@posix_only
def test_a_certificate_bundle_that_is_a_pipe_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "bundle.pem")
    monkeypatch.setenv("SUTRO_CA_BUNDLE", str(tmp_path / "bundle.pem"))

    with pytest.raises(sutro.ConfigurationError, match=r"bundle\.pem: is not a regular file"):
        sutro.Client("key", "https://localhost:1")
