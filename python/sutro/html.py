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

# `[class]` is there for its weight: JupyterLab's own rules for tables have more than most.
_STYLE = """\
.sutro-report{overflow-x:auto}
.sutro-report p{margin:0 0 .4em}
.sutro-report pre{margin:.4em 0;padding:0;background:none;color:inherit;white-space:pre-wrap;\
font-family:var(--jp-code-font-family,monospace)}
.sutro-report table[class]{margin:.4em 0;border:0;border-collapse:collapse;color:inherit;\
font-variant-numeric:tabular-nums}
.sutro-report table[class] thead{border-bottom:1px solid rgba(128,128,128,.6)}
.sutro-report table[class] :is(th,td){padding:0 .7em;border:0;line-height:24px;\
white-space:nowrap;text-align:left;vertical-align:middle}
.sutro-report table[class] td:nth-child(2){min-width:11em;max-width:32em;white-space:normal;\
overflow-wrap:anywhere}
.sutro-report :is(.right1 :nth-child(1),.right2 :nth-child(2),.right3 :nth-child(3),\
.right4 :nth-child(4),.right5 :nth-child(5),.right6 :nth-child(6),\
.right7 :nth-child(7)):is(th,td){text-align:right}
.sutro-report summary{cursor:pointer}
"""


class Markup(str):
    """HTML that is not to be escaped."""

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
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()
) -> Markup:
    """Columns under their headings, as `text.table` takes them. Folds after 50 rows."""
    rest = rows[_OPEN_ROWS:]
    shown = _table(header, rows[:_OPEN_ROWS], right)
    if not rest:
        return shown
    folded = f"<details><summary>{len(rest):,} more</summary>{_table(header, rest, right)}"
    return Markup(f"{shown}{folded}</details>")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str]) -> Markup:
    aligned = [f"right{column}" for column, name in enumerate(header, start=1) if name in right]
    headings = "".join(f"<th>{_escaped(heading)}</th>" for heading in header)
    # HTML needs no end tags here, and a report may have thousands of cells.
    body = "".join("\n<tr>" + "".join(f"<td>{_escaped(cell)}" for cell in row) for row in rows)
    return Markup(
        f'<table class="{" ".join(aligned)}"><thead><tr>{headings}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _escaped(words: str) -> str:
    return words if isinstance(words, Markup) else escape(words)
