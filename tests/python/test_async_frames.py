"""An async upload reads frames outside the event loop, and stops when its task ends."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import datasets as hf
import pyarrow as pa
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import sutro

OTHER = pa.table({"a": ["x"]})


class Slow:
    """A stream whose second batch waits until it is released."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.waits = threading.Event()
        self.goes_on = threading.Event()

    def batches(self) -> Iterator[pa.RecordBatch]:
        for number in range(self.count):
            if number == 1:
                self.waits.set()
                assert self.goes_on.wait(30), "the event loop is blocked"
            yield pa.record_batch({"a": pa.nulls(1, pa.int64())})

    def reader(self) -> pa.RecordBatchReader:
        schema = pa.schema({"a": pa.int64()})
        return pa.RecordBatchReader.from_batches(schema, self.batches())

    def dataset(self) -> Any:
        """A rereadable source, which is scanned and not written to a file."""
        features = hf.Features({"a": hf.Value("int64")})
        rows: Any = lambda: (row for batch in self.batches() for row in batch.to_pylist())  # noqa: E731
        return hf.IterableDataset.from_generator(rows, features=features)


KINDS: dict[str, Callable[[Slow], Any]] = {"stream": Slow.reader, "dataset": Slow.dataset}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", ["upload_async", "check_async"])
def test_the_event_loop_runs_while_rows_of_frames_are_read(
    client: sutro.Client, kind: str, call: str
) -> None:
    slow = Slow(3)
    source = [KINDS[kind](slow), OTHER]

    async def run() -> int:
        task = asyncio.create_task(getattr(client, call)(source, on_mismatch="cast"))
        assert await asyncio.to_thread(slow.waits.wait, 30)
        ticks = 0
        for _ in range(100):
            await asyncio.sleep(0)
            ticks += not slow.goes_on.is_set() and not task.done()
        slow.goes_on.set()
        assert len(await task) == 2
        return ticks

    assert asyncio.run(run()) == 100


@pytest.mark.parametrize("kind", KINDS)
def test_cancelling_the_task_stops_the_work_on_frames(client: sutro.Client, kind: str) -> None:
    slow = Slow(1 << 40)
    source = [KINDS[kind](slow), OTHER]

    async def cancel() -> None:
        task = asyncio.create_task(client.upload_async(source, on_mismatch="cast"))
        assert await asyncio.to_thread(slow.waits.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await task
        report: sutro.UploadReport = cancelled.value.report  # type: ignore[attr-defined]
        assert len(report) == 0
        slow.goes_on.set()

    # It ends when the threads of the loop have ended.
    asyncio.run(cancel())

    assert client.list_datasets() == []
