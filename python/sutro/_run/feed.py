"""Passes frames to the core, encoded as files."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from sutro._run import stopping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sutro._core import FrameChecker, Job
    from sutro._sources.frames import Frames
    from sutro._sources.items import MadeFile


class ShowFailedError(Exception):
    """The progress display has failed, not the job."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def feed(
    job: Job[Any],
    source: Frames,
    step: Callable[[], None],
    seconds: float,
    *,
    all_or_none: bool,
) -> Exception | None:
    """Pass files to an upload until it has finished.

    `step` is called about every `seconds`. If the source fails, the upload ends after the files
    that it has. With `all_or_none`, it is cancelled, because the end of the feed would commit them.

    Returns:
        The error of the source, if any.
    """
    try:
        with closing(source.files()) as files:
            for file in _while_running(job, files):
                step()
                while file is not None and not job.feed(*file, seconds):
                    step()
    except BaseException as error:
        if all_or_none:
            job.cancel()
        job.end_feed()
        if isinstance(error, ShowFailedError) or not isinstance(error, Exception):
            raise
        return error
    job.end_feed()
    return None


def _while_running(job: Job[Any], files: Iterator[MadeFile | None]) -> Iterator[MadeFile | None]:
    """Request no file after the job has finished: its result says why."""
    while not job.wait(0):
        try:
            yield next(files)
        except StopIteration:
            return


def add_all(source: Frames, checker: FrameChecker) -> None:
    """Encode all frames of a source, and pass them to a check."""
    with closing(source.files()) as files:
        for file in files:
            stopping.check()
            if file is not None:
                checker.add(*file)
