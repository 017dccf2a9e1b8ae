"""A service that is killed, or whose disk fails, at any moment keeps what it has answered."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conftest import parquet_bytes
from kept import assert_kept
from raw_client import RawClient
from sender import Sender
from served import API_KEY, Served

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's tools")

KILLS = int(os.environ.get("SUTRO_SERVICE_KILLS", "10"))
"""Times that a service under load is killed."""

STRIDE = int(os.environ.get("SUTRO_SYSCALL_STRIDE", "5"))
"""Of the system calls of an upload, each which one fails; 1 for all."""

SENDERS = 4
FILES = {f"part-{number}.parquet": parquet_bytes(200 * number + 1) for number in range(3)}


@pytest.mark.timeout(60 + 5 * KILLS)
def test_a_service_under_load_that_is_killed_loses_nothing_that_it_answered(
    tmp_path: Path,
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    data = tmp_path / "served"
    with Served(data) as served:
        client = RawClient(served.api_url, API_KEY)
        datasets = [client.create_dataset() for _ in range(SENDERS)]
    sent: dict[str, dict[str, bytes]] = {dataset_id: {} for dataset_id in datasets}
    answered: dict[str, list[str]] = {dataset_id: [] for dataset_id in datasets}
    starts = []

    for _ in range(KILLS):
        begun = time.perf_counter()
        with Served(data) as served:
            starts.append(time.perf_counter() - begun)
            _kill_under_load(served, sent, answered, chance)

    for dataset_id in datasets:
        assert_kept(
            data,
            dataset_id,
            sent[dataset_id],
            answered[dataset_id],
            unanswered_at_most=KILLS,
        )
    assert any(answered.values())
    print(f"{KILLS} kills, slowest start with interpreter {max(starts):.2f} s")


def _kill_under_load(
    served: Served,
    sent: dict[str, dict[str, bytes]],
    answered: dict[str, list[str]],
    chance: random.Random,
) -> None:
    news = threading.Event()
    client = RawClient(served.api_url, API_KEY)
    senders = {
        dataset_id: Sender(client, dataset_id, len(before), news)
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
        answered[dataset_id] += sender.answered


@contextmanager
def _injected(served: Served, injection: str) -> Iterator[None]:
    """Make a system call of the service fail, or kill it there; skip where that is forbidden."""
    command = ["strace", "-f", "-o", os.devnull, "-e", f"inject={injection}"]
    tracer = subprocess.Popen(
        [*command, "-p", str(served.process.pid)], stderr=subprocess.PIPE, text=True
    )
    assert tracer.stderr is not None
    try:
        first = tracer.stderr.readline()
        if "attached" not in first:
            pytest.skip(f"strace may not trace: {first}")
        yield
    finally:
        # Asked to end, it waits for ever where the threads of a killed service are not all gone.
        tracer.kill()
        tracer.stderr.close()
        tracer.wait()


needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def _upload_all(served: Served, dataset_id: str) -> dict[str, int]:
    client = RawClient(served.api_url, API_KEY)
    statuses = {}
    for name, content in FILES.items():
        status, body = client.upload(dataset_id, name, content)
        assert status in {0, 200} or body["error"]
        statuses[name] = status
    return statuses


def _injected_uploads(data: Path, injection: str) -> tuple[dict[str, int], bool]:
    """Upload while something is injected; then check what is kept.

    Returns:
        The statuses, and whether the service lived.
    """
    with Served(data) as served:
        dataset_id = RawClient(served.api_url, API_KEY).create_dataset()
        with _injected(served, injection):
            statuses = _upload_all(served, dataset_id)
    has_lived = 0 not in statuses.values()
    answered = [name for name, status in statuses.items() if status == 200]
    assert_kept(data, dataset_id, FILES, answered, unanswered_at_most=len(FILES))
    return statuses, has_lived


@needs_strace
@pytest.mark.timeout(120 if STRIDE > 1 else 900)
@pytest.mark.parametrize(
    "syscall", ["openat", "write", "lseek", "pwrite64", "fsync", "rename", "unlink", "writev"]
)
def test_killed_at_every_system_call_of_an_upload_nothing_answered_is_lost(
    tmp_path: Path, syscall: str
) -> None:
    for when in itertools.count(1, STRIDE):
        _, has_lived = _injected_uploads(
            tmp_path / str(when), f"{syscall}:signal=SIGKILL:when={when}"
        )
        if has_lived:
            break
    assert when > 1, f"{syscall} was never called"


# A `write` cannot be told from one that wakes a thread: `lseek`, right before it, stands for it.
@needs_strace
@pytest.mark.timeout(120 if STRIDE > 1 else 900)
@pytest.mark.parametrize("syscall", ["openat", "lseek", "pwrite64", "fsync", "rename", "unlink"])
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_a_disk_that_fails_at_any_system_call_is_told_and_nothing_is_lost(
    tmp_path: Path, syscall: str, error: str
) -> None:
    for when in itertools.count(1, STRIDE):
        statuses, has_lived = _injected_uploads(
            tmp_path / str(when), f"{syscall}:error={error}:when={when}"
        )
        assert has_lived
        # What comes after a failed write is refused for now: the catalog is checked first.
        refusals = set(statuses.values()) - {200}
        assert refusals <= ({500, 503} if error == "EIO" else {500, 503, 507})
        if not refusals:
            break
    assert when > 1, f"no {error} of {syscall} was told"


@pytest.mark.parametrize("kib", range(60, 240, 20))
def test_a_disk_that_is_full_is_told_and_uploads_go_on_when_there_is_space_again(
    tmp_path: Path, kib: int
) -> None:
    data = tmp_path / "served"
    data.mkdir()
    script = (
        f'mount -t tmpfs -o size={kib + 400}k tmpfs "$0" && head -c 400K /dev/zero > "$0/ballast"'
        ' && exec "$@"'
    )
    wrapper = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, str(data)]
    possible = subprocess.run(
        [*wrapper, "rm", str(data / "ballast")], capture_output=True, check=False
    )
    if possible.returncode:
        pytest.skip(f"a file system may not be mounted: {possible.stderr!r}")
    contents = {f"part-{number}.parquet": parquet_bytes(2_000, "x" * 9) for number in range(12)}

    with Served(data, wrapper=wrapper) as served:
        if not served.has_started:
            _, stderr = served.wait()
            assert "full" in stderr or "space" in stderr
            return
        client = RawClient(served.api_url, API_KEY)
        dataset_id = client.create_dataset()
        statuses = [client.upload(dataset_id, *file).status for file in contents.items()]
        (Path(f"/proc/{served.process.pid}/root") / data.relative_to("/") / "ballast").unlink()
        late = [
            client.upload(dataset_id, name, content).status
            for (name, content), status in zip(contents.items(), statuses, strict=True)
            if status != 200
        ]
        downloaded = served.client().download_from_dataset(dataset_id, output_path=tmp_path / "out")

    assert set(statuses) <= {200, 507}
    assert 507 in statuses
    assert set(late) == {200}
    assert {path.name: path.read_bytes() for path in downloaded} == contents
