"""Small pieces of HTML for notebooks: escaped, without scripts or assets."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_OPEN_ROWS = 50
"""More rows are folded away until someone opens them."""


def paragraph(words: str) -> str:
    """A line of text."""
    return f"<p>{escape(words)}</p>"


def preformatted(words: str) -> str:
    """Text whose columns and lines stay."""
    return f"<pre>{escape(words)}</pre>"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: str = "") -> str:
    """Columns under their headings, as `text.table` takes them. Folds after 50 rows."""
    aligns = ["right" if heading in right else "left" for heading in header]

    def line(cells: Sequence[str], tag: str) -> str:
        return "".join(
            f'<{tag} style="text-align: {align}">{escape(cell)}</{tag}>'
            for cell, align in zip(cells, aligns, strict=True)
        )

    def of(rows: Sequence[Sequence[str]]) -> str:
        body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
        return f"<table><thead><tr>{line(header, 'th')}</tr></thead><tbody>{body}</tbody></table>"

    rest = rows[_OPEN_ROWS:]
    if not rest:
        return of(rows)
    more = f"<details><summary>{len(rest):,} more</summary>{of(rest)}</details>"
    return of(rows[:_OPEN_ROWS]) + more
