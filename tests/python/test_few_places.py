"""Uploads through real proxies that serve one or a few requests at a time."""

from __future__ import annotations

import shutil
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import parquet_bytes, through_gate_and_staged
from helpers.busy_proxies import haproxy, nginx

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    Proxy = Callable[[str, Path, int], AbstractContextManager[str]]

NAMES = [f"part-{index:02}.parquet" for index in range(12)]
# Name, the proxy, and its numbers of places.
PROXIES: dict[str, tuple[str, Proxy, list[int]]] = {
    "nginx": ("nginx", nginx, [1, 2, 3]),
    "nginx, unbuffered": ("nginx", partial(nginx, buffering="off"), [1, 2, 3]),
    "haproxy, whose server takes few": ("haproxy", partial(haproxy, which="server"), [1, 2]),
    "haproxy, which takes few itself": ("haproxy", partial(haproxy, which="frontend"), [1, 2]),
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for index, name in enumerate(NAMES):
        (folder / name).write_bytes(parquet_bytes(3, f"x{index}"))
    return folder


@through_gate_and_staged
@pytest.mark.parametrize("which", PROXIES)
def test_a_proxy_with_few_connections_receives_all_files_in_order(
    which: str, server: sutro.LocalServer, files: Path, tmp_path: Path
) -> None:
    program, proxy, few = PROXIES[which]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")

    def seconds(places: int) -> float:
        with proxy(server.api_url, tmp_path / f"places-{places}", places) as url:
            client = sutro.Client(server.api_key, url)
            begun = time.monotonic()
            report = client.upload(files)
            taken = time.monotonic() - begun
        listed = server.client().list_dataset_files(report.dataset_id)
        assert [file.file_name for file in listed] == NAMES
        return taken

    with_eight = seconds(8)
    with_few = {places: seconds(places) for places in few}
    # On a busy machine a pause or two more are no fault: a gate that keeps the head out takes more
    # than a minute, or gives up.
    assert max(with_few.values()) < 10 * max(with_eight, 3), (with_eight, with_few)
