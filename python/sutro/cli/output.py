"""Output of a command: text, or with `--json` one document."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import time
import warnings
from contextlib import nullcontext
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

import click

from sutro import _hints
from sutro._reports import text
from sutro.cli.hints import COMMAND

if TYPE_CHECKING:
    from collections.abc import Sequence

_JSON = "sutro.cli.json"

_NOTE_SECONDS = 10.0
"""Seconds between two notes about retries, because each of many uploads may be retried."""

_warnings: set[str] = set()
"""Warnings that were shown. Each is shown once, wherever it comes from in the code."""

json_option = click.option(
    "--json",
    is_flag=True,
    expose_value=False,
    help="Print one JSON document on stdout, even after an error.",
)


def prepare() -> None:
    """Prepare the streams, hints, warnings and notes of the process."""
    _hints.speak(COMMAND)
    warnings.showwarning = _show_warning
    logging.getLogger("sutro").addHandler(_Notes(logging.WARNING))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the stream cannot encode must not stop the command.
            stream.reconfigure(errors="backslashreplace")


def choose(ctx: click.Context, arguments: Sequence[str]) -> None:
    """Choose the format from the raw arguments, which may turn out to be wrong."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    ctx.meta[_JSON] = "--json" in options
    if os.environ.get("NO_COLOR"):
        ctx.color = False


def is_json() -> bool:
    """Return whether `--json` was given."""
    return bool(click.get_current_context().meta.get(_JSON, False))


def show(words: str, facts: object) -> None:
    """Print text, or with `--json` the facts."""
    try:
        if is_json():
            click.echo(json.dumps(facts, default=_plain))
        else:
            # A name may have control characters, which only matter on a terminal.
            click.echo(_printable(words) if text.is_terminal(sys.stdout) else words)
    except BrokenPipeError:
        discard_stdout()


def show_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    facts: object,
    *,
    right: Sequence[str],
    nothing: str,
) -> None:
    """Print a table, or on stderr that there is `nothing`, or with `--json` the facts."""
    if rows or is_json():
        show(text.table(header, rows, right=right) if rows else "", facts)
    else:
        click.echo(nothing, err=True)


def show_lines(lines: Sequence[str], facts: object) -> None:
    """Print lines for a script, or with `--json` the facts."""
    if lines or is_json():
        show("\n".join(lines), facts)


def say(label: str, message: str, color: str) -> None:
    """Print a message on stderr; its label is coloured on a terminal, without `NO_COLOR`."""
    click.echo(f"{click.style(f'{label}:', fg=color, bold=True)} {_printable(message)}", err=True)


class _Notes(logging.Handler):
    """Prints notes about retries, rate-limited: a minute of silence would look like a hang."""

    _next = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        # The log already has this record.
        if time.monotonic() < self._next or os.environ.get("SUTRO_LOG"):
            return
        self._next = time.monotonic() + _NOTE_SECONDS
        event = getattr(record, "event", record.getMessage())
        bars = sys.modules.get("tqdm")
        # Clear the bar for this line.
        with bars.tqdm.external_write_mode() if bars else nullcontext():
            say("Note", event, "cyan")


def discard_stdout() -> None:
    """Discard further output: the reader has closed the pipe (`| head`), which is not an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _printable(words: str) -> str:
    return "\n".join(map(text.printable, words.split("\n")))


def _show_warning(message: Warning | str, *_where: object, **_more: object) -> None:
    if str(message) not in _warnings:
        _warnings.add(str(message))
        say("Warning", str(message), "yellow")


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
