"""Cancelling a task cancels its call: its connection closes, and its threads end."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import pyarrow as pa
import pytest

import sutro
from conftest import PARTS
from helpers.holding_proxy import HoldingProxy
from test_async import TWINS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    Call = Callable[[sutro.Client, "Given"], Coroutine[Any, Any, object]]

    from helpers.holding_server import HoldingServer

if sys.platform == "win32":
    LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop]
else:
    import uvloop

    LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]

in_each_loop = pytest.mark.parametrize("loop", LOOPS, ids=lambda made: made.__module__)


@dataclass(frozen=True)
class Given:
    """What the calls need."""

    folder: Path
    dataset_id: str
    staged: list[sutro.StagedFile]
    output: Path


async def read_all(client: sutro.Client, given: Given) -> int:
    return sum([batch.num_rows async for batch in client.read(given.dataset_id)])


CALLS: dict[str, tuple[str, Call]] = {
    "check": ("list-dataset-files", lambda c, it: c.check_async(it.folder, it.dataset_id)),
    "commit": ("commit-files", lambda c, it: c.commit_async(it.staged, it.dataset_id)),
    "create_dataset": ("create-dataset", lambda c, _: c.create_dataset_async()),
    "delete_dataset": ("delete-dataset", lambda c, it: c.delete_dataset_async(it.dataset_id)),
    "delete_dataset_file": (
        "delete-dataset-file",
        lambda c, it: c.delete_dataset_file_async(it.dataset_id, PARTS[0]),
    ),
    "download_from_dataset": (
        "download-from-dataset",
        lambda c, it: c.download_from_dataset_async(it.dataset_id, output_path=it.output),
    ),
    "list_dataset_files": (
        "list-dataset-files",
        lambda c, it: c.list_dataset_files_async(it.dataset_id),
    ),
    "list_datasets": ("list-datasets", lambda c, _: c.list_datasets_async()),
    "read": ("list-dataset-files", read_all),
    "stage": ("stage-file", lambda c, it: c.stage_async(it.folder, it.dataset_id)),
    "try_authentication": ("try-authentication", lambda c, _: c.try_authentication_async()),
    "upload": ("stage-file", lambda c, it: c.upload_async(it.folder)),
    "upload_to_dataset": (
        "list-dataset-files",
        lambda c, it: c.upload_to_dataset_async(it.dataset_id, it.folder),
    ),
}
"""Each call, and the request at which it is cancelled."""

REPORTING = {"commit", "stage", "upload", "upload_to_dataset"}


@pytest.fixture
def given(client: sutro.Client, folder: Path, tmp_path: Path) -> Given:
    dataset_id = client.upload(folder).dataset_id
    staged = client.stage({"staged.parquet": folder / PARTS[0]}, dataset_id)
    return Given(folder, dataset_id, staged, tmp_path / "output")


def cancelled_when_held(
    call: Coroutine[Any, Any, object],
    proxy: HoldingProxy,
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> asyncio.CancelledError:
    """Cancel a call whose request the proxy holds. Returns when all threads of the loop ended."""

    async def cancelled() -> asyncio.CancelledError:
        task = asyncio.create_task(call)
        assert await asyncio.to_thread(proxy.held.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as error:
            await task
        return error.value

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(cancelled())


def test_every_twin_is_cancelled_below() -> None:
    assert {*CALLS} == {*TWINS, "read", "try_authentication"}


@in_each_loop
@pytest.mark.parametrize("name", CALLS)
def test_a_cancelled_call_closes_its_connection(
    server: sutro.LocalServer,
    given: Given,
    name: str,
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    path, call = CALLS[name]
    with HoldingProxy(server.api_url, f"/{path}") as proxy:
        client = sutro.Client(server.api_key, proxy.api_url)

        error = cancelled_when_held(call(client, given), proxy, loop)

        assert proxy.dropped.wait(30)
    assert isinstance(getattr(error, "report", None), sutro.UploadReport) == (name in REPORTING)


def test_an_upload_cancelled_before_its_source_is_read_has_an_empty_report(
    server: sutro.LocalServer, given: Given
) -> None:
    untouched = iter([pa.table({"a": [1]})])
    with HoldingProxy(server.api_url, "/list-dataset-files") as proxy:
        client = sutro.Client(server.api_key, proxy.api_url)

        error = cancelled_when_held(
            client.upload_async(untouched, given.dataset_id), proxy, asyncio.new_event_loop
        )

    report: sutro.UploadReport = error.report  # type: ignore[attr-defined]
    assert len(report) == 0
    assert next(untouched).num_rows == 1


@in_each_loop
def test_a_cancelled_read_ends_while_it_waits_for_the_next_file(
    server: sutro.LocalServer, given: Given, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    with HoldingProxy(server.api_url, "/download-from-dataset", passes=1) as proxy:
        client = sutro.Client(server.api_key, proxy.api_url)

        cancelled_when_held(read_all(client, given), proxy, loop)

        assert proxy.dropped.wait(30)


def test_leaving_a_read_early_ends_its_downloads(server: sutro.LocalServer, given: Given) -> None:
    with HoldingProxy(server.api_url, "/download-from-dataset", passes=1) as proxy:
        client = sutro.Client(server.api_key, proxy.api_url)
        batches = aiter(client.read(given.dataset_id))

        async def first() -> int:
            rows: int = (await anext(batches)).num_rows
            assert await asyncio.to_thread(proxy.held.wait, 30)
            return rows

        # It closes generators that are not at their end.
        assert asyncio.run(first()) == 1
        assert proxy.dropped.wait(30)


@pytest.mark.parametrize("use_uvloop", [False, True])
@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not for Windows")
def test_a_cancel_scope_of_anyio_ends_the_call(
    holding: HoldingServer, folder: Path, *, use_uvloop: bool
) -> None:
    client = sutro.Client(holding.api_key, holding.api_url)

    async def scoped() -> bool:
        loop = asyncio.get_running_loop()
        with anyio.CancelScope() as scope:

            def cancel() -> None:
                loop.call_soon_threadsafe(scope.cancel)

            holding.on_hold = cancel
            await client.upload_async(folder)
        return scope.cancelled_caught

    options = {"use_uvloop": use_uvloop}
    assert anyio.run(scoped, backend="asyncio", backend_options=options)
    assert holding.dropped.wait(30)
