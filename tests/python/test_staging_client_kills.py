"""A client that is killed while it stages and commits, or a server whose disk fills up."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import PARTS, large_parquet_bytes, parquet_bytes
from helpers.datasets import names_in
from helpers.server_process import API_KEY, ServerProcess
from helpers.small_disk import small_disk
from helpers.strace import ONE_WORKER, needs_strace

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's tools")

UPLOAD = """
import sys, sutro
url, key, dataset_id, folder = sys.argv[1:]
sutro.Client(key, url).upload(folder, dataset_id, progress=False)
"""

ATOMIC = UPLOAD.replace("progress=False", "progress=False, atomic=True")

STAGE_AND_COMMIT = """
import sys, sutro
url, key, dataset_id, folder = sys.argv[1:]
client = sutro.Client(key, url)
client.commit(client.stage(folder, dataset_id, progress=False), dataset_id)
"""

SENDS, RECEIVES = "writev,sendto,sendmsg", "recvfrom,recvmsg"

NAMES = PARTS[:4]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder of a blob between files that the server stores in its catalog."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        content = large_parquet_bytes() if number == 1 else parquet_bytes(number + 1)
        (folder / name).write_bytes(content)
    return folder


def killed_at(
    step: int, calls: str, server: sutro.LocalServer, script: str, *arguments: object
) -> bool:
    """Run a script, and kill it at a step on the network. Return whether it got that far."""
    kill = f"inject={calls}:signal=KILL:when={step}"
    strace = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e", kill]
    command = [*ONE_WORKER, *strace]
    target = [sys.executable, "-c", script, server.api_url, server.api_key, *map(str, arguments)]
    run = subprocess.run([*command, *target], capture_output=True, text=True, check=False)
    if "not permitted" in run.stderr:
        pytest.skip(f"strace may not trace: {run.stderr}")
    return run.returncode != 0


@needs_strace
@pytest.mark.timeout(400)
@pytest.mark.parametrize("calls", [SENDS, RECEIVES], ids=["sends", "receives"])
@pytest.mark.parametrize(
    "script", [UPLOAD, ATOMIC, STAGE_AND_COMMIT], ids=["in order", "atomic", "stage"]
)
def test_a_client_killed_at_any_step_has_committed_a_prefix_or_if_atomic_all_or_none(
    server: sutro.LocalServer, mixed: Path, script: str, calls: str
) -> None:
    client = server.client()
    for step in range(1, 200):
        dataset_id = client.create_dataset()
        was_killed = killed_at(step, calls, server, script, dataset_id, mixed)
        there = names_in(client, dataset_id)
        assert there == NAMES[: len(there)], step
        if script != UPLOAD:
            assert len(there) in {0, len(NAMES)}, step
        client.upload(mixed, dataset_id, atomic=script != UPLOAD)
        assert names_in(client, dataset_id) == NAMES
        if not was_killed:
            assert there == NAMES
            break
    else:
        pytest.fail("it was always killed")
    print(f"{step - 1} steps")
    assert step > 2


def test_a_full_server_disk_fails_an_upload_and_leaves_a_prefix_or_if_atomic_nothing(
    tmp_path: Path, folder: Path
) -> None:
    with small_disk(tmp_path / "disk", 4_000) as disk:
        data = tmp_path / "disk" / "served"
        with ServerProcess(data, wrapper=disk.wrapper) as served:
            client = sutro.Client(API_KEY, served.api_url, max_retries=1)
            dataset_id = client.create_dataset()
            disk.fill(leave_kib=8)
            for attempt in (
                lambda: client.stage(folder, dataset_id),
                lambda: client.upload(folder, dataset_id, atomic=True),
            ):
                with pytest.raises(sutro.ServerError, match="507"):
                    attempt()
            assert names_in(client, dataset_id) == []
            disk.fill(leave_kib=24)
            with pytest.raises(sutro.SutroError, match="507"):
                client.upload(folder, dataset_id)
            there = names_in(client, dataset_id)
            assert there == PARTS[: len(there)]
            disk.free()
            client.upload(folder, dataset_id, atomic=True)
            assert names_in(client, dataset_id) == PARTS
