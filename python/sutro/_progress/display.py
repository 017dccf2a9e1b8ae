"""Shows progress: with a bar, a callable, log lines, or not at all.

All of this runs in the calling thread, between two waits for the core.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sutro._progress.snapshot import Wait
from sutro._reports import text
from sutro._run import forks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sutro._progress.snapshot import Progress
    from sutro.options import ProgressOption, Show

LOG_INTERVAL_SECONDS = 30.0
"""Seconds between two log lines, without a terminal or notebook."""


def silent(_progress: Progress) -> None:
    """Show nothing."""


@contextmanager
def shown(option: ProgressOption) -> Iterator[Show]:
    """Yield a callable that shows the snapshots of an upload, and clean up at the end."""
    if callable(option):
        yield option
        return
    if option is None:
        option = _configured()
    if option is None and not (in_notebook() or text.is_terminal(sys.stderr)):
        yield _Log()
    elif option is False:
        yield silent
    else:
        with forks.moment:
            from sutro._progress.bar import ProgressBar  # noqa: PLC0415 - only where a bar is shown

        bar = ProgressBar()
        try:
            yield bar
        finally:
            bar.close()


def in_notebook() -> bool:
    """Return whether this is a Jupyter kernel, with or without ipywidgets."""
    ipython = sys.modules.get("IPython")
    if ipython is None:
        return False
    shell = type(ipython.get_ipython())
    return any(base.__name__ == "ZMQInteractiveShell" for base in shell.__mro__)


class _Log:
    """Logs a line every 30 seconds, for long batch jobs."""

    def __init__(self) -> None:
        self._wait = Wait()
        self._next = time.monotonic() + LOG_INTERVAL_SECONDS

    def __call__(self, progress: Progress) -> None:
        waited = self._wait.words(progress)
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + LOG_INTERVAL_SECONDS
        import logging  # noqa: PLC0415 - not needed by uploads of less than half a minute

        logger = logging.getLogger("sutro")
        if progress.phase == "check":
            logger.info("checking files")
        elif progress.phase == "compare":
            read, total = text.size(progress.bytes_compared), text.size(progress.bytes_to_compare)
            logger.info("%s of %s compared with what is there", read, total)
        else:
            sent, total = text.size(progress.bytes_sent), text.size(progress.bytes_total)
            logger.info("%s of %s sent, %s%s", sent, total, progress, waited)


def _configured() -> bool | None:
    """Read `SUTRO_PROGRESS` (`on`, `off`, `auto`), then tqdm's own `TQDM_DISABLE`."""
    setting = os.environ.get("SUTRO_PROGRESS", "").lower()
    if setting in ("on", "off"):
        return setting == "on"
    if setting in ("", "auto") and os.environ.get("TQDM_DISABLE", "0") not in ("", "0"):
        return False
    return None
