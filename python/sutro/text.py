"""Numbers and tables for people: plain ASCII, so that every terminal can show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_KILO = 1000

# The first and last rows of a table tell what it is.
_ROWS_AT_THE_START = 15
_ROWS_AT_THE_END = 5


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


def folded(table: str) -> str:
    """A table without the middle of its rows, where they are many."""
    lines = table.splitlines()
    hidden = len(lines) - 1 - _ROWS_AT_THE_START - _ROWS_AT_THE_END
    if hidden > 1:
        lines[1 + _ROWS_AT_THE_START : -_ROWS_AT_THE_END] = [f"... {hidden:,} more ..."]
    return "\n".join(lines)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: str = "") -> str:
    """Columns under their headings; `right` names the headings of right-aligned columns."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    aligned_right = [heading in right for heading in header]

    def cells(line: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(line, widths, aligned_right, strict=True)
        )
        return "  ".join(padded).rstrip()

    return "\n".join(cells(line) for line in lines)
