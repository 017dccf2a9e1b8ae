"""Pieces of HTML for notebooks: escaped, without scripts or assets, for light and dark pages.

Notebooks tell a page its theme in too many ways to follow them all. So text has the colour of
what is around it, lines are mixed with it, and the one colour of our own (see `timeline`)
stands out from white and from black.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_OPEN_ROWS = 50
"""More rows are folded away until someone opens them."""

_MOST_BYTES = 120_000
"""Of the rows of a table: a notebook keeps them for ever."""

_MOST_COLUMNS = 10
"""Columns of a table that can be aligned: a rule for each costs less than a class on each cell."""

_RIGHT = ",".join(f".right{n} :nth-child({n})" for n in range(1, _MOST_COLUMNS + 1))

# `[class]` is there for its weight: JupyterLab's own rules for tables have more than most.
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
    """HTML that is not to be escaped."""

    __slots__ = ()


class Cell(Markup):
    """A whole cell of a table."""

    __slots__ = ()


def report(*parts: Markup) -> str:
    """What a notebook shows; its style sheet touches nothing else of the page."""
    return f'<div class="sutro-report"><style>{_STYLE}</style>{"".join(parts)}</div>'


def paragraph(words: str) -> Markup:
    """A line of text."""
    return Markup(f"<p>{_escaped(words)}</p>")


def strong(words: str) -> Markup:
    """Words that are read first."""
    return Markup(f"<strong>{_escaped(words)}</strong>")


def preformatted(words: str) -> Markup:
    """Text whose columns and lines stay."""
    return Markup(f"<pre>{_escaped(words)}</pre>")


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = (), whole: str
) -> Markup:
    """Columns under their headings, as `text.table` takes them.

    It folds after 50 rows, and ends after 120 kB of them: `whole` is the code that shows all.

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


def cell(content: Markup, *, title: str) -> Cell:
    """A cell with words that a mouse shows: they are no text where a page strips the style."""
    return Cell(f'<td title="{escape(title)}">{content}')


def _lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as HTML, as many as there is room for."""
    lines: list[str] = []
    room = _MOST_BYTES
    for row in rows:
        # HTML needs no end tags here, and a report may have thousands of cells.
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
