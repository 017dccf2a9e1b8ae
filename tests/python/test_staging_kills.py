"""A server that is killed, or whose disk fills up, while files are staged and committed."""

from __future__ import annotations

import json
import random
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest

import sutro
from conftest import large_parquet_bytes, parquet_bytes
from helpers.assertions import stored_files
from helpers.raw_client import RawClient
from helpers.server_process import API_KEY, ServerProcess
from helpers.small_disk import small_disk
from helpers.soak import KILLS, STRIDE
from helpers.strace import (
    ONE_WORKER,
    RUNTIME,
    STORING_CALLS,
    injected,
    moments,
    needs_strace,
    was_injected,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from helpers.raw_client import Answer
    from helpers.shared_place import SharedPlace

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's tools")

AT_ONCE = 4
"""The number of files that are staged concurrently and committed together."""

FILES = {
    "part-0.parquet": parquet_bytes(1),
    "part-1.parquet": large_parquet_bytes(),
    "part-2.parquet": parquet_bytes(200),
}
"""A blob between two files that the catalog stores."""

STEPS = [(RUNTIME, "recvfrom"), *STORING_CALLS, (RUNTIME, "writev")]
"""The system calls from the first byte of a request to the last one of its response, and the
threads that make them."""


def content_of(number: int) -> bytes:
    """One of `AT_ONCE` files is a blob, and the catalog stores the others."""
    return large_parquet_bytes(number) if number % AT_ONCE == 1 else parquet_bytes(number % 50 + 1)


def staged_on(server: sutro.LocalServer) -> dict[str, Any]:
    request = Request(
        f"{server.api_url}/uploads", headers={"Authorization": f"Key {server.api_key}"}
    )
    with urlopen(request, timeout=30) as answer:
        staged: dict[str, Any] = json.load(answer)["staged"]
    return staged


def assert_holds(data: Path, dataset_id: str, expected: Mapping[str, bytes]) -> None:
    """Assert that the dataset has these files in order, and that the folder has no orphans."""
    with sutro.LocalServer(data, api_keys=[API_KEY]) as server:
        client = sutro.Client(API_KEY, server.api_url, max_retries=0)
        names = [file.file_name for file in client.list_dataset_files(dataset_id)]
        assert names == list(expected)
        raw = RawClient(server.api_url, API_KEY)
        for name, content in expected.items():
            assert raw.download(dataset_id, name) == (200, content)
        assert stored_files(data) == len(names) + staged_on(server)["file_count"]


class Driver(threading.Thread):
    """Stages files, and commits them by number until the server stops.

    A commit without a response is repeated on the next server before anything else.
    """

    def __init__(self, dataset_id: str) -> None:
        super().__init__()
        self.dataset_id = dataset_id
        self.committed = 0
        self.unanswered: list[str] = []
        """The staged ids of a commit with an unknown outcome."""
        self.news = threading.Event()
        self.client: RawClient

    def again(self, client: RawClient) -> Driver:
        """The same driver, for another server."""
        driver = Driver(self.dataset_id)
        driver.committed, driver.unanswered = self.committed, self.unanswered
        driver.client = client
        return driver

    def run(self) -> None:
        while self.commit() and self._stage():
            self.news.set()

    def commit(self) -> bool:
        if not self.unanswered:
            return True
        answer = self.client.commit(self.dataset_id, self.committed, self.unanswered)
        if answer.status == 0:
            return False
        assert answer.status == 200, answer
        self.committed += len(self.unanswered)
        assert answer.body["file_count"] == self.committed
        self.unanswered = []
        return True

    def _stage(self) -> bool:
        def stage(number: int) -> Answer:
            name = f"part-{number}.parquet"
            return self.client.stage(self.dataset_id, name, content_of(number))

        numbers = range(self.committed, self.committed + AT_ONCE)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(stage, numbers))
        if any(answer.status == 0 for answer in answers):
            return False
        self.unanswered = [answer.body["staged_id"] for answer in answers]
        return True


