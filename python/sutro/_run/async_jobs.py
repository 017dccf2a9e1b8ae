"""Waits for jobs of the core in a running event loop.

The core wakes the loop when a job has ended. The loop wakes by itself only to show progress, or
to pass log records on.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from sutro._progress.display import shown, silent
from sutro._run import jobs, logs
from sutro._run.jobs import ShowFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sutro._core import FileCursor, Job
    from sutro._reports.upload import UploadReport
    from sutro._run.jobs import Upload
    from sutro.options import ProgressOption, Show

_T = TypeVar("_T")


async def result_of(job: Job[_T]) -> _T:
    """Wait for a job; cancelling the task cancels the job."""
    try:
        await _end_of(job, silent)
    except BaseException:
        job.cancel()
        raise
    return jobs.take_result(job)


async def result_of_pages(
    ask: Callable[[FileCursor | None], Job[tuple[list[_T], FileCursor | None]]],
) -> list[_T]:
    """Ask for page after page of a list: only one of them is in the core's memory at a time."""
    items, after = await result_of(ask(None))
    while after is not None:
        page, after = await result_of(ask(after))
        items += page
    return items


async def result_of_upload(upload: Upload, progress: ProgressOption) -> UploadReport:
    """Like `jobs.result_of_upload`; cancelling the task cancels the job.

    Raises:
        CancelledError: The task was cancelled; its `report` says what was done.
        UploadIncompleteError: The source failed after some files were committed.
    """
    import asyncio  # noqa: PLC0415 - keeps `import sutro` light

    job, source = upload.job, upload.source
    error: Exception
    try:
        with shown(progress) as show:
            # Making a file takes time that the loop does not have.
            feeding = in_thread(partial(jobs.feed, job, source, lambda: None))
            feed = asyncio.ensure_future(feeding)
            await _end_of(job, show)
            failure = await feed
        if failure is None:
            report = jobs.with_warnings(jobs.take_result(job), source)
            return jobs.with_notes(report, source)
        error = jobs.failure_of_source(failure, upload)
    except asyncio.CancelledError as cancelled:
        job.cancel()
        jobs.with_report(cancelled, upload)
        raise
    except ShowFailedError as failed:
        job.cancel()
        error = jobs.with_report(failed.error, upload)
    except BaseException:
        job.cancel()
        raise
    raise error


async def in_thread(work: Callable[[], _T]) -> _T:
    """Do what takes long beside the event loop."""
    import asyncio  # noqa: PLC0415 - keeps `import sutro` light

    return await asyncio.to_thread(work)


async def _end_of(job: Job[_T], show: Show) -> None:
    import asyncio  # noqa: PLC0415 - keeps `import sutro` light

    finished = job.finished()
    try:
        if show is silent and not logs.are_wanted():
            await finished
        while not finished.done():
            await asyncio.wait({finished}, timeout=jobs.POLL_SECONDS)
            jobs.show_progress(job, show)
    finally:
        finished.cancel()
        logs.forward()
