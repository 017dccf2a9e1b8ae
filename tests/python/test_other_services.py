"""Uploads to servers of others that serve few connections are complete and in order."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from conftest import through_gate_and_staged
from helpers.busy_proxies import free_port, running
from services import store

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL, LARGE = 50, 400_000
"""Row counts of a file that fits into a connection's buffers, and of one that does not (3 MB)."""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Twelve files, some of them too large for the buffers of a connection."""
    folder = tmp_path / "files"
    folder.mkdir()
    for index in range(12):
        rows = LARGE if index % 4 == 1 else SMALL
        table = pa.table({"id": pa.array(range(index, index + rows), pa.int64())})
        pq.write_table(
            table, folder / f"part-{index}.parquet", compression="none", use_dictionary=False
        )
    return folder


@contextmanager
def _serving(command: list[str], folder: Path) -> Iterator[str]:
    """Run a server of `services` on a listening socket of this process."""
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.set_inheritable(True)
        process = subprocess.Popen(
            [argument.replace("FD", str(listener.fileno())) for argument in command],
            cwd=Path(__file__).parent,
            env={**os.environ, "DATASET_FOLDER": str(folder), "PYTHONPATH": "."},
            pass_fds=[listener.fileno()],
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield url
    finally:
        process.terminate()
        process.wait(30)


UVICORN = [sys.executable, "-m", "uvicorn", "--fd", "FD", "services.starlette_app:app"]


def _gunicorn(workers: int) -> list[str]:
    options = ["--workers", str(workers), "--bind", "fd://FD", "services.flask_app:app"]
    return [sys.executable, "-m", "gunicorn", *options]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(UVICORN, id="uvicorn"),
        pytest.param(_gunicorn(1), id="gunicorn with one worker"),
        pytest.param(_gunicorn(2), id="gunicorn with two workers"),
    ],
)
def test_an_upload_is_complete_and_in_order(
    command: list[str], files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    monkeypatch.setenv("DATASET_FOLDER", str(theirs))
    with _serving(command, theirs) as url:
        report = sutro.upload(files, api_key="any", api_url=url)
        assert store.names() == [f"part-{index}.parquet" for index in range(12)]
        again = sutro.upload(files, report.dataset_id, api_key="any", api_url=url)
    assert {file.status for file in again} == {"skipped"}
    for path in files.iterdir():
        assert (theirs / path.name).read_bytes() == path.read_bytes()


NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; client_max_body_size 0;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    client_body_timeout {timeout};
    location / {{
      proxy_pass {upstream}; proxy_http_version 1.1; proxy_request_buffering {buffering};
    }}
  }}
}}
"""


@contextmanager
def _nginx(upstream: str, folder: Path, **settings: str) -> Iterator[str]:
    """Run nginx in front of `upstream`."""
    folder.mkdir()
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, upstream=upstream, **settings))
    with running(["nginx", "-p", str(folder), "-c", str(config)], port) as url:
        yield url


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
@through_gate_and_staged
@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("timeout", ["60s", "1s"])
def test_a_reverse_proxy_keeps_the_order(
    buffering: str, timeout: str, files: Path, server: sutro.LocalServer, tmp_path: Path
) -> None:
    settings = {"buffering": buffering, "timeout": timeout}
    with _nginx(server.api_url, tmp_path / "nginx", **settings) as url:
        report = sutro.upload(files, api_key=server.api_key, api_url=url)
    listed = server.client().list_dataset_files(report.dataset_id)
    assert [file.file_name for file in listed] == [f"part-{index}.parquet" for index in range(12)]


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_held_uploads_survive_the_timeout_of_a_proxy(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The response to the first file takes 14 s, and the proxy closes bodies silent for 11 s.

    Held uploads stay alive because they send a byte every 10 s.
    """
    theirs = tmp_path / "theirs"
    monkeypatch.setenv("DATASET_FOLDER", str(theirs))
    monkeypatch.setenv("FIRST_FILE_SECONDS", "14")
    settings = {"buffering": "off", "timeout": "11s"}
    with (
        _serving(UVICORN, theirs) as upstream,
        _nginx(upstream, tmp_path / "nginx", **settings) as url,
    ):
        report = sutro.upload(files, api_key="any", api_url=url)
        assert store.names() == [file.name for file in report]

    waited = [
        (file.committed - file.transferred).total_seconds()
        for file in report
        if file.attempts == 1 and file.committed and file.transferred
    ]
    # Half of the others were dropped after 10 s, in case the service had no worker for the first.
    assert sum(seconds > 12 for seconds in waited) >= 3
