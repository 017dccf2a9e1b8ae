"""Short tracebacks for notebooks: the line of the user's code, and the message.

A full traceback has 60 lines or more, eight of which are the message.
`traceback.print_exception(sys.last_value)` still shows it.
"""

from __future__ import annotations

import traceback
from pathlib import Path

_MOST_LINES = 20

_OURS = str(Path(__file__).parents[1])

_HOW_TO_SEE_ALL = "(in full: import sys, traceback; traceback.print_exception(sys.last_value))"


def short(error: BaseException) -> list[str]:
    """Format at most 20 lines: frames of the user's code, the message, its cause, and notes."""
    message = _lines(error)
    cause = error.__cause__
    rest = [line for note in getattr(error, "__notes__", ()) for line in note.splitlines()]
    if cause is not None and str(cause).splitlines()[:1] != [] and str(cause) not in str(error):
        rest.insert(0, f"caused by {_lines(cause)[0]}")
    rest = [*rest[:3], _HOW_TO_SEE_ALL]
    room = _MOST_LINES - len(rest)
    if len(message) > room - 2:
        # The end of a message says what to do.
        hidden = len(message) - (room - 3)
        start = room - 5
        message = [*message[:start], f"... {hidden} more lines ...", *message[start + hidden :]]
    frames = _frames_of_the_user(error)[-(room - len(message)) :]
    return [*frames, *message, *rest]


def _lines(error: BaseException) -> list[str]:
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ != "builtins":
        name = f"{kind.__module__}.{name}"
    return f"{name}: {error}".splitlines() or [name]


def _frames_of_the_user(error: BaseException) -> list[str]:
    """Format the newest frames outside of this package, each on one line."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_OURS) and "/IPython/" not in frame.filename
    ]
    return [f"{_place(frame)}: {frame.line}" for frame in frames]


def _place(frame: traceback.FrameSummary) -> str:
    is_cell = "ipykernel_" in frame.filename or frame.filename.startswith("<ipython-input")
    where = "this cell" if is_cell else frame.filename
    return f"{where}, line {frame.lineno}"
