"""Proxies may close a connection that is kept for the next file, with or without saying so."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import parquet_bytes
from helpers.busy_proxies import nginx
from helpers.datasets import names_in

if TYPE_CHECKING:
    from pathlib import Path

FILES = 150

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
def test_connections_closed_by_a_proxy_cost_no_file_and_no_order(
    server: sutro.LocalServer, tmp_path: Path, settings: str, buffering: str
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    names = [f"part-{number:03}.parquet" for number in range(FILES)]
    for number, name in enumerate(names):
        (folder / name).write_bytes(parquet_bytes(number + 1))

    with nginx(server.api_url, tmp_path / "nginx", 256, buffering, settings) as url:
        report = sutro.Client(server.api_key, url).upload(folder)

    assert names_in(server.client(), report.dataset_id) == names
    assert {file.status for file in report} == {"uploaded"}
