"""Failures of this machine and of the connection."""

from __future__ import annotations

import multiprocessing
import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import PARTS, STAGED_FILES, through_gate_and_staged, write_parquet
from helpers.datasets import names_in
from helpers.processes import python_output

if TYPE_CHECKING:
    from pathlib import Path

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="about processes of POSIX")

KILLS = int(os.environ.get("SUTRO_KILLS", "3"))
"""The number of kills; `make soak` sets a higher one."""


@posix_only
@through_gate_and_staged
@pytest.mark.timeout(60 + 10 * KILLS)
def test_after_kill_9_the_dataset_is_a_prefix_and_the_next_run_completes_it(
    server: sutro.LocalServer, folder: Path
) -> None:
    client = server.client()
    moments = random.Random(KILLS)
    for _ in range(KILLS):
        dataset_id = client.create_dataset()
        moment = moments.randrange(len(PARTS))
        process = subprocess.Popen(
            [sys.executable, "-m", "sutro", "upload", str(folder), "--dataset", dataset_id],
            env={
                **os.environ,
                "SUTRO_API_KEY": server.api_key,
                "SUTRO_API_URL": server.api_url,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and len(names_in(client, dataset_id)) < moment:
            pass
        process.kill()
        process.wait()

        # The service may be about to take the file that was let go last.
        names = names_in(client, dataset_id)
        assert names == PARTS[: len(names)]
        report = client.upload(folder, dataset_id)

        assert names_in(client, dataset_id) == PARTS
        assert len(report) == len(PARTS)


@pytest.mark.parametrize("most", STAGED_FILES.values(), ids=STAGED_FILES)
def test_a_server_that_rejects_a_third_concurrent_upload_receives_all_files_in_order(
    folder: Path, tmp_path: Path, most: int
) -> None:
    paths = [folder / name for name in PARTS[:6]]
    with sutro.LocalServer(tmp_path / "small", max_uploads=2, max_staged_files=most) as server:
        report = server.client().upload(paths)

        assert names_in(server.client(), report.dataset_id) == PARTS[:6]
        assert max(file.attempts for file in report) < 6, "it is not asked again and again"


FEW_FILES = """
import resource, sys, sutro
resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))
client = sutro.Client(sys.argv[1], sys.argv[2])
report = client.upload(sys.argv[3], concurrency=48)
print(len(report), report.concurrency)
"""


@posix_only
@through_gate_and_staged
def test_an_upload_continues_with_fewer_connections_if_file_handles_run_out(
    server: sutro.LocalServer, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(100):
        write_parquet(folder / f"{number}.parquet")

    output = python_output("-c", FEW_FILES, server.api_key, server.api_url, folder)

    assert output.split()[0] == "100"


@posix_only
def test_a_forked_child_can_upload(client: sutro.Client, folder: Path) -> None:
    dataset_id = client.upload(folder / PARTS[0]).dataset_id
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[int] = context.Queue()
    child = context.Process(
        target=lambda: queue.put(len(client.upload(folder, dataset_id, concurrency=2))),
        daemon=True,
    )
    child.start()

    try:
        assert queue.get(timeout=30) == len(PARTS)
    finally:
        child.kill()
    assert names_in(client, dataset_id) == PARTS


@posix_only
def test_special_files_are_rejected_without_being_opened(
    client: sutro.Client, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe.parquet"
    os.mkfifo(pipe)
    loop = tmp_path / "loop.parquet"
    loop.symlink_to(loop)

    for path in (pipe, loop, tmp_path / "missing.parquet"):
        with pytest.raises(sutro.CheckError, match=path.name):
            client.upload(path)
    assert client.list_datasets() == []
