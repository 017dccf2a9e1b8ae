"""The async twin does the same in a running event loop, and can be cancelled."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import PARTS

if TYPE_CHECKING:
    from pathlib import Path

    from holding_service import HoldingService


def test_the_async_twin_uploads_in_order(server: sutro.LocalServer, folder: Path) -> None:
    report = asyncio.run(sutro.upload_async(folder, api_key=server.api_key, api_url=server.api_url))

    files = server.client().list_dataset_files(report.dataset_id)
    assert [file.file_name for file in files] == PARTS


def test_two_uploads_run_at_the_same_time(client: sutro.Client, folder: Path) -> None:
    async def both() -> tuple[sutro.UploadReport, sutro.UploadReport]:
        return await asyncio.gather(client.upload_async(folder), client.upload_async(folder))

    first, second = asyncio.run(both())

    assert first.dataset_id != second.dataset_id
    assert [file.name for file in first] == [file.name for file in second] == PARTS


def test_the_sync_call_works_where_an_event_loop_runs(client: sutro.Client, folder: Path) -> None:
    async def in_a_notebook() -> sutro.UploadReport:
        return client.upload(folder)

    assert len(asyncio.run(in_a_notebook())) == 12


def test_an_error_is_the_same_as_that_of_the_sync_call(client: sutro.Client) -> None:
    with pytest.raises(sutro.SutroError, match="nowhere"):
        asyncio.run(client.upload_async("nowhere/*.parquet"))


def test_cancelling_the_task_ends_the_upload_and_tells_how_far_it_got(
    holding: HoldingService, folder: Path
) -> None:
    holding.commits = 3
    client = sutro.Client(holding.api_key, holding.api_url)

    async def cancel() -> None:
        task = asyncio.create_task(client.upload_async(folder))
        assert await asyncio.to_thread(holding.held.wait, 30)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError) as cancelled:
        asyncio.run(cancel())

    report: sutro.UploadReport = cancelled.value.report  # type: ignore[attr-defined]
    assert [file.status for file in report] == ["uploaded"] * 3 + ["pending"] * 9
    assert holding.dropped.wait(30)


def test_the_event_loop_stays_free_during_an_upload(holding: HoldingService, folder: Path) -> None:
    client = sutro.Client(holding.api_key, holding.api_url)

    async def ticks_while_held() -> int:
        task = asyncio.create_task(client.upload_async(folder))
        ticks = 0
        while not (holding.held.is_set() or task.done()):
            await asyncio.sleep(0)
            ticks += 1
        assert task.cancel()
        return ticks

    assert asyncio.run(ticks_while_held()) > 1


def test_an_interpreter_that_exits_during_an_upload_exits_cleanly(
    holding: HoldingService, folder: Path
) -> None:
    program = f"""
import asyncio, sys, sutro

async def main():
    client = sutro.Client({holding.api_key!r}, {holding.api_url!r})
    task = asyncio.create_task(client.upload_async({str(folder)!r}))
    await asyncio.sleep(float(sys.argv[1]))

asyncio.run(main())
"""
    for milliseconds in range(0, 60, 6):
        done = subprocess.run(
            [sys.executable, "-c", program, str(milliseconds / 1000)],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
