"""A server that is killed, or whose disk fails, keeps every acknowledged upload."""

from __future__ import annotations

import random
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from conftest import large_parquet_bytes, parquet_bytes
from helpers.assertions import assert_no_loss
from helpers.load import Uploader
from helpers.raw_client import RawClient
from helpers.server_process import API_KEY, ServerProcess
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
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's tools")

SENDERS = 4
FILES = {
    "part-0.parquet": parquet_bytes(1),
    "part-1.parquet": large_parquet_bytes(),
    "part-2.parquet": parquet_bytes(200),
}
"""A blob between two files that the catalog stores."""


@pytest.mark.timeout(60 + 5 * KILLS)
def test_a_server_killed_under_load_loses_no_acknowledged_upload(
    tmp_path: Path,
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    data = tmp_path / "served"
    with ServerProcess(data) as served:
        client = RawClient(served.api_url, API_KEY)
        datasets = [client.create_dataset() for _ in range(SENDERS)]
    sent: dict[str, dict[str, bytes]] = {dataset_id: {} for dataset_id in datasets}
    acknowledged: dict[str, list[str]] = {dataset_id: [] for dataset_id in datasets}
    starts = []

    for _ in range(KILLS):
        begun = time.perf_counter()
        with ServerProcess(data) as served:
            starts.append(time.perf_counter() - begun)
            _kill_under_load(served, sent, acknowledged, chance)

    for dataset_id in datasets:
        assert_no_loss(
            data,
            dataset_id,
            sent[dataset_id],
            acknowledged[dataset_id],
            max_unacknowledged=KILLS,
        )
    assert any(acknowledged.values())
    print(f"{KILLS} kills, slowest start with interpreter {max(starts):.2f} s")


def _kill_under_load(
    served: ServerProcess,
    sent: dict[str, dict[str, bytes]],
    acknowledged: dict[str, list[str]],
    chance: random.Random,
) -> None:
    news = threading.Event()
    client = RawClient(served.api_url, API_KEY)
    senders = {
        dataset_id: Uploader(client, dataset_id, len(before), news)
        for dataset_id, before in sent.items()
    }
    for sender in senders.values():
        sender.start()
    for _ in range(chance.randrange(8)):
        news.wait(30)
        news.clear()
    time.sleep(chance.random() * 0.01)  # not for anything to happen: a moment by chance
    served.end(signal.SIGKILL)
    for dataset_id, sender in senders.items():
        sender.join()
        sent[dataset_id] |= sender.sent
        acknowledged[dataset_id] += sender.acknowledged


def _upload_all(served: ServerProcess, dataset_id: str) -> dict[str, int]:
    client = RawClient(served.api_url, API_KEY)
    statuses = {}
    for name, content in FILES.items():
        answer = client.upload(dataset_id, name, content)
        assert answer.status in {0, 200} or answer.body["error"]
        statuses[name] = answer.status
    return statuses


def _injected_uploads(data: Path, threads: str, injection: str) -> tuple[dict[str, int], bool]:
    """Upload while failures are injected, then check that nothing is lost.

    Returns:
        The statuses, and whether a call was reached where the server fails or is killed.
    """
    trace = data.with_suffix(".trace")
    with ServerProcess(data, wrapper=ONE_WORKER) as served:
        dataset_id = RawClient(served.api_url, API_KEY).create_dataset()
        with injected(served, injection, threads=threads, trace=trace):
            statuses = _upload_all(served, dataset_id)
    acknowledged = [name for name, status in statuses.items() if status == 200]
    assert_no_loss(data, dataset_id, FILES, acknowledged, max_unacknowledged=len(FILES))
    return statuses, 0 in statuses.values() or was_injected(trace)


@needs_strace
@pytest.mark.timeout(120 if STRIDE > 1 else 900)
@pytest.mark.parametrize(
    ("threads", "syscall"), [*STORING_CALLS, (RUNTIME, "write"), (RUNTIME, "writev")]
)
def test_a_server_killed_at_any_system_call_of_an_upload_loses_no_acknowledged_upload(
    tmp_path: Path, threads: str, syscall: str
) -> None:
    for when in moments(syscall):
        _, was_reached = _injected_uploads(
            tmp_path / str(when), threads, f"{syscall}:signal=SIGKILL:when={when}"
        )
        if not was_reached:
            break
    assert when > 1, f"{syscall} was never called"


@needs_strace
@pytest.mark.timeout(120 if STRIDE > 1 else 900)
@pytest.mark.parametrize(("threads", "syscall"), STORING_CALLS)
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_a_disk_error_at_any_system_call_is_reported_and_loses_nothing(
    tmp_path: Path, threads: str, syscall: str, error: str
) -> None:
    for when in moments(syscall):
        statuses, was_reached = _injected_uploads(
            tmp_path / str(when), threads, f"{syscall}:error={error}:when={when}"
        )
        # What comes after a failed write is refused for now: the catalog is checked first.
        refusals = set(statuses.values()) - {200}
        assert refusals <= ({500, 503} if error == "EIO" else {500, 503, 507})
        if not was_reached:
            break
    assert when > 1, f"{syscall} was never called"
