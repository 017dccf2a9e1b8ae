"""Numbers and tables for people: plain ASCII, so that every terminal can show them."""

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

# The first and last rows of a table tell what it is.
_ROWS_AT_THE_START = 15
_ROWS_AT_THE_END = 5

_MOST_BYTES = 2048
"""Of a message, and what is kept of a longer one: its end says what to do."""
_START_BYTES = 1400
_END_BYTES = 600

_USUAL_COLUMNS = 80
"""Of a terminal that does not say how many it has."""

_BETWEEN = "  "
_GAP = "..."

# Headings of the columns that may be shortened: ids are there to be copied.
_NAMES = ("file", "name")
_SHORTEST_NAME = 16


def size(count: int) -> str:
    """Bytes in decimal units, as disks and networks are sold: `12.3 MB`."""
    if count < _KILO:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= _KILO
        # What rounds up to 1000.0 belongs to the next unit.
        if round(value, 1) < _KILO:
            return f"{value:.1f} {unit}"
    return f"{value / _KILO:.1f} TB"


def counted(count: int, noun: str) -> str:
    """`1 file`, `1,200 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def moment(time: str | None) -> str:
    """A time of the service for people: `2026-11-24 22:57`, in UTC."""
    try:
        moment = datetime.fromisoformat(time or "")
    except ValueError:
        return time or ""
    in_utc = moment.astimezone(UTC) if moment.tzinfo else moment
    return f"{in_utc:%Y-%m-%d %H:%M}"


def folded(table: str) -> str:
    """A table without the middle of its rows, where they are many."""
    lines = table.splitlines()
    hidden = len(lines) - 1 - _ROWS_AT_THE_START - _ROWS_AT_THE_END
    if hidden > 1:
        lines[1 + _ROWS_AT_THE_START : -_ROWS_AT_THE_END] = [f"... {hidden:,} more ..."]
    return "\n".join(lines)


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()
) -> str:
    """Columns under their headings; `right` names the headings of right-aligned columns.

    Columns in which nothing is told are left out. On a terminal a line is as wide as it at
    most: names are shortened, and the last columns left out.
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
    r"""Without what would move the cursor or hide something: `\x1b` in the place of an escape."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def bounded(message: str) -> str:
    """A message, without its middle where it has more than 2,048 bytes in UTF-8."""
    encoded = str(message).encode("utf-8", "surrogatepass")
    if len(encoded) <= _MOST_BYTES:
        return message
    # A character that is cut in two is left out.
    start = encoded[:_START_BYTES].decode("utf-8", "ignore")
    end = encoded[-_END_BYTES:].decode("utf-8", "ignore")
    return f"{start} {_GAP} {end}"


def width_of(text: str) -> int:
    """Places that a text takes on a terminal: Chinese characters take two, accents none."""
    return len(text) if text.isascii() else sum(map(_places, text))


def shortened(text: str, width: int) -> str:
    """A text with `...` in its middle, where it is wider: both ends of a name tell something."""
    if width_of(text) <= width:
        return text
    room = width - len(_GAP)
    return _start(text, room - room // 2) + _GAP + _start(text[::-1], room // 2)[::-1]


def is_terminal(stream: TextIO | None) -> bool:
    """Whether people see it; a program without a console has no stream at all."""
    return stream is not None and stream.isatty()


def _places(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _start(text: str, width: int) -> str:
    """As many characters as have room."""
    ends = accumulate(map(_places, text))
    return "".join(char for char, end in zip(text, ends, strict=True) if end <= width)


def _terminal_width() -> int | None:
    """Columns of the terminal that stdout is; None for a file or a pipe, where nothing is cut."""
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
