"""What a command prints: text for people, or with `--json` one document for programs."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

import click

from sutro import text

if TYPE_CHECKING:
    from collections.abc import Sequence

_JSON = "sutro.output.json"


def _choose_json(ctx: click.Context, _option: click.Parameter, is_chosen: Any) -> None:
    ctx.meta[_JSON] = is_chosen


json_option = click.option(
    "--json",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_choose_json,
    help="Print one JSON document on stdout, also after an error.",
)


def show(words: str, facts: object) -> None:
    """Print the words, or with `--json` the facts."""
    is_json = click.get_current_context().meta.get(_JSON, False)
    click.echo(json.dumps(facts, default=_plain, ensure_ascii=False) if is_json else words)


def show_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    facts: object,
    *,
    right: str,
    nothing: str,
) -> None:
    """Print a table, or on stderr that there is `nothing`, or with `--json` the facts."""
    if click.get_current_context().meta.get(_JSON, False) or rows:
        show(text.table(header, rows, right=right) if rows else "", facts)
    else:
        click.echo(nothing, err=True)


def show_error(error: BaseException) -> None:
    """Print a line on stderr, and with `--json` what is known, with a partial report."""
    message = str(error) or "interrupted"
    if click.get_current_context().meta.get(_JSON, False):
        report = getattr(error, "report", None)
        facts = {
            "error": message,
            "type": type(error).__name__,
            "report": None if report is None else report.to_dict(),
        }
        show("", facts)
    click.echo(f"Error: {message}", err=True)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
