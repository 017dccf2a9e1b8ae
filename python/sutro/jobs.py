"""Waits for jobs of the core.

The calling thread polls, so that Ctrl-C works at once and nobody else shows progress.
"""

from __future__ import annotations

import warnings
from contextlib import closing
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, TypeVar

from sutro import forks, logs, text
from sutro._sources.frames import Frames
from sutro.errors import SutroError, SutroWarning, UploadIncompleteError, UploadInterrupted
from sutro.progress import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from sutro._core import Client, FileCursor, FrameChecker, Job
    from sutro._sources.found import Files
    from sutro.checks import CheckReport
    from sutro.progress import ProgressOption, Show
    from sutro.report import UploadReport

_T = TypeVar("_T")

POLL_SECONDS = 0.1
"""Between two looks at a running job: how long Ctrl-C can take."""

# Short uploads are not kept waiting, long ones cost nothing.
_FIRST_PAUSE_SECONDS = 0.001
_PAUSE_GROWTH = 1.2

_CANCEL_SECONDS = 0.5
"""How long a cancelled job may take to end."""


def result_of(job: Job[_T], show: Show | None = None) -> _T:
    """Wait for a job in this thread; it is cancelled when the wait ends early."""
    try:
        while not job.wait(POLL_SECONDS):
            _show(job, show)
        _show(job, show)
    except BaseException:
        job.cancel()
        raise
    return _result(job)


def result_of_pages(
    ask: Callable[[FileCursor | None], Job[tuple[list[_T], FileCursor | None]]],
) -> list[_T]:
    """Ask for page after page of a list: only one of them is in the core's memory at a time."""
    items, after = result_of(ask(None))
    while after is not None:
        page, after = result_of(ask(after))
        items += page
    return items


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that was started."""

    job: Job[UploadReport]
    source: Files | Frames
    """Frames become files, and are fed to the job, while its result is waited for."""
    ordered: bool


def result_of_upload(upload: Upload, progress: ProgressOption) -> UploadReport:
    """Like `result_of`, with progress. Frames become files here, as the job takes them.

    Raises:
        UploadInterrupted: Ctrl-C; it says what was done.
        UploadIncompleteError: The source failed after some files were committed.
    """
    error: Exception
    job, source = upload.job, upload.source
    try:
        with shown(progress) as show:
            failure = _feed(job, source, lambda: _show(job, show))
            if failure is None:
                return _with_notes(_with_warnings(result_of(job, show), source), source)
            while not job.wait(POLL_SECONDS):
                _show(job, show)
        error = _failure_of_source(failure, upload)
    except KeyboardInterrupt as interrupt:
        job.cancel()
        job.wait(_CANCEL_SECONDS)
        raise _interrupted(job.partial_report(), ordered=upload.ordered) from interrupt
    except _ShowFailedError as failed:
        job.cancel()
        job.wait(_CANCEL_SECONDS)
        error = _with_report(failed.error, upload)
    # Not in the blocks above, which would add their own errors to the caller's.
    raise error


def result_of_check(
    source: Frames, checker: FrameChecker, client: Client | None, dataset_id: str | None
) -> CheckReport:
    """Make all files of a source, and keep of each what its footer says."""
    with closing(source.files()) as files:
        for file in files:
            if file is not None:
                checker.add(*file)
    return _with_notes(result_of(checker.finish(client, dataset_id)), source)


def _with_notes(report: _T, source: Files | Frames) -> _T:
    """A report with what there is to tell of its source."""
    notes = source.notes() if isinstance(source, Frames) else ()
    if not notes:
        return report
    of_any_kind: Any = report
    noted: _T = replace(of_any_kind, notes=(*of_any_kind.notes, *notes))
    return noted


async def in_thread(work: Callable[[], _T]) -> _T:
    """Do what waits for the service beside a running event loop."""
    import asyncio  # noqa: PLC0415 - keeps `import sutro` light

    return await asyncio.to_thread(work)


async def result_of_upload_async(upload: Upload, progress: ProgressOption) -> UploadReport:
    """Like `result_of_upload`, in a running event loop; cancelling it cancels the job.

    It polls, too: a thread of the core that wakes the loop can meet an interpreter that is
    about to exit, and Python before 3.14 ends the process then.
    """
    import asyncio  # noqa: PLC0415 - keeps `import sutro` light

    pause = _FIRST_PAUSE_SECONDS
    job, source = upload.job, upload.source
    error: Exception
    try:
        with shown(progress) as show:
            # Making a file takes time that the loop has not.
            feed = asyncio.ensure_future(asyncio.to_thread(_feed, job, source, lambda: None))
            while not job.wait(0):
                _show(job, show)
                await asyncio.sleep(pause)
                pause = min(pause * _PAUSE_GROWTH, POLL_SECONDS)
            _show(job, show)
            failure = await feed
        if failure is None:
            return _with_notes(_with_warnings(_result(job), source), source)
        error = _failure_of_source(failure, upload)
    except asyncio.CancelledError as cancelled:
        job.cancel()
        _with_report(cancelled, upload)
        raise
    except _ShowFailedError as failed:
        job.cancel()
        error = _with_report(failed.error, upload)
    except BaseException:
        job.cancel()
        raise
    raise error


def _feed(
    job: Job[UploadReport], source: Files | Frames, step: Callable[[], None]
) -> Exception | None:
    """Give the job the files that frames become. Returns what the source failed with."""
    if not isinstance(source, Frames):
        return None
    files = source.files()
    try:
        # A job that is over takes no more: its result says why.
        while not job.wait(0):
            file = next(files, _NO_MORE)
            if isinstance(file, _NoMore):
                break
            step()
            while file is not None and not job.feed(*file, POLL_SECONDS):
                step()
    except _ShowFailedError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the caller's generator raises
        return error
    finally:
        job.end_feed()
        files.close()
    return None


class _NoMore(Enum):
    NO_MORE = auto()


_NO_MORE = _NoMore.NO_MORE


class _ShowFailedError(Exception):
    """What shows the progress has failed, not the job."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


