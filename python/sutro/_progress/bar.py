"""The progress bar: `tqdm.auto`, a widget in a notebook and text in a terminal.

It has no label: 80 columns are just enough for the rest.
"""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any

from sutro._progress.snapshot import Wait, files_done, files_sending
from sutro._run import forks

if TYPE_CHECKING:
    from sutro._progress.snapshot import Progress

# After the last byte, there is no time left to estimate, and the status needs the space.
_WITHOUT_TIME_LEFT = "{l_bar}{bar}| {n_fmt}{unit} [{elapsed}{postfix}]"

_REDRAW_SECONDS = 1.0
"""Redraw at least this often, for the elapsed time."""


class ProgressBar:
    """Shows bytes sent, rate and time left; then files, and what the upload waits for."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._last: Progress | None = None
        self._wait = Wait()
        self._begin = time.time()
        self._drawn = 0.0

    def __call__(self, progress: Progress) -> None:
        """Draw if something changed or a second has passed."""
        self._last = progress
        if self._bar is None:
            # Until the first file is sent, the number of files already there is unknown.
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
        """Leave the bar on its own line; this line also replaces a widget.

        A widget disappears with its kernel, and an untrusted notebook does not show it.
        """
        if self._bar is None:
            return
        if self._last is not None and files_done(self._last) == self._last.files_total:
            # Show the totals, not what the upload last waited for.
            self._bar.bar_format, self._bar.postfix = None, str(self._last)
        self._bar.close()
        if self._bar.shown is not None:
            self._bar.shown.update({"text/plain": str(self._bar)}, raw=True)


def _is_sent(progress: Progress) -> bool:
    """Return whether all bytes are sent except for held tails."""
    files = progress.files_committed + progress.files_skipped + progress.files_held
    files += progress.files_in_transfer
    is_moving = files_sending(progress) or files < progress.files_total
    return not is_moving or progress.bytes_sent >= progress.bytes_total


def _set_total(bar: Any, total_bytes: int) -> None:
    """Files that are encoded during the upload add to the total."""
    if bar.total == total_bytes:
        return
    bar.total = total_bytes
    if hasattr(bar, "container"):
        # The widget has its own copy.
        _, gauge, _ = bar.container.children
        gauge.max = total_bytes


def _tqdm(total_bytes: int, begin: float) -> Any:
    with forks.drawing, warnings.catch_warnings():
        # Without ipywidgets the bar is text: do not ask users to install them.
        warnings.filterwarnings("ignore", "IProgress not found")
        from tqdm import auto  # noqa: PLC0415 - only where a bar is shown

    class Bar(auto.tqdm):  # type: ignore[type-arg]
        """Uses our own lock: that of tqdm spans processes and starts a resource tracker."""

        # Without: a thread of tqdm would redraw, but this class redraws often enough.
        monitor_interval = 0

        shown: Any = None
        """Handle of the display in a notebook."""

        def refresh(self, *_: object, **__: object) -> None:
            """Draw. The method of tqdm keeps its lock forever if Ctrl-C interrupts it."""
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
        # With its default, None, tqdm shows nothing in a kernel without ipywidgets.
        disable=False,
    )
    if is_widget:
        from IPython import display  # noqa: PLC0415 - installed wherever a widget is shown

        show: Any = display.display
        bar.shown = show(bar.container, display_id=True)
        bar.displayed = True
    # The first bytes were sent before the bar was created.
    bar.start_t = bar.last_print_t = begin
    return bar
