"""One process at a time can use a folder; others wait for the lock."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import write_parquet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import RunSutro

HOLD = """
import sys, sutro
client = sutro.Client(api_url="local:service")
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the folder `service` until its stdin is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.kill()


def test_a_second_process_waits_for_the_folder_lock(
    holder: subprocess.Popen[str], run_sutro: RunSutro
) -> None:
    assert holder.stdin is not None
    release = threading.Timer(2, holder.stdin.close)
    release.start()

    done = run_sutro("datasets", "list", "--api-url", "local:service")

    release.join()
    assert done.returncode == 0, done.stderr


def test_the_error_names_the_process_that_holds_the_lock(
    holder: subprocess.Popen[str], run_sutro: RunSutro
) -> None:
    refused = run_sutro("datasets", "list", "--api-url", "local:service")

    assert refused.returncode == 5
    assert f"service is open in another process ({holder.pid})" in refused.stderr
    assert "sutro serve" in refused.stderr
    assert holder.poll() is None


def test_ctrl_c_ends_the_wait_for_the_lock(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    wait = f"print('waits', flush=True)\n{HOLD}"
    assert holder.poll() is None
    with subprocess.Popen(
        [sys.executable, "-c", wait],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waits\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)

    assert process.returncode != 0
    assert "KeyboardInterrupt" in errors
    assert "FolderInUseError" not in errors.splitlines()[-1]


def test_pool_workers_take_turns_on_one_folder(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet")
    program = "import sutro; sutro.upload('a.parquet', api_url='local:service', progress=False)"
    processes = [subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path) for _ in range(3)]

    assert [process.wait(50) for process in processes] == [0, 0, 0]
    client = sutro.Client(api_url=f"local:{tmp_path / 'service'}")
    assert [dataset.file_count for dataset in client.list_datasets()] == [1, 1, 1]