_E = TypeVar("_E", bound=BaseException)


def _with_report(error: _E, upload: Upload) -> _E:
    """Tell with an error that is not ours what was done, and how to go on."""
    report = upload.job.partial_report()
    error.add_note(str(_interrupted(report, ordered=upload.ordered)))
    error.report = report  # type: ignore[attr-defined]
    return error


def _failure_of_source(failure: Exception, upload: Upload) -> Exception:
    report = upload.job.partial_report()
    if report is None or not any(file.status == "uploaded" for file in report):
        return failure
    there = sum(file.status != "pending" for file in report)
    with_these = "this dataset id" if upload.ordered else "this dataset id and ordered=False"
    advice = (
        f"Mend that, and run the upload again with {with_these}: what is there is skipped"
        if isinstance(failure, SutroError | TypeError)
        else f"Run the same upload again with {with_these} to go on"
    )
    in_order = " in order" if upload.ordered else ""
    incomplete = UploadIncompleteError(
        f"the source failed after {text.counted(there, 'file')}, which {report.dataset_id} "
        f"holds{in_order}: {str(failure).rstrip('.')}. {advice}",
        report=report,
    )
    incomplete.__cause__ = failure
    return incomplete


def _with_warnings(report: UploadReport, source: Files | Frames) -> UploadReport:
    """Warn of what the upload has noted. What was noted of its files was said at its start."""
    said = () if isinstance(source, Frames) else source.found.notes
    for note in report.notes:
        if note not in said:
            warnings.warn(note, SutroWarning, stacklevel=2)
    return report


def _show(job: Job[_T], show: Show | None) -> None:
    logs.forward()
    if show is None:
        return
    with forks.moment:
        progress = job.progress()
    if progress is None:
        return
    try:
        show(progress)
    except Exception as error:
        raise _ShowFailedError(error) from error


def _result(job: Job[_T]) -> _T:
    with forks.moment:
        return job.result()


def _interrupted(report: UploadReport | None, *, ordered: bool) -> UploadInterrupted:
    if report is None or not report.dataset_id:
        return UploadInterrupted("interrupted: nothing was sent")
    there = sum(file.status != "pending" for file in report)
    in_order, also = (", in order", "") if ordered else ("", " and ordered=False")
    return UploadInterrupted(
        f"interrupted: {there} of {len(report)} files are in {report.dataset_id}{in_order}. "
        f"The same upload with this dataset_id{also} sends the rest",
        report=report,
    )
