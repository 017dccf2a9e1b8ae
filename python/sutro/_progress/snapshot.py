"""Snapshots of a running upload."""

import time
from dataclasses import dataclass
from typing import Literal

from sutro._public import public


@public
@dataclass(frozen=True, slots=True)
class Progress:
    """A snapshot of a running upload, which a callable passed as `progress` receives.

    Bytes sent and files committed differ: a file counts as committed once the server has
    acknowledged it.

    Examples:
        >>> moments = []
        >>> report = sutro.upload("data/*.parquet", progress=moments.append)
        >>> print(moments[-1].bytes_sent, "bytes,", moments[-1])
        67604 bytes, 12/12 files
    """

    phase: Literal["check", "compare", "transfer", "stage", "commit", "verify"]
    """`check`, `compare` (reads files whose names are already there, to compare contents),
    `transfer`, or `verify` (compares the order in the dataset). `stage` and `commit` take the place
    of `transfer` if all files are committed together."""
    bytes_sent: int
    """Bytes sent by this run. Never decreases, even if a file is sent again."""
    bytes_total: int
    """Bytes that this run has to send, without files that were already there."""
    files_committed: int
    """Files that the server has acknowledged in this run."""
    files_in_transfer: int
    """Files that are being sent or wait for acknowledgement."""
    files_held: int
    """Files that wait for their turn to be committed: the server has all of them, or all but
    their tail."""
    files_total: int
    """All files of the upload, including those that were already there."""
    files_skipped: int
    """Files that were already there."""
    waiting_for: str | None
    """Name of the file whose acknowledgement the upload waits for; `None` while bytes move."""
    bytes_compared: int = 0
    """Bytes read to compare files with those in the dataset."""
    bytes_to_compare: int = 0
    """Bytes to read for this comparison."""

    def __str__(self) -> str:
        staged = " staged" if _are_staged(self) else ""
        parts = [f"{files_done(self)}/{self.files_total} files{staged}"]
        if sending := files_sending(self):
            parts.append(f"{sending} sending")
        if self.files_held and not staged:
            parts.append(f"{self.files_held} waiting")
        return ", ".join(parts)


def check_option(option: object) -> None:
    """Reject a wrong `progress` before the upload starts.

    Raises:
        TypeError: It is not a `ProgressOption`.
    """
    if not callable(option) and not isinstance(option, bool | None):
        message = f"progress must be None, True, False or a callable, not {type(option).__name__}"
        raise TypeError(message)


def files_done(progress: Progress) -> int:
    """Count the files for which nothing is left to do in this phase."""
    staged = progress.files_held if _are_staged(progress) else 0
    return progress.files_committed + progress.files_skipped + staged


def _are_staged(progress: Progress) -> bool:
    return progress.phase in ("stage", "commit")


def files_sending(progress: Progress) -> int:
    """Count the files whose bytes are being sent."""
    return progress.files_in_transfer - (progress.waiting_for is not None)


_AWAITED = {"commit": "the commit", "verify": "the list of files"}
"""What an upload waits for in phases in which it sends no files."""


class Wait:
    """Describes what an upload waits for, once it has waited for a second."""

    def __init__(self) -> None:
        self._awaited: str | None = None
        self._since = 0.0

    def words(self, progress: Progress) -> str:
        """Continue the line `str(progress)`; empty while the upload waits for nothing."""
        awaited = _AWAITED.get(progress.phase, progress.waiting_for)
        if awaited != self._awaited:
            self._awaited, self._since = awaited, time.monotonic()
        seconds = int(time.monotonic() - self._since)
        if awaited is None or not seconds:
            return ""
        is_said = progress.files_held and not _are_staged(progress)
        begin = "" if is_said else ", waiting"
        return f"{begin} for {awaited} ({seconds} s)"
