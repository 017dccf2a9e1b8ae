"""Idle connections do not block uploads."""

from __future__ import annotations

import resource
import socket
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

import sutro
from conftest import PARTS
from helpers.server_process import ServerProcess

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


def connect(served: ServerProcess, stack: ExitStack, count: int) -> None:
    """Open connections that send nothing, or only part of a request head."""
    host, port = urlsplit(served.api_url).netloc.split(":")
    for number in range(count):
        connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
        connection.sendall(HEADS[number % len(HEADS)])


@pytest.mark.usefixtures("many_files")
def test_a_thousand_idle_connections_do_not_block_uploads(tmp_path: Path, folder: Path) -> None:
    with ServerProcess(tmp_path / "served") as served, ExitStack() as stack:
        connect(served, stack, 1_000)
        report = served.client().upload(folder)

    assert [file.name for file in report] == PARTS


def test_idle_connections_are_closed_to_make_room(tmp_path: Path, folder: Path) -> None:
    few_files = ["sh", "-c", 'ulimit -n 100; exec "$@"', "sh"]
    with (
        ServerProcess(tmp_path / "served", "--head-timeout=1", wrapper=few_files) as served,
        ExitStack() as stack,
    ):
        connect(served, stack, 200)
        report = served.client().upload(folder)

    assert [file.name for file in report] == PARTS


def test_unauthenticated_connections_do_not_exhaust_the_server_s_file_handles(
    tmp_path: Path, folder: Path
) -> None:
    few_files = ["sh", "-c", 'ulimit -n 128; exec "$@"', "sh"]
    with ServerProcess(tmp_path / "served", wrapper=few_files) as served, ExitStack() as stack:
        connect(served, stack, 247)
        client = served.client()
        dataset_id = client.create_dataset()
        report = client.upload(folder, dataset_id)
        connect(served, stack, 247)
        again = client.upload(folder)

    assert [file.name for file in report] == PARTS
    assert [file.name for file in again] == PARTS


@pytest.mark.usefixtures("many_files")
def test_the_oldest_unauthenticated_connection_is_closed_for_a_new_one(tmp_path: Path) -> None:
    with (
        sutro.LocalServer(tmp_path / "service", max_unauthenticated=3) as server,
        ExitStack() as stack,
    ):
        host, port = urlsplit(server.api_url).netloc.split(":")

        def connected(head: str) -> socket.socket:
            connection = socket.create_connection((host, int(port)), timeout=30)
            connection.sendall(f"GET {head}Host: localhost\r\n\r\n".encode())
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
            return stack.enter_context(connection)

        key = f"Authorization: Key {server.api_key}\r\n"
        known = [connected(f"/try-authentication HTTP/1.1\r\n{key}") for _ in range(5)]
        strangers = [connected("/health HTTP/1.1\r\n") for _ in range(5)]

        # The service closes the two oldest, and no other.
        assert [stranger.recv(1) for stranger in strangers[:2]] == [b"", b""]
        for connection in [*known, *strangers[2:]]:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
