"""Options that several commands share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

import sutro
from sutro import _core
from sutro.cli.output import json_option
from sutro.sources import ColumnType

if TYPE_CHECKING:
    from collections.abc import Callable

_Command = TypeVar("_Command", bound="Callable[..., None]")


def examples(*lines: str) -> str:
    """Format examples for the end of the help of a command."""
    # The \b keeps click from rewrapping the lines.
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


class Group(click.Group):
    """Lists its commands in the order of their use, not alphabetically."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order in which the commands were added."""
        return list(self.commands)


def together(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """Return a decorator that adds options in the order in which the help shows them."""

    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_TIMEOUT = "sutro.cli.timeout"


def _set_timeout(ctx: click.Context, _option: click.Parameter, seconds: float | None) -> None:
    ctx.meta[_TIMEOUT] = seconds


def client(
    api_url: str | None, api_key: str | None = None, *, max_retries: int | None = None
) -> sutro.Client:
    """Create a client with the `--timeout` of the command."""
    seconds = click.get_current_context().meta.get(_TIMEOUT)
    return sutro.Client(
        api_key,
        api_url,
        progress_timeout=seconds,
        answer_timeout=seconds,
        max_retries=max_retries,
    )


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
        help="Timeout for a transfer without progress, and for a response.",
    ),
    verbose_option,
    json_option,
)
"""For every command that calls the API."""

concurrency_option = click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    metavar="N",
    envvar="SUTRO_CONCURRENCY",
    default=_core.defaults()["concurrency"],
    show_default=True,
    show_envvar=True,
    help="Number of files to transfer at the same time.",
)

dataset_id_argument = click.argument("dataset_id", metavar="ID")


def paths_argument(metavar: str = "PATH...") -> Callable[[_Command], _Command]:
    """Paths and globs: the core checks them, the shell completes files."""
    kind = click.Path(readable=False)
    return click.argument("paths", nargs=-1, required=True, metavar=metavar, type=kind)


def unordered_option(text: str) -> Callable[[_Command], _Command]:
    """`--unordered`: the dataset need not have the order of the upload."""
    return click.option("--unordered", is_flag=True, help=text)


def quiet_option(text: str) -> Callable[[_Command], _Command]:
    """`-q`: print what a script needs."""
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


def _pairs(_ctx: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    pairs = dict[str, str]()
    for text in given:
        name, is_pair, value = text.partition("=")
        if not is_pair:
            message = "must be NAME=VALUE"
            raise click.BadParameter(message)
        pairs[name] = value
    return pairs


def with_hive_types(options: dict[str, Any]) -> dict[str, Any]:
    """Replace `--hive` by the types of columns, if there are any.

    Raises:
        click.UsageError: Types are given for columns that `--no-hive` leaves out.
    """
    types = options.pop("hive_types", {})
    if types and options["hive"] is False:
        message = "--hive-type cannot be used with --no-hive, which leaves the columns out"
        raise click.UsageError(message)
    return {**options, "hive": types} if types else options


storage_option = click.option(
    "--storage-option",
    "storage_options",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_pairs,
    help="Option of the store of s3://, gs:// or az:// URLs, such as aws_region=eu-central-1. "
    "Default: the environment and files of the clouds' tools. Repeatable.",
)
"""For every command that takes URLs."""

source_options = together(
    click.option("-r", "--recursive", is_flag=True, help="Search folders recursively."),
    click.option(
        "--exclude",
        multiple=True,
        metavar="GLOB",
        help="Leave out files: 'tmp-*' matches names, 'tmp/*' ends of paths. Repeatable.",
    ),
    storage_option,
    click.option(
        "--hive/--no-hive",
        default=None,
        help="Write columns from folder names (year=2024/) into the files, or leave them out. "
        "Default: reject files that would lose them.",
    ),
    click.option(
        "--hive-type",
        "hive_types",
        multiple=True,
        metavar="KEY=TYPE",
        callback=_hive_types,
        help="Type of a column from folder names: bool, date, double, int32, int64, string or "
        "timestamp. Default: int64, date or string. Implies --hive. Repeatable.",
    ),
    click.option(
        "--names",
        type=click.Choice(["path"]),
        help="path: make names from the paths below the source (2024/a.parquet becomes "
        "2024,a.parquet). Default: the file names.",
    ),
    click.option(
        "--sort",
        type=click.Choice(["natural", "given"]),
        help="Order of the paths. Default: as given, but natural (part-2 before part-10) if a "
        "shell seems to have expanded a *.",
    ),
    click.option(
        "--on-mismatch",
        type=click.Choice(["error", "cast"]),
        default="error",
        show_default=True,
        help="If schemas differ: reject all files, or cast them during the upload, without loss.",
    ),
    click.option(
        "--target-file-size",
        metavar="SIZE",
        help="Pack neighbouring files, and split large ones, into files of at most about this "
        "size (256MB, 1GiB), in order and without decoding them.",
    ),
    click.option(
        "--merge-row-groups",
        is_flag=True,
        help="With --target-file-size, merge neighbouring row groups of less than 1 MB by encoding "
        "them again.",
    ),
    click.option(
        "--recompress",
        is_flag=True,
        help="Recompress files that use a codec other than snappy.",
    ),
)
"""Which files to upload, and how to change them. Your own files are never modified."""
