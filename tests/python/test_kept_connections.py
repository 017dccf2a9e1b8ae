"""Connections that are kept for the next file, which proxies may close without saying so."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pyarrow as pa
import pytest

import sutro
from conftest import STAGED_FILES, parquet_bytes, through_gate_and_staged
from helpers.busy_proxies import nginx
from helpers.counting_proxy import CountingProxy
from helpers.datasets import names_in
from helpers.server_process import ServerProcess
from helpers.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = 150


def written(folder: Path) -> list[str]:
    """Write small files; returns their names in order."""
    folder.mkdir()
    names = [f"part-{number:03}.parquet" for number in range(FILES)]
    for number, name in enumerate(names):
        (folder / name).write_bytes(parquet_bytes(number + 1))
    return names


closing = pytest.mark.parametrize(
    "settings",
    [
        pytest.param("keepalive_timeout 0;", id="after each request"),
        pytest.param("keepalive_requests 3;", id="after three requests"),
        pytest.param("keepalive_timeout 1ms;", id="when idle for a millisecond"),
    ],
)


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
@closing
@pytest.mark.parametrize("buffering", ["on", "off"])
@through_gate_and_staged
def test_connections_closed_by_a_proxy_cost_no_file_and_no_order(
    server: sutro.LocalServer, tmp_path: Path, settings: str, buffering: str
) -> None:
    folder, names = tmp_path / "files", written(tmp_path / "files")

    with nginx(server.api_url, tmp_path / "nginx", 256, buffering, settings) as url:
        report = sutro.Client(server.api_key, url).upload(folder)

    assert names_in(server.client(), report.dataset_id) == names
    assert {file.status for file in report} == {"uploaded"}


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
@through_gate_and_staged
def test_small_files_go_through_the_proxy_that_the_environment_names(
    server: sutro.LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, names = tmp_path / "files", written(tmp_path / "files")

    with nginx(server.api_url, tmp_path / "nginx", 256, "off") as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        report = sutro.Client(server.api_key, "http://sutro.invalid").upload(folder)

    assert names_in(server.client(), report.dataset_id) == names


@pytest.mark.parametrize("server", ["gate"], indirect=True)
@pytest.mark.parametrize("concurrency", [1, 3, 8])
def test_small_files_share_the_connections_that_the_server_is_known_to_serve(
    server: sutro.LocalServer, tmp_path: Path, concurrency: int
) -> None:
    folder, names = tmp_path / "files", written(tmp_path / "files")

    with CountingProxy(urlsplit(server.api_url).port or 0) as proxy:
        client = sutro.Client(server.api_key, proxy.url)
        dataset_id = client.create_dataset()
        proxy.forget()
        client.upload(folder, dataset_id, concurrency=concurrency)

    assert names_in(server.client(), dataset_id) == names
    assert proxy.calls.count("/upload-to-dataset") == FILES
    # One more for the listings. A busy machine may let some become idle for too long.
    assert proxy.connections < FILES / 3


@pytest.mark.parametrize("staged_files", STAGED_FILES.values(), ids=STAGED_FILES)
def test_no_connection_stays_open_while_the_source_is_slow(
    tmp_path: Path, staged_files: int
) -> None:
    # The server closes no connection itself.
    options = (f"--max-staged-files={staged_files}", "--head-timeout=300")
    with (
        ServerProcess(tmp_path / "served", *options) as server,
        CountingProxy(urlsplit(server.api_url).port or 0) as proxy,
    ):

        def slow() -> Iterator[pa.Table]:
            for number in range(12):
                yield pa.table({"number": [number]})
            # Another client may wait for the place of an idle one.
            wait_for(lambda: proxy.open == 0)
            yield pa.table({"number": [12]})

        report = sutro.Client(server.api_key, proxy.url).upload(slow())

    assert len(report) == 13
    assert {file.status for file in report} == {"uploaded"}
