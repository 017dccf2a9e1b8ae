"""Waits for jobs of the core.

The calling thread polls, so that Ctrl-C works at once and nobody else shows progress.
"""

from __future__ import annotations

import warnings
from contextlib import closing
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, TypeVar

from sutro._progress.display import shown
from sutro._reports import text
from sutro._run import forks, logs
from sutro._sources.frames import Frames
from sutro.errors import SutroError, SutroWarning, UploadIncompleteError, UploadInterrupted

if TYPE_CHECKING:
    from collections.abc import Callable

    from sutro._core import FileCursor, FrameChecker, Job
    from sutro._reports.upload import UploadReport
    from sutro._sources.files import Files
    from sutro.options import ProgressOption, Show

_T = TypeVar("_T")

POLL_SECONDS = 0.1
"""Between two looks at a running job: how long Ctrl-C can take."""

_CANCEL_SECONDS = 0.5
"""How long a cancelled job may take to end."""


def result_of(job: Job[_T], show: Show | None = None) -> _T:
    """Wait for a job in this thread; it is cancelled when the wait ends early."""
    try:
        while not job.wait(POLL_SECONDS):
            show_progress(job, show)
        show_progress(job, show)
    except BaseException:
        job.cancel()
        raise
    return take_result(job)


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
            failure = feed(job, source, lambda: show_progress(job, show))
            if failure is None:
                return with_notes(with_warnings(result_of(job, show), source), source)
            while not job.wait(POLL_SECONDS):
                show_progress(job, show)
        error = failure_of_source(failure, upload)
    except KeyboardInterrupt as interrupt:
        job.cancel()
        job.wait(_CANCEL_SECONDS)
        raise _interrupted(job.partial_report(), ordered=upload.ordered) from interrupt
    except ShowFailedError as failed:
        job.cancel()
        job.wait(_CANCEL_SECONDS)
        error = with_report(failed.error, upload)
    # Not in the blocks above, which would add their own errors to the caller's.
    raise error


def add_all(source: Frames, checker: FrameChecker) -> None:
    """Make all files of a source, and keep of each what its footer says."""
    with closing(source.files()) as files:
        for file in files:
            if file is not None:
                checker.add(*file)


def with_notes(report: _T, source: Files | Frames) -> _T:
    """A report with what there is to tell of its source."""
    notes = source.notes() if isinstance(source, Frames) else ()
    if not notes:
        return report
    of_any_kind: Any = report
    noted: _T = replace(of_any_kind, notes=(*of_any_kind.notes, *notes))
    return noted


def feed(
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
    except ShowFailedError:
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


class ShowFailedError(Exception):
    """What shows the progress has failed, not the job."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


_E = TypeVar("_E", bound=BaseException)


def with_report(error: _E, upload: Upload) -> _E:
    """Tell with an error that is not ours what was done, and how to go on."""
    report = upload.job.partial_report()
    error.add_note(str(_interrupted(report, ordered=upload.ordered)))
    error.report = report  # type: ignore[attr-defined]
    return error


def failure_of_source(failure: Exception, upload: Upload) -> Exception:
    """Return what to raise where a source has failed."""
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


def with_warnings(report: UploadReport, source: Files | Frames) -> UploadReport:
    """Warn of what the upload has noted. What was noted of its files was said at its start."""
    said = () if isinstance(source, Frames) else source.found.notes
    for note in report.notes:
        if note not in said:
            warnings.warn(note, SutroWarning, stacklevel=2)
    return report


def show_progress(job: Job[_T], show: Show | None) -> None:
    """Show how far a job is, and pass its log records on."""
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
        raise ShowFailedError(error) from error


def take_result(job: Job[_T]) -> _T:
    """Return what a job that is over gave, or raise what it failed with."""
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
