"""The async twins work in a running event loop and can be cancelled."""

from __future__ import annotations

import asyncio
import inspect
import selectors
import sys
import time
from typing import TYPE_CHECKING, Any

import anyio
import pyarrow as pa
import pytest

import sutro
from conftest import PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from helpers.holding_server import HoldingServer

TWINS = [
    "check",
    "commit",
    "create_dataset",
    "delete_dataset",
    "delete_dataset_file",
    "download_from_dataset",
    "list_dataset_files",
    "list_datasets",
    "stage",
    "upload",
    "upload_to_dataset",
]


@pytest.mark.parametrize("owner", [sutro, sutro.Client])
def test_every_call_that_waits_for_the_server_has_an_async_twin(owner: object) -> None:
    own = ["try_authentication"] if owner is sutro.Client else []
    for name in TWINS + own:
        call, twin = getattr(owner, name), getattr(owner, f"{name}_async")
        assert inspect.iscoroutinefunction(twin)
        assert inspect.signature(call) == inspect.signature(twin), name
    others = {name for name in dir(owner) if name.endswith("_async")}
    assert others == {f"{name}_async" for name in TWINS + own}


def test_the_async_twins_return_what_the_sync_calls_return(
    client: sutro.Client, folder: Path, tmp_path: Path
) -> None:
    async def all_calls() -> None:
        dataset_id = await client.create_dataset_async("cars")
        await client.try_authentication_async()
        report = await client.upload_to_dataset_async(dataset_id, folder)
        assert len(report) == 12
        assert await client.check_async(folder, dataset_id) == client.check(folder, dataset_id)
        assert await sutro.check_async(folder) == sutro.check(folder)
        frames = [pa.table({"a": [1]})]
        assert await client.check_async(iter(frames)) == client.check(iter(frames))
        assert await client.list_datasets_async() == client.list_datasets()
        files = await client.list_dataset_files_async(dataset_id)
        assert files == client.list_dataset_files(dataset_id)
        copied = await client.download_from_dataset_async(dataset_id, output_path=tmp_path / "to")
        assert [path.name for path in copied] == PARTS
        reader = client.read(dataset_id)
        rows = sum([batch.num_rows async for batch in reader])
        assert rows == sum(batch.num_rows for batch in reader)

    asyncio.run(all_calls())


def test_a_source_is_not_read_if_the_server_rejects_the_call(client: sutro.Client) -> None:
    untouched = iter([pa.table({"a": [1]})])

    for call in (client.upload_async, client.check_async):
        with pytest.raises(sutro.DatasetNotFoundError, match="dataset-none not found"):
            asyncio.run(call(untouched, "dataset-none"))

    assert next(untouched).num_rows == 1


async def first_number(client: sutro.Client, dataset_id: str) -> object:
    async for batch in client.read(dataset_id):
        return batch["number"][0].as_py()
    return None


def _default() -> Mapping[str, Any]:
    return {}


def _uvloop() -> Mapping[str, Any]:
    return {"use_uvloop": True}


@pytest.mark.parametrize("options", [_default, _uvloop])
@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not for Windows")
def test_a_hundred_concurrent_calls_run_alongside_an_executor(
    client: sutro.Client, options: Callable[[], Mapping[str, Any]]
) -> None:
    async def gathered() -> None:
        loop = asyncio.get_running_loop()
        beside = loop.run_in_executor(None, time.sleep, 0.01)
        ids = await asyncio.gather(*(client.create_dataset_async() for _ in range(100)))
        await beside
        assert len(set(ids)) == 100
        frames = [pa.table({"number": [number]}) for number in range(100)]
        uploads = (client.upload_async(it, to) for it, to in zip(frames, ids, strict=True))
        assert [len(report) for report in await asyncio.gather(*uploads)] == [1] * 100
        numbers = await asyncio.gather(*(first_number(client, dataset_id) for dataset_id in ids))
        assert numbers == list(range(100))
        await asyncio.gather(*(client.delete_dataset_async(dataset_id) for dataset_id in ids))
        assert await client.list_datasets_async() == []

    anyio.run(gathered, backend="asyncio", backend_options=dict(options()))


class CountingSelector(selectors.DefaultSelector):
    """Counts how often its event loop wakes up."""

    waits = 0

    def select(self, timeout: float | None = None) -> Any:
        self.waits += 1
        return super().select(timeout)


def test_a_waiting_call_does_not_wake_its_event_loop(holding: HoldingServer, folder: Path) -> None:
    client = sutro.Client(holding.api_key, holding.api_url)
    selector = CountingSelector()

    async def waits_while_held() -> int:
        task = asyncio.create_task(client.upload_async(folder, progress=False))
        assert await asyncio.to_thread(holding.held.wait, 30)
        before = selector.waits
        await asyncio.sleep(1)
        task.cancel()
        return selector.waits - before

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        assert runner.run(waits_while_held()) <= 3


def test_a_timeout_ends_the_call(holding: HoldingServer, folder: Path) -> None:
    client = sutro.Client(holding.api_key, holding.api_url)

    async def within() -> None:
        async with asyncio.timeout(None) as limit:
            task = asyncio.ensure_future(asyncio.to_thread(holding.held.wait, 30))
            task.add_done_callback(lambda _: limit.reschedule(0))
            await client.upload_async(folder)

    with pytest.raises(TimeoutError):
        asyncio.run(within())
    assert holding.dropped.wait(30)


def test_the_async_twin_uploads_in_order(server: sutro.LocalServer, folder: Path) -> None:
    report = asyncio.run(sutro.upload_async(folder, api_key=server.api_key, api_url=server.api_url))

    files = server.client().list_dataset_files(report.dataset_id)
    assert [file.file_name for file in files] == PARTS


def test_two_uploads_run_concurrently(client: sutro.Client, folder: Path) -> None:
    async def both() -> tuple[sutro.UploadReport, sutro.UploadReport]:
        return await asyncio.gather(client.upload_async(folder), client.upload_async(folder))

    first, second = asyncio.run(both())

    assert first.dataset_id != second.dataset_id
    assert [file.name for file in first] == [file.name for file in second] == PARTS


def test_the_sync_call_works_inside_a_running_event_loop(
    client: sutro.Client, folder: Path
) -> None:
    async def in_a_notebook() -> sutro.UploadReport:
        return client.upload(folder)

    assert len(asyncio.run(in_a_notebook())) == 12


def test_the_async_twin_raises_the_same_error_as_the_sync_call(client: sutro.Client) -> None:
    with pytest.raises(sutro.SutroError, match="nowhere"):
        asyncio.run(client.upload_async("nowhere/*.parquet"))


def test_cancelling_the_task_ends_the_upload_with_a_partial_report(
    holding: HoldingServer, folder: Path
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


def test_the_event_loop_stays_free_during_an_upload(holding: HoldingServer, folder: Path) -> None:
    """Each file is acknowledged only after the loop has run a hundred times since its last byte."""
    client = sutro.Client(holding.api_key, holding.api_url)
    holding.commits = 12

    async def turns() -> None:
        for _ in range(100):
            await asyncio.sleep(0)

    async def upload() -> sutro.UploadReport:
        loop = asyncio.get_running_loop()
        holding.on_commit = lambda: asyncio.run_coroutine_threadsafe(turns(), loop).result(30)
        return await client.upload_async(folder)

    assert [file.status for file in asyncio.run(upload())] == ["uploaded"] * 12
