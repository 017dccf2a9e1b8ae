"""Runs uploads and checks: from their arguments to a report or an error.

The first argument of each call is the driver that waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sutro import _core
from sutro._progress.display import shown
from sutro._progress.snapshot import check_option

# Not for type checkers only: the core makes reports, perhaps when no file can be opened.
from sutro._reports.check import CheckReport
from sutro._reports.upload import UploadReport  # noqa: TC001
from sutro._run import outcome, values
from sutro._run.driver import start, take_result
from sutro._run.feed import ShowFailedError, add_all
from sutro._sources.frames import Frames
from sutro._sources.items import count_of_frames, may_be_once, reads_once
from sutro.errors import CheckError, FileExistsInDatasetError, NotTheApiError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sutro._run.arguments import Upload
    from sutro._run.driver import Driver
    from sutro._sources.files import Files
    from sutro.datasets import StagedFile
    from sutro.options import ProgressOption, UploadOptions

_T = TypeVar("_T")

_CANCEL_SECONDS = 0.5
"""Maximum time for a cancelled job to end, in seconds."""


async def upload(
    driver: Driver, client: _core.Client, given: Upload, progress: ProgressOption
) -> UploadReport:
    """Upload, and return the report.

    Raises:
        UploadInterrupted: Ctrl-C; its `report` says what was done.
        CancelledError: The task was cancelled; its `report` says what was done.
        UploadIncompleteError: The source failed after some files were committed.
        SutroError: Anything else.
    """
    check_option(progress)
    try:
        preflight = await _ask_first(driver, client, given)
        options, source = await driver.in_background(partial(given.resolved, preflight))
    except driver.cancelled as cancelled:
        outcome.Uploading(ordered=True).with_report(cancelled, None)
        raise
    job = start(partial(_begin, client.upload, client.upload_made_files, source, options))
    is_atomic, ordered = options["atomic"], options["ordered"]
    ending = outcome.AtomicUploading() if is_atomic else outcome.Uploading(ordered)
    report = await _result_of(driver, job, source, ending, progress)
    return outcome.noted(report, source)


async def stage(
    driver: Driver, client: _core.Client, given: Upload, progress: ProgressOption
) -> list[StagedFile]:
    """Stage, and return the staged files.

    Raises:
        UploadInterrupted: Ctrl-C.
        CancelledError: The task was cancelled.
        SutroError: Anything else.
    """
    values.dataset_id(given.dataset_id)
    check_option(progress)
    preflight = await _ask_first(driver, client, given, is_staged=True)
    options, source = await driver.in_background(partial(given.resolved, preflight))
    of_frames = partial(client.stage_made_files, known=preflight)
    job = start(partial(_begin, client.stage, of_frames, source, options))
    return await _result_of(driver, job, source, outcome.Staging(), progress)


async def stages(driver: Driver, client: _core.Client, dataset_id: str) -> bool:
    """Return whether the server stages files for a dataset.

    Raises:
        DatasetNotFoundError: There is no such dataset.
        SutroError: The server cannot be reached, or fails.
    """
    return await driver.result_of(lambda: client.stages(dataset_id))


async def commit(
    driver: Driver,
    client: _core.Client,
    staged: Iterable[StagedFile],
    dataset_id: str,
    expected_file_count: int | None,
) -> UploadReport:
    """Commit staged files, and return the report.

    Raises:
        UploadInterrupted: Ctrl-C.
        CancelledError: The task was cancelled.
        SutroError: Anything else.
    """
    files = values.staged_files(staged)
    dataset_id = values.dataset_id(dataset_id)
    count = expected_file_count
    if count is not None:
        count = values.count("expected_file_count", count, least=0)
    job = start(partial(client.commit, files, dataset_id, count))
    return await _result_of(driver, job, None, outcome.Committing(), progress=False)


async def check(driver: Driver, client: _core.Client | None, given: Upload) -> CheckReport:
    """Check, and return the report; `client` is only needed with a dataset."""
    is_once = reads_once(given.source, may_be_once)
    preflight = None if client is None else await _ask_first(driver, client, given, is_check=True)
    resolve = partial(given.resolved, preflight, check=is_once)
    try:
        options, source = await driver.in_background(resolve)
    except (CheckError, FileExistsInDatasetError) as error:
        if not is_once:
            raise
        return _refused_unread(given, error)
    if not isinstance(source, Frames):
        return await driver.result_of(lambda: _core.check_files(client, source.found, options))
    checker = _core.FrameChecker(options, source.outlines, preflight)
    await driver.in_background(lambda: add_all(source, checker))
    report = await driver.result_of(lambda: checker.finish(client, given.dataset_id))
    return outcome.with_notes(report, source)


def _refused_unread(given: Upload, error: CheckError | FileExistsInDatasetError) -> CheckReport:
    return CheckReport(
        dataset_id=given.dataset_id,
        files=(),
        schemas=(),
        problems=error.problems if isinstance(error, CheckError) else (),
        error=error,
        notes=("only names and types were checked: the source can still be uploaded",),
    )


async def _ask_first(
    driver: Driver,
    client: _core.Client,
    given: Upload,
    *,
    is_check: bool = False,
    is_staged: bool = False,
) -> _core.Preflight | None:
    """Request what must be known about the dataset before the source is read.

    Several frames, and the frames of a check, are compared with the dataset's schema. A source that
    can be read only once must not be read for nothing. For files that are staged, the server
    checks the names, so that workers need not list the dataset.

    Raises:
        AuthenticationError: The key is not accepted.
        DatasetNotFoundError: There is no such dataset.
        SutroError: The server cannot be reached, or fails.
    """
    is_once, frames = reads_once(given.source, may_be_once), count_of_frames(given.source)
    is_compared = frames != 0 if is_check else (frames or 0) > 1
    if given.dataset_id is not None and (is_once or is_compared):
        dataset_id = values.dataset_id(given.dataset_id)
        if is_staged:
            return await driver.result_of(lambda: client.preflight_of_schema(dataset_id))
        has_names = given.names is not None or isinstance(given.source, Mapping)
        return await driver.result_of(lambda: client.preflight(dataset_id, is_once and has_names))
    if is_once and given.dataset_id is None and not given.dry_run:
        # A server without this call says so in the calls of the upload.
        with suppress(RefusedError, NotTheApiError):
            await driver.result_of(client.try_authentication)
    return None


def _begin(
    of_files: Callable[[_core.FoundFiles, UploadOptions], _core.Job[_T]],
    of_frames: Callable[[int | None, _core.FrameSchema | None, UploadOptions], _core.Job[_T]],
    source: Files | Frames,
    options: UploadOptions,
) -> _core.Job[_T]:
    if isinstance(source, Frames):
        return of_frames(source.file_count, source.schema, options)
    return of_files(source.found, options)


async def _result_of(
    driver: Driver,
    job: _core.Job[_T],
    source: Files | Frames | None,
    ending: outcome.Ending,
    progress: ProgressOption,
) -> _T:
    """Wait for an upload. Meanwhile, encode frames and pass their files to the job."""
    error: Exception
    try:
        with shown(progress) as show:
            failure = None
            if isinstance(source, Frames):
                failure = await driver.feed(job, source, show, all_or_none=ending.all_or_none)
            else:
                await driver.end_of(job, show)
        if failure is None:
            return take_result(job)
        error = ending.failure_of_source(failure, job.partial_report())
    except KeyboardInterrupt as interrupt:
        _stop(job)
        raise ending.interrupted(job.partial_report()) from interrupt
    except ShowFailedError as failed:
        _stop(job)
        error = ending.with_report(failed.error, job.partial_report())
    except driver.cancelled as cancelled:
        job.cancel()
        ending.with_report(cancelled, job.partial_report())
        raise
    except BaseException:
        job.cancel()
        raise
    # After the blocks above, which would chain their own errors to the caller's.
    raise error


def _stop(job: _core.Job[Any]) -> None:
    job.cancel()
    job.wait(_CANCEL_SECONDS)
