"""Ctrl-C and cancelled tasks while files are staged, and while they are committed."""

from __future__ import annotations

import _thread
import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

import sutro
from conftest import PARTS
from helpers.datasets import names_in
from helpers.holding_proxy import HoldingProxy
from helpers.processes import interrupt_sutro

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

STAGE, COMMIT = "/stage-file", "/commit-files"

reaching_or_not = pytest.mark.parametrize("reaches", [True, False], ids=["reaches", "is lost"])
"""Whether the server gets the commit whose answer is never received."""


def interrupted_by(proxy: HoldingProxy, server: sutro.LocalServer) -> sutro.Client:
    """A client that gets a Ctrl-C when the proxy holds a request."""
    proxy.on_hold = _thread.interrupt_main
    return sutro.Client(server.api_key, proxy.api_url)


def test_ctrl_c_while_files_are_staged_leaves_the_dataset_as_it_was(
    server: sutro.LocalServer, folder: Path
) -> None:
    client = server.client()
    dataset_id = client.create_dataset()
    with (
        HoldingProxy(server.api_url, STAGE, passes=3) as proxy,
        pytest.raises(sutro.UploadInterrupted, match="the dataset has not changed") as stopped,
    ):
        interrupted_by(proxy, server).stage(folder, dataset_id)

    assert names_in(client, dataset_id) == []
    assert stopped.value.report is not None
    assert {file.status for file in stopped.value.report} == {"pending"}
    client.commit(client.stage(folder, dataset_id), dataset_id)
    assert names_in(client, dataset_id) == PARTS


def test_ctrl_c_before_the_commit_of_an_atomic_upload_says_that_nothing_is_there(
    server: sutro.LocalServer, folder: Path
) -> None:
    with (
        HoldingProxy(server.api_url, STAGE, passes=3) as proxy,
        pytest.raises(sutro.UploadInterrupted, match="none of 12 files is in dataset") as stopped,
    ):
        interrupted_by(proxy, server).upload(folder, atomic=True)

    report = stopped.value.report
    assert report is not None
    assert report.bytes == 0
    assert names_in(server.client(), report.dataset_id) == []
    server.client().upload(folder, report.dataset_id, atomic=True)
    assert names_in(server.client(), report.dataset_id) == PARTS


@reaching_or_not
def test_ctrl_c_at_the_commit_of_an_atomic_upload_says_that_all_or_none_may_be_there(
    server: sutro.LocalServer, folder: Path, reaches: bool
) -> None:
    with (
        HoldingProxy(server.api_url, COMMIT, reaches=reaches) as proxy,
        pytest.raises(sutro.UploadInterrupted, match=r"all files are in .*, or none") as stopped,
    ):
        interrupted_by(proxy, server).upload(folder, atomic=True)

    assert stopped.value.report is not None
    dataset_id = stopped.value.report.dataset_id
    assert names_in(server.client(), dataset_id) == (PARTS if reaches else [])
    again = server.client().upload(folder, dataset_id, atomic=True)
    assert {file.status for file in again} == {"skipped" if reaches else "uploaded"}
    assert names_in(server.client(), dataset_id) == PARTS


@reaching_or_not
def test_after_ctrl_c_the_same_commit_completes_it(
    server: sutro.LocalServer, folder: Path, reaches: bool
) -> None:
    client = server.client()
    dataset_id = client.create_dataset()
    staged = client.stage(folder, dataset_id)
    with (
        HoldingProxy(server.api_url, COMMIT, reaches=reaches) as proxy,
        pytest.raises(sutro.UploadInterrupted, match="Run the same commit again") as stopped,
    ):
        interrupted_by(proxy, server).commit(staged, dataset_id, expected_file_count=0)

    assert stopped.value.report is not None
    assert len(stopped.value.report) == len(PARTS)
    client.commit(staged, dataset_id, expected_file_count=0)
    assert names_in(client, dataset_id) == PARTS


def test_a_cancelled_task_says_how_to_go_on(server: sutro.LocalServer, folder: Path) -> None:
    client = server.client()
    dataset_id = client.create_dataset()
    staged = client.stage(folder, dataset_id)

    async def cancelled(path: str) -> str:
        with HoldingProxy(server.api_url, path) as proxy:
            between = sutro.Client(server.api_key, proxy.api_url)
            call: Coroutine[Any, Any, object] = (
                between.stage_async(folder, dataset_id)
                if path == STAGE
                else between.commit_async(staged, dataset_id)
            )
            task = asyncio.ensure_future(call)
            await asyncio.to_thread(proxy.held.wait, 50)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as error:
                await task
            return error.value.__notes__[0]

    assert "the dataset has not changed" in asyncio.run(cancelled(STAGE))
    assert names_in(client, dataset_id) == []
    assert "Run the same commit again" in asyncio.run(cancelled(COMMIT))
    client.commit(staged, dataset_id)
    assert names_in(client, dataset_id) == PARTS


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_the_command_says_after_ctrl_c_that_nothing_is_in_the_dataset(
    server: sutro.LocalServer, folder: Path
) -> None:
    with HoldingProxy(server.api_url, STAGE, passes=3) as proxy:
        done = interrupt_sutro(proxy, server.api_key, "upload", folder, "--atomic")

    assert done.returncode == 130
    assert "none of 12 files is in" in done.stderr
    assert "--dataset" in done.stderr
    assert "Traceback" not in done.stderr
