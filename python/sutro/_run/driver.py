"""Runs the calls of the package, in the calling thread or in a running event loop.

A call is a coroutine whose first argument is a driver, and it only waits through this driver. So
each call is written once (`calls`, `uploads`) and runs in both ways.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from sutro._progress.display import silent
from sutro._run import forks, logs, stopping
from sutro._run.feed import ShowFailedError, feed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from sutro._core import Job
    from sutro._sources.frames import Frames
    from sutro.options import Show

_P = ParamSpec("_P")
_T = TypeVar("_T")

POLL_SECONDS = 0.1
"""Seconds between two checks of a running job: the maximum delay of Ctrl-C."""


def here(
    call: Callable[Concatenate[Driver, _P], Coroutine[Any, Any, _T]],
    *args: _P.args,
    **kwargs: _P.kwargs,
) -> _T:
    """Run a call in this thread. Signals are handled, so Ctrl-C ends it."""
    running = call(_HERE, *args, **kwargs)
    try:
        running.send(None)
    except StopIteration as end:
        result: _T = end.value
        return result
    # Awaiting `_Here` never suspends.
    running.close()
    message = "the call waits for an event loop, but none is running"
    raise RuntimeError(message)


async def in_loop(
    call: Callable[Concatenate[Driver, _P], Coroutine[Any, Any, _T]],
    *args: _P.args,
    **kwargs: _P.kwargs,
) -> _T:
    """Run a call in the running event loop. Cancelling the task cancels the call."""
    return await call(_LOOP, *args, **kwargs)


def start(begin: Callable[[], _T]) -> _T:
    """Start something in the core; a fork waits until it has started."""
    logs.listen()
    with forks.moment:
        return begin()


def take_result(job: Job[_T]) -> _T:
    """Return the result of a finished job, or raise its error."""
    with forks.moment:
        return job.result()


class Driver(ABC):
    """Waits for jobs of the core, and for work in Python."""

    @property
    def cancelled(self) -> tuple[type[BaseException], ...]:
        """The errors that end a wait early."""
        return ()

    @abstractmethod
    async def end_of(self, job: Job[_T], show: Show = silent) -> None:
        """Wait until a job has finished, and show its progress.

        Raises:
            ShowFailedError: `show` has failed.
        """

    @abstractmethod
    async def in_background(self, work: Callable[[], _T]) -> _T:
        """Do work that would block an event loop."""

    @abstractmethod
    async def feed(
        self, job: Job[_T], source: Frames, show: Show, *, all_or_none: bool
    ) -> Exception | None:
        """Feed frames to a job until it has finished. Return the error of the source, if any."""

    async def result_of(self, begin: Callable[[], Job[_T]]) -> _T:
        """Start a job and return its result. The job is cancelled if the wait ends early."""
        job = start(begin)
        try:
            await self.end_of(job)
        except BaseException:
            job.cancel()
            raise
        return take_result(job)


class _Here(Driver):
    """Polls, so that signals are handled and progress is shown by the calling thread."""

    async def end_of(self, job: Job[_T], show: Show = silent) -> None:
        while not job.wait(POLL_SECONDS):
            stopping.check()
            _show_progress(job, show)
        _show_progress(job, show)

    async def in_background(self, work: Callable[[], _T]) -> _T:
        return work()

    async def feed(
        self, job: Job[_T], source: Frames, show: Show, *, all_or_none: bool
    ) -> Exception | None:
        step = partial(_show_progress, job, show)
        failure = feed(job, source, step, POLL_SECONDS, all_or_none=all_or_none)
        await self.end_of(job, show)
        return failure


class _Loop(Driver):
    """The core wakes it when a job has finished. It wakes itself only to show progress or logs."""

    @property
    def cancelled(self) -> tuple[type[BaseException], ...]:
        import asyncio  # noqa: PLC0415 - slow to import

        return (asyncio.CancelledError,)

    async def end_of(self, job: Job[_T], show: Show = silent) -> None:
        import asyncio  # noqa: PLC0415 - slow to import

        finished = job.finished()
        try:
            if show is silent and not logs.are_wanted():
                await finished
            while not finished.done():
                await asyncio.wait({finished}, timeout=POLL_SECONDS)
                _show_progress(job, show)
        finally:
            finished.cancel()
            logs.forward()

    async def in_background(self, work: Callable[[], _T]) -> _T:
        import asyncio  # noqa: PLC0415 - slow to import

        with stopping.on(asyncio.CancelledError):
            return await asyncio.to_thread(work)

    async def feed(
        self, job: Job[_T], source: Frames, show: Show, *, all_or_none: bool
    ) -> Exception | None:
        import asyncio  # noqa: PLC0415 - slow to import

        work = partial(feed, job, source, lambda: None, POLL_SECONDS, all_or_none=all_or_none)
        feeding = asyncio.ensure_future(self.in_background(work))
        await self.end_of(job, show)
        return await feeding


_HERE = _Here()
_LOOP = _Loop()


def _show_progress(job: Job[_T], show: Show) -> None:
    """Show the progress of a job, and pass on its log records."""
    logs.forward()
    if show is silent:
        return
    with forks.moment:
        progress = job.progress()
    if progress is None:
        return
    try:
        show(progress)
    except Exception as error:
        raise ShowFailedError(error) from error
