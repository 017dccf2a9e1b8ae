"""How far an upload is, and how that is shown: `tqdm`, a callable, a log line, or nothing.

Everything here runs in the calling thread, between two waits for the core.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

LOG_INTERVAL_SECONDS = 30.0
"""Between two log lines where there is neither a terminal nor a notebook."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of an upload.

    Bytes sent and files committed are two numbers: a file counts as committed when the
    service has confirmed it.
    """

    phase: str
    """`check`, `transfer`, or `verify` (the order in the dataset is compared)."""
    bytes_sent: int
    """Bytes sent by this run; never falls, even when a file is sent again."""
    bytes_total: int
    """Bytes that this run has to send: the files that were there already do not count."""
    files_committed: int
    """Files that the service has confirmed in this run."""
    files_in_transfer: int
    """Files that are being sent."""
    files_held: int
    """Files that are sent but for their tail, and wait for their turn."""
    files_total: int
    """All files of the upload, those that were there already included."""
    files_skipped: int
    """Files that were there already."""
    waiting_for: str | None
    """Name of the file whose confirmation everything waits for; None while bytes move."""

    def __str__(self) -> str:
        parts = [f"{self.files_committed + self.files_skipped}/{self.files_total} files"]
        if self.files_in_transfer:
            parts.append(f"{self.files_in_transfer} sending")
        if self.files_held:
            parts.append(f"{self.files_held} waiting")
        return ", ".join(parts)


Show: TypeAlias = "Callable[[Progress], None]"
"""Takes a snapshot about ten times a second."""

ProgressOption: TypeAlias = "bool | Show | None"
"""The argument `progress`: None (on a terminal and in a notebook), True, False, or one's own."""


@contextmanager
def shown(option: ProgressOption) -> Iterator[Show]:
    """Yield what takes the snapshots of one upload; clean the display up at the end.

    Raises:
        TypeError: `option` is none of the four kinds.
    """
    if callable(option):
        yield option
        return
    if option not in (None, True, False):
        message = f"progress takes None, True, False or a callable, not {option!r}"
        raise TypeError(message)
    if option is None:
        option = _configured()
    if option is None and not (in_notebook() or sys.stderr.isatty()):
        yield _Log()
    elif option is False:
        yield lambda _progress: None
    else:
        bar = _Bar()
        try:
            yield bar
        finally:
            bar.close()


def in_notebook() -> bool:
    """Whether this is a Jupyter kernel, with or without ipywidgets."""
    ipython = sys.modules.get("IPython")
    if ipython is None:
        return False
    shell = type(ipython.get_ipython())
    return any(base.__name__ == "ZMQInteractiveShell" for base in shell.__mro__)


def _configured() -> bool | None:
    """`SUTRO_PROGRESS` (`on`, `off`, `auto`), then tqdm's own `TQDM_DISABLE`."""
    setting = os.environ.get("SUTRO_PROGRESS", "").lower()
    if setting in ("on", "off"):
        return setting == "on"
    if setting in ("", "auto") and os.environ.get("TQDM_DISABLE", "0") not in ("", "0"):
        return False
    return None


class _Bar:
    """One tqdm bar in bytes; in its postfix the files, and what is waited for."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._wait = _Wait()

    def __call__(self, progress: Progress) -> None:
        # Nothing to send (all is there already): no bar.
        if not progress.bytes_total:
            return
        if self._bar is None:
            self._bar = _tqdm(progress.bytes_total)
        self._bar.total = progress.bytes_total
        self._bar.update(max(0, progress.bytes_sent - self._bar.n))
        postfix = str(progress) + self._wait.words(progress)
        if postfix != self._bar.postfix:
            self._bar.set_postfix_str(postfix)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class _Wait:
    """Tells for how long one file's confirmation is waited for."""

    def __init__(self) -> None:
        self._file: str | None = None
        self._since = 0.0

    def words(self, progress: Progress) -> str:
        if progress.waiting_for != self._file:
            self._file, self._since = progress.waiting_for, time.monotonic()
        seconds = int(time.monotonic() - self._since)
        if self._file is None or not seconds:
            return ""
        return f", waiting for {self._file} ({seconds} s)"


def _tqdm(total_bytes: int) -> Any:
    from tqdm import auto  # noqa: PLC0415 - only where a bar is shown

    class Bar(auto.tqdm):  # type: ignore[type-arg]
        """For a lock of its own: tqdm's spans processes and starts a resource tracker."""

    Bar.set_lock(threading.RLock())
    return Bar(
        total=total_bytes,
        unit="B",
        unit_scale=True,
        desc="sutro",
        dynamic_ncols=True,
        smoothing=0.1,
        mininterval=0.2,
        # Explicit: tqdm's own None shows nothing in a kernel without ipywidgets.
        disable=False,
    )


class _Log:
    """A line in the log now and then, for hours in a batch job."""

    def __init__(self) -> None:
        self._next = time.monotonic() + LOG_INTERVAL_SECONDS

    def __call__(self, progress: Progress) -> None:
        if time.monotonic() < self._next:
            return
        self._next += LOG_INTERVAL_SECONDS
        import logging  # noqa: PLC0415 - not needed by uploads of less than half a minute

        logging.getLogger("sutro").info(
            "%d of %d bytes sent, %s", progress.bytes_sent, progress.bytes_total, progress
        )
