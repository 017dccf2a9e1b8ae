"""Human-readable numbers and tables, in plain ASCII for every terminal."""

from __future__ import annotations

import os
import sys
import unicodedata
from contextlib import suppress
from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Sequence

_KILO = 1000

# A long table shows its first and last rows.
_ROWS_AT_THE_START = 15
_ROWS_AT_THE_END = 5

_MOST_BYTES = 2048
"""Maximum length of a message. A longer one loses its middle, because its end says what to do."""
_START_BYTES = 1400
_END_BYTES = 600

_USUAL_COLUMNS = 80
"""Width of a terminal that does not report one."""

_BETWEEN = "  "
_GAP = "..."

# Headings of columns that may be shortened: ids must stay copyable.
_NAMES = ("file", "name")
_SHORTEST_NAME = 16


def size(count: int) -> str:
    """Format bytes in decimal units: `12.3 MB`."""
    if count < _KILO:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= _KILO
        # A value that rounds to 1000.0 belongs to the next unit.
        if round(value, 1) < _KILO:
            return f"{value:.1f} {unit}"
    return f"{value / _KILO:.1f} TB"


def counted(count: int, noun: str) -> str:
    """Format a count: `1 file`, `1,200 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def moment(time: str | None) -> str:
    """Format a time of the server: `2026-11-24 22:57`, in UTC."""
    try:
        moment = datetime.fromisoformat(time or "")
    except ValueError:
        return time or ""
    in_utc = moment.astimezone(UTC) if moment.tzinfo else moment
    return f"{in_utc:%Y-%m-%d %H:%M}"


def folded(table: str) -> str:
    """Leave out the middle rows of a long table."""
    lines = table.splitlines()
    hidden = len(lines) - 1 - _ROWS_AT_THE_START - _ROWS_AT_THE_END
    if hidden > 1:
        lines[1 + _ROWS_AT_THE_START : -_ROWS_AT_THE_END] = [f"... {hidden:,} more ..."]
    return "\n".join(lines)


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()
) -> str:
    """Format columns under headings; `right` names the headings of right-aligned columns.

    Empty columns are left out. On a terminal, lines fit its width: names are shortened, then the
    last columns are left out.
    """
    lines = [[printable(cell) for cell in line] for line in (header, *rows)]
    columns = [list(column) for column in zip(*lines, strict=True) if any(column[1:]) or not rows]
    columns = _fitted(columns, _terminal_width())
    widths = [_width_of(column) for column in columns]
    aligned_right = [column[0] in right for column in columns]

    def padded(cell: str, width: int, is_right: bool) -> str:  # noqa: FBT001 - of one column
        blanks = " " * (width - width_of(cell))
        return blanks + cell if is_right else cell + blanks

    return "\n".join(
        _BETWEEN.join(map(padded, line, widths, aligned_right)).rstrip()
        for line in zip(*columns, strict=True)
    )


def printable(text: str) -> str:
    r"""Escape characters that would move the cursor or hide text: `\x1b`."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def bounded(message: str) -> str:
    """Shorten a message to 2,048 bytes of UTF-8, by leaving out its middle."""
    encoded = str(message).encode("utf-8", "surrogatepass")
    if len(encoded) <= _MOST_BYTES:
        return message
    # Characters that are cut in two are left out.
    start = encoded[:_START_BYTES].decode("utf-8", "ignore")
    end = encoded[-_END_BYTES:].decode("utf-8", "ignore")
    return f"{start} {_GAP} {end}"


def width_of(text: str) -> int:
    """Width of a text on a terminal: Chinese characters are two columns wide, accents none."""
    return len(text) if text.isascii() else sum(map(_places, text))


def shortened(text: str, width: int) -> str:
    """Shorten a text in its middle: both ends of a name are useful."""
    if width_of(text) <= width:
        return text
    room = width - len(_GAP)
    return _start(text, room - room // 2) + _GAP + _start(text[::-1], room // 2)[::-1]


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal; a program without a console has no streams."""
    return stream is not None and stream.isatty()


def _places(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _start(text: str, width: int) -> str:
    """Return as many characters as fit."""
    ends = accumulate(map(_places, text))
    return "".join(char for char, end in zip(text, ends, strict=True) if end <= width)


def _terminal_width() -> int | None:
    """Width of the terminal; `None` for a file or a pipe, which get full lines."""
    if not is_terminal(sys.stdout):
        return None
    # Not `shutil`'s function: that module is slow to import.
    with suppress(ValueError):
        if (columns := int(os.environ.get("COLUMNS", ""))) > 0:
            return columns
    with suppress(OSError, ValueError):
        if columns := os.get_terminal_size(sys.stdout.fileno()).columns:
            return columns
    return _USUAL_COLUMNS


def _fitted(columns: list[list[str]], room: int | None) -> list[list[str]]:
    while room is not None:
        widths = [_width_of(column) for column in columns]
        excess = sum(widths) + len(_BETWEEN) * (len(columns) - 1) - room
        names = next((n for n, column in enumerate(columns) if column[0] in _NAMES), None)
        if excess <= 0 or (len(columns) == 1 and names is None):
            break
        if names is not None and (widths[names] - excess >= _SHORTEST_NAME or len(columns) == 1):
            columns[names] = [shortened(cell, widths[names] - excess) for cell in columns[names]]
            break
        columns = columns[:-1]
    return columns


def _width_of(column: Sequence[str]) -> int:
    return max(map(width_of, column))
