"""Options that several commands share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from sutro.cli.output import json_option
from sutro.sources import ColumnType

if TYPE_CHECKING:
    from collections.abc import Callable

_Command = TypeVar("_Command", bound="Callable[..., None]")


def examples(*lines: str) -> str:
    """Text for the end of a command's help."""
    # The \b keeps click from filling the lines.
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


class Group(click.Group):
    """Lists its commands in the order in which they are needed, not in the alphabet's."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order in which they were added."""
        return list(self.commands)


def together(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """One decorator that adds options in the order in which help shall show them."""

    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _set_timeout(_ctx: click.Context, _option: click.Parameter, seconds: float | None) -> None:
    if seconds is not None:
        os.environ["SUTRO_TIMEOUT"] = str(seconds)


def _set_log(_ctx: click.Context, _option: click.Parameter, count: int) -> None:
    if count:
        os.environ["SUTRO_LOG"] = "info" if count == 1 else "debug"


verbose_option = click.option(
    "-v",
    "--verbose",
    count=True,
    expose_value=False,
    callback=_set_log,
    help="Log to stderr, as SUTRO_LOG=info does; -vv as SUTRO_LOG=debug.",
)

api_url_option = click.option(
    "--api-url", metavar="URL", help="URL of the API that the key is for, or local:FOLDER."
)

service_options = together(
    api_url_option,
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        envvar="SUTRO_TIMEOUT",
        show_envvar=True,
        expose_value=False,
        callback=_set_timeout,
        help="How long a transfer may stand still, and an answer may take.",
    ),
    verbose_option,
    json_option,
)
"""Of every command that calls the service."""

concurrency_option = click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    metavar="N",
    envvar="SUTRO_CONCURRENCY",
    default=8,
    show_default=True,
    show_envvar=True,
    help="Files at the same time.",
)

dataset_id_argument = click.argument("dataset_id", metavar="ID")


def paths_argument(metavar: str = "PATH...") -> Callable[[_Command], _Command]:
    """Paths and globs: the core says what is wrong with them, the shell completes files."""
    kind = click.Path(readable=False)
    return click.argument("paths", nargs=-1, required=True, metavar=metavar, type=kind)


def unordered_option(text: str) -> Callable[[_Command], _Command]:
    """`--unordered`: the dataset need not have the order of the upload."""
    return click.option("--unordered", is_flag=True, help=text)


def quiet_option(text: str) -> Callable[[_Command], _Command]:
    """`-q`: what is left is for a script."""
    return click.option("-q", "--quiet", is_flag=True, help=text)


def _hive_types(
    _ctx: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    types = dict[str, str]()
    for text in given:
        key, is_pair, kind = text.rpartition("=")
        if not is_pair or kind not in get_args(ColumnType):
            message = f"{text!r} is not KEY=TYPE; types are {', '.join(get_args(ColumnType))}"
            raise click.BadParameter(message)
        types[key] = kind
    return types


def with_hive_types(options: dict[str, Any]) -> dict[str, Any]:
    """The options of a call, with the types of columns in the place of `--hive`.

    Raises:
        click.UsageError: Types are given for columns that `--no-hive` leaves out.
    """
    types = options.pop("hive_types", {})
    if types and options["hive"] is False:
        message = "--hive-type is about the columns that --no-hive leaves out"
        raise click.UsageError(message)
    return {**options, "hive": types} if types else options


source_options = together(
    click.option("-r", "--recursive", is_flag=True, help="Take the folders below a folder, too."),
    click.option(
        "--exclude",
        multiple=True,
        metavar="GLOB",
        help="Leave files out: 'tmp-*' by name, 'tmp/*' by the end of the path. Repeatable.",
    ),
    click.option(
        "--hive/--no-hive",
        default=None,
        help="Write what folders tell (year=2024/) into the files as columns, or take the files "
        "without. Default: refuse them then.",
    ),
    click.option(
        "--hive-type",
        "hive_types",
        multiple=True,
        metavar="KEY=TYPE",
        callback=_hive_types,
        help="The type of a column of --hive, which this implies: bool, date, double, int32, "
        "int64, string or timestamp. Default: int64, date or string. Repeatable.",
    ),
    click.option(
        "--names",
        type=click.Choice(["path"]),
        help="path: make the names of the paths below the source: 2024/a.parquet is "
        "2024,a.parquet. Default: the files' own.",
    ),
    click.option(
        "--sort",
        type=click.Choice(["natural", "given"]),
        help="Order of the paths. Default: as given, but natural (part-2 before part-10) where "
        "they look like a shell's *.",
    ),
    click.option(
        "--on-mismatch",
        type=click.Choice(["error", "cast"]),
        default="error",
        show_default=True,
        help="Files of another schema: refuse all, or cast them on the way, where that loses "
        "nothing.",
    ),
    click.option(
        "--recompress",
        is_flag=True,
        help="Rewrite files on the way that are not compressed with snappy.",
    ),
)
"""Which files, and what may be changed of them on the way. Your files stay as they are."""
