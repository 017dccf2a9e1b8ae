"""The command `sutro`: results on stdout, everything else on stderr."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import sutro
from sutro import settings, text
from sutro.doctor import doctor
from sutro.output import json_option, show, show_error, show_table
from sutro.serve import serve

if TYPE_CHECKING:
    from collections.abc import Callable

EXIT_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (KeyboardInterrupt, 130),
    (sutro.UploadIncompleteError, 6),
    (sutro.MissingKeyError, 4),
    (sutro.AuthenticationError, 4),
    (sutro.ConfigurationError, 2),
    (sutro.CheckError, 3),
    (sutro.FileExistsInDatasetError, 3),
    (sutro.ServerError, 5),
    (sutro.TransferError, 5),
    (sutro.OutcomeUnknownError, 5),
    (sutro.DatasetNotFoundError, 7),
    (sutro.RefusedError, 7),
)
"""The first class that fits decides; any other error exits with 1, a wrong usage with 2."""


class _Commands(click.Group):
    """The outermost group: it has one line for an error of the user, and no stack trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (sutro.SutroError, KeyboardInterrupt) as error:
            show_error(error)
            ctx.exit(_exit_code(error))


def _exit_code(error: BaseException) -> int:
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1)


def main() -> None:
    """Run the command `sutro`."""
    warnings.showwarning = _show_warning
    commands(prog_name="sutro")


def _show_warning(message: Warning | str, *_where: object, **_more: object) -> None:
    click.echo(f"Warning: {message}", err=True)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(sutro.__version__, prog_name="sutro")
def commands() -> None:
    """Many parquet files into one dataset: fast, in order, exactly once.

    The key and the URL come from SUTRO_API_KEY and SUTRO_API_URL, or from
    ~/.sutro/config.json, which `sutro login` writes. `--api-url local:FOLDER` needs neither
    a key nor an account.
    """


_api_url = click.option(
    "--api-url", metavar="URL", help="URL of the API, or local:FOLDER. The key must be for it."
)
_concurrency = click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    envvar="SUTRO_CONCURRENCY",
    default=8,
    show_default=True,
    show_envvar=True,
    help="Files at the same time.",
)


def _upload_options(command: Callable[..., None]) -> Callable[..., None]:
    options = [
        click.option("--dry-run", is_flag=True, help="Only check, as `sutro check` does."),
        click.option("--no-progress", is_flag=True, help="Show no progress bar."),
        click.option("-q", "--quiet", is_flag=True, help="Print the dataset's id only."),
        json_option,
    ]
    for option in reversed(options):
        command = option(command)
    return _api_url(_concurrency(command))


@commands.command("upload")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--dataset", "dataset_id", metavar="ID", help="The dataset; without it, a new one.")
@_upload_options
@click.pass_context
def _upload(
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    dataset_id: str | None,
    *,
    api_url: str | None,
    concurrency: int,
    dry_run: bool,
    no_progress: bool,
    quiet: bool,
) -> None:
    """Upload parquet files, globs or folders into one dataset, in order.

    After an error or Ctrl-C, the same command with the dataset's id sends the rest.
    """
    if dry_run:
        ctx.invoke(_check, paths=paths, dataset_id=dataset_id, api_url=api_url)
        return
    report = sutro.upload(
        paths,
        dataset_id,
        concurrency=concurrency,
        progress=False if no_progress or quiet else None,
        api_url=api_url,
    )
    show(report.dataset_id if quiet else str(report), report.to_dict())


@commands.command("check")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--dataset", "dataset_id", metavar="ID", help="A dataset to compare with.")
@_api_url
@json_option
@click.pass_context
def _check(
    ctx: click.Context, /, paths: tuple[str, ...], dataset_id: str | None, api_url: str | None
) -> None:
    """Tell what an upload would do, and send nothing.

    Exits with 3 where it would be refused. Without --dataset no key is needed.
    """
    report = sutro.check(paths, dataset_id, api_url=api_url)
    show(str(report), report.to_dict())
    if report.error is not None:
        ctx.exit(_exit_code(report.error))


