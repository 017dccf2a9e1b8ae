"""Temporary shortages of handles and memory are answered with 503, and the server keeps running."""

from __future__ import annotations

import itertools
import signal
import socket
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from conftest import PARTS, large_parquet_bytes
from helpers.assertions import assert_no_loss
from helpers.raw_client import Answer, RawClient
from helpers.server_process import API_KEY, ServerProcess
from helpers.strace import CATALOG, RUNTIME, injected, needs_strace, was_injected
from helpers.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's tools")

STRIDE = 3
"""Inject a failure into every n-th system call."""

HANDLES = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"]
"""Runs a server that may open 64 files, of which it needs 15 from the start."""

LARGE = large_parquet_bytes()
"""A file that needs a handle of its own."""

OTHER_KEY = "another-key-of-the-tests"


def each_call(client: RawClient, dataset_id: str, file_name: str) -> dict[str, Answer]:
    return {
        "create": client.post("create-dataset"),
        "upload": client.upload(dataset_id, file_name, LARGE),
        "list": client.post("list-dataset-files", dataset_id=dataset_id),
        "list in pages": client.post("list-dataset-files", dataset_id=dataset_id, compact=True),
        "datasets": client.post("list-datasets"),
    }


def assert_succeeds_or_503(answers: dict[str, Answer]) -> None:
    for call, answer in answers.items():
        assert answer.status in {200, 503}, (call, answer)
        assert (answer.status == 503) == (answer.retry_after is not None), (call, answer)


@needs_strace
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("threads", "syscall"), [(RUNTIME, "openat"), (CATALOG, "openat"), (RUNTIME, "accept4")]
)
@pytest.mark.parametrize("error", ["EMFILE", "ENFILE", "ENOMEM"])
def test_a_shortage_at_any_system_call_is_reported_and_the_server_keeps_running(
    tmp_path: Path, threads: str, syscall: str, error: str
) -> None:
    data = tmp_path / "served"
    sent: dict[str, bytes] = {}
    shortages = 0
    with ServerProcess(data) as served:
        client = RawClient(served.api_url, API_KEY)
        dataset_id = client.create_dataset()
        for when in itertools.count(1, STRIDE):
            name, trace = f"part-{when}.parquet", tmp_path / f"trace-{when}"
            injection = f"{syscall}:error={error}:when={when}"
            with injected(served, injection, threads=threads, trace=trace):
                answers = each_call(client, dataset_id, name)
            assert_succeeds_or_503(answers)
            # It goes on at once, without having been repaired.
            assert client.health().status == 200
            if answers["upload"].status != 200:
                assert client.upload(dataset_id, name, LARGE).status == 200
            sent[name] = LARGE
            if not was_injected(trace):
                break
            shortages += 1
        assert "takes no writes" not in served.log()
        served.end(signal.SIGKILL)
    assert shortages > 0
    assert_no_loss(data, dataset_id, sent, sent, max_unacknowledged=0)


def connected(
    served: ServerProcess, stack: ExitStack, count: int, head: str
) -> list[socket.socket]:
    host, port = urlsplit(served.api_url).netloc.split(":")
    connections = []
    for _ in range(count):
        connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
        connection.sendall(head.encode())
        connections.append(connection)
    return connections


@pytest.mark.timeout(180)
def test_with_64_handles_and_200_unauthenticated_connections_calls_succeed_or_get_a_503(
    tmp_path: Path,
) -> None:
    with ServerProcess(tmp_path / "served", wrapper=HANDLES) as served, ExitStack() as stack:
        client = RawClient(served.api_url, API_KEY)
        dataset_id = client.create_dataset()
        connected(served, stack, 200, "POST /upload-to-dataset HTTP/1.1\r\nHost: localhost\r\n")
        told: list[dict[str, Answer]] = []

        def ask(number: int) -> None:
            names = [f"part-{number}-{turn}.parquet" for turn in range(5)]
            told.extend(each_call(client, dataset_id, name) for name in names)

        clients = [threading.Thread(target=ask, args=[number]) for number in range(40)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        for answers in told:
            assert_succeeds_or_503(answers)
        assert len(told) == 40 * 5
        assert any(answers["upload"].status == 200 for answers in told)
        # Alone, with the strangers still there.
        wait_for(lambda: client.health().status == 200)
        answers = each_call(client, dataset_id, "alone.parquet")
        assert {answer.status for answer in answers.values()} == {200}
        stack.close()
        answers = each_call(client, dataset_id, "late.parquet")
        assert {answer.status for answer in answers.values()} == {200}
        assert client.health().status == 200
        assert "takes no writes" not in served.log()


def test_idle_connections_of_one_key_leave_handles_for_those_of_another(
    tmp_path: Path, folder: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"{API_KEY}\n{OTHER_KEY}\n")
    with (
        ServerProcess(tmp_path / "served", f"--api-key-file={keys}", wrapper=HANDLES) as served,
        ExitStack() as stack,
    ):
        head = (
            "GET /try-authentication HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Key {OTHER_KEY}\r\n\r\n"
        )
        idle = []
        for _ in range(100):
            idle += connected(served, stack, 1, head)
            assert idle[-1].recv(4096).startswith(b"HTTP/1.1 200")
        report = served.client().upload(folder)
        # Those that were used last may be used again.
        idle[-1].sendall(head.encode())
        assert idle[-1].recv(4096).startswith(b"HTTP/1.1 200")

    assert [file.name for file in report] == PARTS
