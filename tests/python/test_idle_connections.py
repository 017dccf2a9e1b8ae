"""Clients that connect and say nothing do not keep others from uploading."""

from __future__ import annotations

import resource
import socket
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from conftest import PARTS
from served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limits of files")

HEADS = [b"", b"POST /upload-to-dataset HTTP/1.1\r\nHost: localhost\r\n"]


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4_096)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect(served: Served, stack: ExitStack, count: int) -> None:
    """Open connections that send nothing, or a part of a head."""
    host, port = urlsplit(served.api_url).netloc.split(":")
    for number in range(count):
        connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
        connection.sendall(HEADS[number % len(HEADS)])


@pytest.mark.usefixtures("many_files")
def test_uploads_pass_by_a_thousand_idle_connections(tmp_path: Path, folder: Path) -> None:
    with Served(tmp_path / "served") as served, ExitStack() as stack:
        connect(served, stack, 1_000)
        report = served.client().upload(folder)

    assert [file.name for file in report] == PARTS


def test_idle_connections_are_cut_off_and_make_room(tmp_path: Path, folder: Path) -> None:
    few_files = ["sh", "-c", 'ulimit -n 100; exec "$@"', "sh"]
    with (
        Served(tmp_path / "served", "--head-timeout=1", wrapper=few_files) as served,
        ExitStack() as stack,
    ):
        connect(served, stack, 200)
        report = served.client().upload(folder)

    assert [file.name for file in report] == PARTS