@commands.command("login")
@_api_url
def _login(api_url: str | None) -> None:
    """Ask for an API key, try it, and keep it in ~/.sutro/config.json.

    Where there is no terminal, the key is the first line of stdin. The file is for its owner
    only, and is left as it was if the key is refused.
    """
    if sys.stdin.isatty():
        api_key = click.prompt("API key", hide_input=True, err=True)
    else:
        api_key = sys.stdin.readline().strip()
    if not api_key:
        message = "no key was given"
        raise sutro.ConfigurationError(message)
    client = sutro.Client(api_key, api_url)
    client.try_authentication()
    path = settings.save(api_key, client.api_url)
    click.echo(f"The key for {client.api_url} is in {path}", err=True)


@commands.group("datasets")
def _datasets() -> None:
    """Create, list, fill and download datasets."""


@_datasets.command("create")
@_api_url
@json_option
def _create(api_url: str | None) -> None:
    """Create an empty dataset and print its id."""
    dataset_id = sutro.create_dataset(api_url=api_url)
    show(dataset_id, {"dataset_id": dataset_id})


@_datasets.command("list")
@_api_url
@json_option
def _list(api_url: str | None) -> None:
    """List all datasets, newest first."""
    datasets = sutro.list_datasets(api_url=api_url)
    rows = [
        (
            dataset.dataset_id,
            dataset.name or "",
            dataset.created_at or "",
            f"{dataset.file_count:,}",
            text.size(dataset.total_size_bytes),
        )
        for dataset in datasets
    ]
    header = ("dataset", "name", "created", "files", "size")
    facts = {"datasets": datasets}
    show_table(header, rows, facts, right="files size", nothing="no datasets")


@_datasets.command("files")
@click.argument("dataset_id", metavar="ID")
@_api_url
@json_option
def _files(dataset_id: str, api_url: str | None) -> None:
    """List a dataset's files in its order."""
    files = sutro.list_dataset_files(dataset_id, api_url=api_url)
    rows = [
        (
            str(number),
            file.file_name,
            "" if file.row_count is None else f"{file.row_count:,}",
            "" if file.size_bytes is None else text.size(file.size_bytes),
            file.file_id or "",
            file.uploaded_at or "",
        )
        for number, file in enumerate(files, start=1)
    ]
    header = ("#", "file", "rows", "size", "file id", "uploaded")
    facts = {"dataset_id": dataset_id, "files": files}
    show_table(header, rows, facts, right="# rows size", nothing="no files")


@_datasets.command("upload")
@click.argument("paths", nargs=-1, required=True, metavar="[ID] PATH...")
@click.option("--dataset", "dataset_id", metavar="ID", help="The dataset, as an option.")
@_upload_options
@click.pass_context
def _upload_to_dataset(
    ctx: click.Context, /, paths: tuple[str, ...], dataset_id: str | None, **options: Any
) -> None:
    """Upload into the dataset ID, or without it into a new one.

    The first argument is taken for an ID when it starts with "dataset-" and there is no
    such file.
    """
    first = paths[0]
    if dataset_id is None and first.startswith("dataset-") and not Path(first).exists():
        dataset_id, paths = first, paths[1:]
        if not paths:
            message = "Missing argument 'PATH...'."
            raise click.UsageError(message)
    ctx.invoke(_upload, paths=paths, dataset_id=dataset_id, **options)


@_datasets.command("download")
@click.argument("dataset_id", metavar="ID")
@click.argument("files", nargs=-1, metavar="[FILE...]")
@click.option(
    "--output",
    type=click.Path(file_okay=False),
    default=".",
    metavar="DIR",
    help="Folder, made where needed. Default: the current one.",
)
@_concurrency
@_api_url
@json_option
def _download(
    dataset_id: str, files: tuple[str, ...], output: str, concurrency: int, api_url: str | None
) -> None:
    """Download files of a dataset (default: all) and print their paths."""
    paths = sutro.download_from_dataset(
        dataset_id, files or None, output, concurrency=concurrency, api_url=api_url
    )
    show("\n".join(map(str, paths)), {"paths": paths})


commands.add_command(doctor)
commands.add_command(serve)
