"""The server's page in a real browser."""

from __future__ import annotations

import http.client
import shutil
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from conftest import parquet_bytes
from helpers.raw_client import RawClient

if TYPE_CHECKING:
    from pathlib import Path

    import sutro

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


def rendered(server: sutro.LocalServer, tmp_path: Path, *options: str, key: bool = True) -> str:
    """The document of the page some time after it was loaded."""
    url = f"{server.api_url}/" + (f"#key={server.api_key}" if key else "")
    done = subprocess.run(
        [
            str(CHROMIUM),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={tmp_path / 'browser'}",
            "--virtual-time-budget=4000",
            *options,
            "--dump-dom",
            url,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_shows_datasets_uploads_in_progress_and_staged_files(
    server: sutro.LocalServer, client: sutro.Client, folder: Path, tmp_path: Path
) -> None:
    dataset_id = client.create_dataset()
    client.upload(folder, dataset_id=dataset_id)
    raw = RawClient(server.api_url, server.api_key)
    assert raw.stage(dataset_id, "<i>staged.parquet", parquet_bytes(3)).status == 200
    connection = http.client.HTTPConnection(urlsplit(server.api_url).netloc, timeout=30)
    connection.putrequest("POST", "/upload-to-dataset")
    connection.putheader("Authorization", f"Key {server.api_key}")
    connection.putheader("Content-Type", "multipart/form-data; boundary=b")
    connection.putheader("Content-Length", "100000")
    connection.endheaders(
        f'--b\r\nContent-Disposition: form-data; name="dataset_id"\r\n\r\n{dataset_id}\r\n'
        '--b\r\nContent-Disposition: form-data; name="file"; '
        'filename="<b>late.parquet"\r\n\r\nPAR1'.encode()
    )

    page = rendered(server, tmp_path)
    connection.close()

    assert dataset_id in page
    assert "12 files" in page
    assert "&lt;b&gt;late.parquet" in page
    assert "in transfer" in page
    assert "&lt;i&gt;staged.parquet" in page
    assert "1 file · " in page


def test_the_page_asks_for_a_key(server: sutro.LocalServer, tmp_path: Path) -> None:
    page = rendered(server, tmp_path, key=False)

    assert '<form id="login">' in page
    assert '<main id="main" hidden="">' in page
