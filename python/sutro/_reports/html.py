"""HTML for notebooks: escaped, without scripts or assets, for light and dark themes.

Notebooks announce their theme in too many ways to support all. So text inherits its colour, lines
are semi-transparent, and the one colour of our own (see `timeline`) contrasts with both white and
black.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_OPEN_ROWS = 50
"""Rows after this many are folded."""

_MOST_BYTES = 120_000
"""Maximum size of a table's rows, which a notebook stores."""

_MOST_COLUMNS = 10
"""Columns of a table that can be aligned. A rule for each is shorter than a class on each cell."""

_RIGHT = ",".join(f".right{n} :nth-child({n})" for n in range(1, _MOST_COLUMNS + 1))

# `[class]` raises the specificity above that of JupyterLab's own rules for tables.
_STYLE = f"""\
.sutro-report{{overflow-x:auto}}
.sutro-report p{{margin:0 0 .4em}}
.sutro-report pre{{margin:.4em 0;padding:0;background:none;color:inherit;white-space:pre-wrap;\
font-family:var(--jp-code-font-family,monospace)}}
.sutro-report table[class]{{margin:.4em 0;border:0;border-collapse:collapse;color:inherit;\
font-variant-numeric:tabular-nums}}
.sutro-report table[class] thead{{border-bottom:1px solid rgba(128,128,128,.6)}}
.sutro-report table[class] :is(th,td){{padding:0 .7em;border:0;line-height:24px;\
white-space:nowrap;text-align:left;vertical-align:middle}}
.sutro-report table[class] td:nth-child(2){{min-width:11em;max-width:32em;white-space:normal;\
overflow-wrap:anywhere}}
.sutro-report :is({_RIGHT}):is(th,td){{text-align:right}}
.sutro-report summary{{cursor:pointer}}
"""


class Markup(str):
    """HTML that is already escaped."""

    __slots__ = ()


class Cell(Markup):
    """A complete table cell."""

    __slots__ = ()


def report(*parts: Markup) -> str:
    """Assemble a report; its style sheet affects nothing else on the page."""
    return f'<div class="sutro-report"><style>{_STYLE}</style>{"".join(parts)}</div>'


def paragraph(words: str) -> Markup:
    """Format a line of text."""
    return Markup(f"<p>{_escaped(words)}</p>")


def strong(words: str) -> Markup:
    """Emphasise text."""
    return Markup(f"<strong>{_escaped(words)}</strong>")


def preformatted(words: str) -> Markup:
    """Keep spaces and line breaks of a text."""
    return Markup(f"<pre>{_escaped(words)}</pre>")


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = (), whole: str
) -> Markup:
    """Format columns under headings, like `text.table`.

    Rows after the first 50 are folded, and rows beyond 120 kB are left out; `whole` is code that
    shows all rows.

    Raises:
        ValueError: There are more columns than the style sheet can align.
    """
    if len(header) > _MOST_COLUMNS:
        message = f"a table has at most {_MOST_COLUMNS} columns, not {len(header)}"
        raise ValueError(message)
    lines = _lines(rows)
    shown = _table(header, lines[:_OPEN_ROWS], right)
    if folded := lines[_OPEN_ROWS:]:
        summary = f"<details><summary>{len(rows) - _OPEN_ROWS:,} more</summary>"
        shown = Markup(f"{shown}{summary}{_table(header, folded, right)}</details>")
    if hidden := len(rows) - len(lines):
        words = f"{hidden:,} more are not shown here; all of them: "
        shown = Markup(f"{shown}<p>{words}<code>{_escaped(whole)}</code></p>")
    return shown


def cell(content: str, *, title: str) -> Cell:
    """Format a cell with a tooltip, which is not part of its text."""
    return Cell(f'<td title="{escape(title)}">{_escaped(content)}')


def _lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Format as many rows as fit."""
    lines: list[str] = []
    room = _MOST_BYTES
    for row in rows:
        # HTML allows to omit end tags, and a report may have thousands of cells.
        cells = (cell if isinstance(cell, Cell) else f"<td>{_escaped(cell)}" for cell in row)
        line = "\n<tr>" + "".join(cells)
        room -= len(line.encode())
        if room < 0 and len(lines) >= _OPEN_ROWS:
            break
        lines.append(line)
    return lines


def _table(header: Sequence[str], lines: Sequence[str], right: Sequence[str]) -> Markup:
    aligned = [f"right{column}" for column, name in enumerate(header, start=1) if name in right]
    headings = "".join(f"<th>{_escaped(heading)}</th>" for heading in header)
    body = "".join(lines)
    return Markup(
        f'<table class="{" ".join(aligned)}"><thead><tr>{headings}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _escaped(words: str) -> str:
    return words if isinstance(words, Markup) else escape(words)
