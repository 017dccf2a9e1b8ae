"""How far an upload is."""

import time
from dataclasses import dataclass
from typing import Literal

from sutro._public import public


@public
@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of an upload, as a callable given as `progress` takes it.

    Bytes sent and files committed are two numbers: a file counts as committed when the
    service has confirmed it.

    Examples:
        >>> moments = []
        >>> report = sutro.upload("data/*.parquet", progress=moments.append)
        >>> print(moments[-1].bytes_sent, "bytes,", moments[-1])
        67604 bytes, 12/12 files
    """

    phase: Literal["check", "compare", "transfer", "verify"]
    """`check`, `compare` (files with names that are there already are read, to compare their
    contents), `transfer`, or `verify` (the order in the dataset is compared)."""
    bytes_sent: int
    """Bytes sent by this run; never falls, even when a file is sent again."""
    bytes_total: int
    """Bytes that this run has to send: the files that were there already do not count."""
    files_committed: int
    """Files that the service has confirmed in this run."""
    files_in_transfer: int
    """Files that are being sent, or whose confirmation is due."""
    files_held: int
    """Files that are sent but for their tail, and wait for their turn."""
    files_total: int
    """All files of the upload, those that were there already included."""
    files_skipped: int
    """Files that were there already."""
    waiting_for: str | None
    """Name of the file whose confirmation everything waits for; None while bytes move."""
    bytes_compared: int = 0
    """Bytes read to compare files with those that are there."""
    bytes_to_compare: int = 0
    """Bytes to be read for that."""

    def __str__(self) -> str:
        parts = [f"{self.files_committed + self.files_skipped}/{self.files_total} files"]
        if sending := files_sending(self):
            parts.append(f"{sending} sending")
        if self.files_held:
            parts.append(f"{self.files_held} waiting")
        return ", ".join(parts)


def check_option(option: object) -> None:
    """Refuse what is no `ProgressOption`, before an upload starts that it could not follow.

    Raises:
        TypeError: It is none of the four kinds.
    """
    if not callable(option) and not isinstance(option, bool | None):
        message = f"progress takes None, True, False or a callable, not {type(option).__name__}"
        raise TypeError(message)


def files_sending(progress: Progress) -> int:
    """Files whose bytes are on their way."""
    return progress.files_in_transfer - (progress.waiting_for is not None)


class Wait:
    """Tells what has been waited for, and for how long, once it is more than a second."""

    def __init__(self) -> None:
        self._awaited: str | None = None
        self._since = 0.0

    def words(self, progress: Progress) -> str:
        """The end of a line that `str(progress)` begins; empty while nothing is waited for."""
        awaited = "the list of files" if progress.phase == "verify" else progress.waiting_for
        if awaited != self._awaited:
            self._awaited, self._since = awaited, time.monotonic()
        seconds = int(time.monotonic() - self._since)
        if awaited is None or not seconds:
            return ""
        begin = "" if progress.files_held else ", waiting"
        return f"{begin} for {awaited} ({seconds} s)"
