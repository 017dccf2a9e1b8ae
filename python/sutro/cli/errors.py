"""Messages and exit codes of failed commands."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

import sutro
from sutro._reports import text
from sutro.cli import output

if TYPE_CHECKING:
    from collections.abc import Mapping

EXIT_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (KeyboardInterrupt, 130),
    (click.UsageError, 2),
    (sutro.UploadIncompleteError, 6),
    (sutro.MissingKeyError, 4),
    (sutro.AuthenticationError, 4),
    (sutro.FolderInUseError, 5),
    (sutro.ConfigurationError, 2),
    (sutro.CheckError, 3),
    (sutro.FileExistsInDatasetError, 3),
    (sutro.LocalFileExistsError, 3),
    (sutro.ServerError, 5),
    # A retry would fail again, unlike after other errors of transfers.
    (sutro.CertificateError, 2),
    (sutro.NotTheApiError, 1),
    (sutro.TransferError, 5),
    (sutro.OutcomeUnknownError, 5),
    (sutro.DatasetNotFoundError, 7),
    (sutro.RefusedError, 7),
)
"""The first matching class decides; any other error exits with 1."""


def exit_code(error: BaseException) -> int:
    """Return the exit code for an error."""
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1)


def show(error: BaseException, more: Mapping[str, Any] | None = None) -> None:
    """Show an error on stderr; with `--json`, also print a document, together with `more`."""
    message = _message(error)
    if output.is_json():
        # If stdout accepts nothing (a full disk), stderr says why.
        with suppress(OSError):
            output.show("", {**(more or {}), **facts(error)})
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(message, err=True)
        return
    if isinstance(error, click.UsageError) and error.ctx is not None:
        path = error.ctx.command_path
        click.echo(f"{error.ctx.get_usage()}\nTry '{path} --help' for help.\n", err=True)
    elif isinstance(error, KeyboardInterrupt) and text.is_terminal(sys.stderr):
        # Overwrite the ^C that the terminal shows.
        click.echo("\r", nl=False, err=True)
    elif _is_unexpected(error) and os.environ.get("SUTRO_LOG", "").lower() == "debug":
        click.echo("".join(traceback.format_exception(error)), nl=False, err=True)
    output.say("Error", message, "red")


def facts(error: BaseException) -> dict[str, Any]:
    """Return the message, class and exit code of an error, and its attributes if it is ours."""
    is_ours = isinstance(error, sutro.SutroError | sutro.UploadInterrupted)
    attributes = dict(vars(error)) if is_ours else {}
    attributes.pop("__notes__", None)
    report = attributes.get("report")
    return {
        **attributes,
        "error": _message(error),
        "type": type(error).__name__,
        "exit_code": exit_code(error),
        "report": None if report is None else report.to_dict(),
    }


def _message(error: BaseException) -> str:
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError) and not isinstance(error, sutro.SutroError):
        return f"{error.filename or 'stdout'}: {error.strerror}"
    if _is_unexpected(error):
        return (
            f"{type(error).__name__}: {text.bounded(str(error))}\n"
            "This is a bug; please report it. SUTRO_LOG=debug shows where it happened"
        )
    return str(error) or "interrupted"


def _is_unexpected(error: BaseException) -> bool:
    known = click.ClickException | sutro.SutroError | KeyboardInterrupt | OSError
    return not isinstance(error, known)
