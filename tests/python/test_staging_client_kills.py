"""A client that is killed while it stages and commits, or a server whose disk fills up."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import PARTS
from helpers.datasets import names_in
from helpers.server_process import API_KEY, ServerProcess
from helpers.small_disk import small_disk
from helpers.strace import needs_strace

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's tools")

ATOMIC = """
import sys, sutro
url, key, dataset_id, folder = sys.argv[1:]
sutro.Client(key, url).upload(folder, dataset_id, atomic=True, progress=False)
"""

STAGE_AND_COMMIT = """
import sys, sutro
url, key, dataset_id, folder = sys.argv[1:]
client = sutro.Client(key, url)
client.commit(client.stage(folder, dataset_id, progress=False), dataset_id)
"""


def killed_at(write: int, server: sutro.LocalServer, script: str, *arguments: object) -> bool:
    """Run a script, and kill it at a write to the network. Return whether it got that far."""
    kill = f"inject=writev,sendto,sendmsg:signal=KILL:when={write}"
    command = ["strace", "-f", "-o", "/dev/null", "-e", "trace=writev,sendto,sendmsg", "-e", kill]
    target = [sys.executable, "-c", script, server.api_url, server.api_key, *map(str, arguments)]
    run = subprocess.run([*command, *target], capture_output=True, text=True, check=False)
    if "not permitted" in run.stderr:
        pytest.skip(f"strace may not trace: {run.stderr}")
    return run.returncode != 0


@needs_strace
@pytest.mark.timeout(300)
@pytest.mark.parametrize("script", [ATOMIC, STAGE_AND_COMMIT], ids=["atomic", "stage"])
def test_a_client_killed_at_any_write_has_committed_all_files_or_none(
    server: sutro.LocalServer, folder: Path, script: str
) -> None:
    client = server.client()
    for write in range(1, 100):
        dataset_id = client.create_dataset()
        was_killed = killed_at(write, server, script, dataset_id, folder)
        there = names_in(client, dataset_id)
        assert there in ([], PARTS), write
        client.upload(folder, dataset_id, atomic=True)
        assert names_in(client, dataset_id) == PARTS
        if not was_killed:
            assert there == PARTS
            break
    else:
        pytest.fail("it was always killed")
    assert write > 2


def test_a_full_server_disk_fails_an_atomic_upload_and_nothing_becomes_visible(
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
            disk.free()
            assert names_in(client, dataset_id) == []
            client.upload(folder, dataset_id, atomic=True)
            assert names_in(client, dataset_id) == PARTS