@pytest.mark.timeout(60 + 5 * KILLS)
def test_a_driver_commits_each_file_once_and_in_order_despite_repeated_server_kills(
    tmp_path: Path,
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    data = tmp_path / "served"
    with ServerProcess(data) as served:
        driver = Driver(RawClient(served.api_url, API_KEY).create_dataset())

    for _ in range(KILLS):
        with ServerProcess(data) as served:
            driver = driver.again(RawClient(served.api_url, API_KEY))
            driver.start()
            for _ in range(chance.randrange(6)):
                driver.news.wait(30)
                driver.news.clear()
            time.sleep(chance.random() * 0.02)  # not for anything to happen: a moment by chance
            served.end(signal.SIGKILL)
            driver.join()
    with ServerProcess(data) as served:
        driver = driver.again(RawClient(served.api_url, API_KEY))
        assert driver.commit()
        served.end(signal.SIGKILL)

    print(f"{driver.committed} files")
    assert driver.committed > 0
    numbers = range(driver.committed)
    assert_holds(data, driver.dataset_id, {f"part-{n}.parquet": content_of(n) for n in numbers})


def stage_all(client: RawClient, dataset_id: str, staged: dict[str, str]) -> set[int]:
    """Stage the files that are not staged, and return the statuses."""
    statuses = set()
    for name, content in FILES.items():
        if name not in staged:
            answer = client.stage(dataset_id, name, content)
            statuses.add(answer.status)
            if answer.status == 200:
                staged[name] = answer.body["staged_id"]
    return statuses


def commit_all(client: RawClient, dataset_id: str, staged: Mapping[str, str]) -> Answer:
    return client.commit(dataset_id, 0, [staged[name] for name in FILES])


@needs_strace
@pytest.mark.timeout(120 if STRIDE > 1 else 900)
@pytest.mark.parametrize(
    ("threads", "injection"),
    [
        *((threads, f"{call}:signal=SIGKILL") for threads, call in STEPS),
        *((threads, f"{call}:error=EIO") for threads, call in STORING_CALLS),
        *((threads, f"{call}:error=ENOSPC") for threads, call in STORING_CALLS),
    ],
)
def test_a_kill_or_error_at_any_system_call_of_stage_and_commit_loses_nothing_acknowledged(
    tmp_path: Path, threads: str, injection: str
) -> None:
    for when in moments(injection):
        data, trace = tmp_path / str(when), tmp_path / f"{when}.trace"
        staged: dict[str, str] = {}
        statuses = set()
        with ServerProcess(data, wrapper=ONE_WORKER) as served:
            client = RawClient(served.api_url, API_KEY)
            dataset_id = client.create_dataset()
            with injected(served, f"{injection}:when={when}", threads=threads, trace=trace):
                statuses |= stage_all(client, dataset_id, staged)
                if len(staged) == len(FILES):
                    statuses.add(commit_all(client, dataset_id, staged).status)
            served.end(signal.SIGKILL)
        assert statuses <= {0, 200, 500, 503, 507}
        with ServerProcess(data) as served:
            client = RawClient(served.api_url, API_KEY)
            assert stage_all(client, dataset_id, staged) <= {200}
            for _ in range(2):
                assert commit_all(client, dataset_id, staged).body["file_count"] == len(FILES)
        assert_holds(data, dataset_id, FILES)
        if 0 not in statuses and not was_injected(trace):
            break
    print(f"{when - 1} calls")
    assert when > 1, f"nothing came of {injection}"


@needs_strace
@pytest.mark.timeout(180 if STRIDE > 1 else 900)
@pytest.mark.parametrize("call", ["recvfrom", "sendto", "writev"])
def test_a_server_of_a_shared_place_killed_at_any_call_of_the_network_loses_nothing_acknowledged(
    place: SharedPlace, call: str
) -> None:
    for when in moments(call):
        staged: dict[str, str] = {}
        statuses = set()
        with place.serve(wrapper=ONE_WORKER) as served:
            client = RawClient(served.api_url, API_KEY)
            dataset_id = client.create_dataset()
            with injected(served, f"{call}:signal=SIGKILL:when={when}", threads=RUNTIME):
                statuses |= stage_all(client, dataset_id, staged)
                if len(staged) == len(FILES):
                    statuses.add(commit_all(client, dataset_id, staged).status)
        assert statuses <= {0, 200}
        with place.serve() as served:
            client = RawClient(served.api_url, API_KEY)
            assert stage_all(client, dataset_id, staged) <= {200}
            for _ in range(2):
                assert commit_all(client, dataset_id, staged).body["file_count"] == len(FILES)
            for name, content in FILES.items():
                assert client.download(dataset_id, name) == (200, content)
        if statuses == {200}:
            break
    print(f"{when - 1} calls")
    assert when > 1


@pytest.mark.parametrize("kib", range(20, 180, 40))
def test_stage_and_commit_fail_on_a_full_disk_and_work_again_once_there_is_space(
    tmp_path: Path, kib: int
) -> None:
    with small_disk(tmp_path / "disk", 1_000) as disk:
        data = tmp_path / "disk" / "served"
        with ServerProcess(data, wrapper=disk.wrapper) as served:
            client = RawClient(served.api_url, API_KEY)
            dataset_id = client.create_dataset()
            disk.fill(leave_kib=kib)
            staged: dict[str, str] = {}
            statuses = stage_all(client, dataset_id, staged)
            disk.fill(leave_kib=0)
            if len(staged) == len(FILES):
                statuses.add(commit_all(client, dataset_id, staged).status)
            assert 507 in statuses
            assert statuses <= {200, 507}
            disk.free()
            assert stage_all(client, dataset_id, staged) <= {200}
            assert commit_all(client, dataset_id, staged).status == 200
            served.end(signal.SIGKILL)
        with ServerProcess(data, wrapper=disk.wrapper) as served:
            again = commit_all(RawClient(served.api_url, API_KEY), dataset_id, staged)
            assert [file["file_name"] for file in again.body["files"]] == list(FILES)
            raw = RawClient(served.api_url, API_KEY)
            for name, content in FILES.items():
                assert raw.download(dataset_id, name) == (200, content)
