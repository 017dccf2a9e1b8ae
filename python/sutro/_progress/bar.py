"""The bar of an upload: `tqdm.auto`, a widget in a notebook and text in a terminal.

It has no name of its own in front: 80 columns are just enough for the rest.
"""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any

from sutro._progress.snapshot import Wait, files_sending
from sutro._run import forks

if TYPE_CHECKING:
    from sutro._progress.snapshot import Progress

# There are no bytes left whose time could be told, and room is needed for what is waited for.
_WITHOUT_TIME_LEFT = "{l_bar}{bar}| {n_fmt}{unit} [{elapsed}{postfix}]"

_REDRAW_SECONDS = 1.0
"""The clock goes on when nothing else does."""


class ProgressBar:
    """Bytes sent, rate and time left; then the files, and what is waited for."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._last: Progress | None = None
        self._wait = Wait()
        self._begin = time.time()
        self._drawn = 0.0

    def __call__(self, progress: Progress) -> None:
        """Draw, where there is something new or a second has passed."""
        self._last = progress
        if self._bar is None:
            # Until the first file is sent it is not known how many are there already.
            if not (progress.bytes_sent or progress.files_in_transfer):
                self._begin = time.time()
                return
            self._bar = _tqdm(progress.bytes_total, self._begin)
        bar, waited, now = self._bar, self._wait.words(progress), time.monotonic()
        postfix = f"{progress}{waited}"
        is_due = postfix != bar.postfix or now - self._drawn >= _REDRAW_SECONDS
        bar.postfix = postfix
        bar.bar_format = _WITHOUT_TIME_LEFT if waited and _is_sent(progress) else None
        _set_total(bar, progress.bytes_total)
        is_drawn = bar.update(max(0, progress.bytes_sent - bar.n))
        if is_due:
            self._drawn = now
            if not is_drawn:
                bar.refresh()

    def close(self) -> None:
        """Leave the bar on a line of its own; a widget is replaced by that line.

        A widget is gone with its kernel, and a notebook that is not trusted shows none.
        """
        if self._bar is None:
            return
        if self._last is not None and _files_done(self._last) == self._last.files_total:
            # The whole is what counts now, not what was waited for last.
            self._bar.bar_format, self._bar.postfix = None, str(self._last)
        self._bar.close()
        if self._bar.shown is not None:
            self._bar.shown.update({"text/plain": str(self._bar)}, raw=True)


def _files_done(progress: Progress) -> int:
    return progress.files_committed + progress.files_skipped


def _is_sent(progress: Progress) -> bool:
    """Whether all bytes are sent but tails that are held."""
    files = _files_done(progress) + progress.files_in_transfer + progress.files_held
    is_moving = files_sending(progress) or files < progress.files_total
    return not is_moving or progress.bytes_sent >= progress.bytes_total


def _set_total(bar: Any, total_bytes: int) -> None:
    """Files that are made during the upload add to it."""
    if bar.total == total_bytes:
        return
    bar.total = total_bytes
    if hasattr(bar, "container"):
        # The widget has a copy of its own.
        _, gauge, _ = bar.container.children
        gauge.max = total_bytes


def _tqdm(total_bytes: int, begin: float) -> Any:
    with forks.drawing, warnings.catch_warnings():
        # Without ipywidgets the bar is text, which is no reason to tell anyone to install them.
        warnings.filterwarnings("ignore", "IProgress not found")
        from tqdm import auto  # noqa: PLC0415 - only where a bar is shown

    class Bar(auto.tqdm):  # type: ignore[type-arg]
        """With a lock of our own: tqdm's spans processes and starts a resource tracker."""

        # It would be a thread that redraws what is drawn here often enough.
        monitor_interval = 0

        shown: Any = None
        """The handle of what a notebook displays."""

        def refresh(self, *_: object, **__: object) -> None:
            """Draw. tqdm's own keeps the lock for ever when Ctrl-C comes in between."""
            with forks.drawing:
                self.display()

    Bar.set_lock(forks.drawing)
    is_widget = any(base.__module__ == "tqdm.notebook" for base in Bar.__mro__)
    options: dict[str, Any] = {"display": False} if is_widget else {}
    bar: Any = Bar(
        **options,
        total=total_bytes,
        unit="B",
        unit_scale=True,
        dynamic_ncols=True,
        smoothing=0.1,
        mininterval=0.2,
        miniters=1,
        # Explicit: tqdm's own None shows nothing in a kernel without ipywidgets.
        disable=False,
    )
    if is_widget:
        from IPython import display  # noqa: PLC0415 - it is there where a widget is

        show: Any = display.display
        bar.shown = show(bar.container, display_id=True)
        bar.displayed = True
    # The first bytes were sent before there was a bar.
    bar.start_t = bar.last_print_t = begin
    return bar
