"""The commands `sutro datasets ...`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sutro._reports import text
from sutro.cli.options import (
    Group,
    client,
    concurrency_option,
    dataset_id_argument,
    examples,
    paths_argument,
    quiet_option,
    service_options,
    storage_option,
)
from sutro.cli.output import say, show, show_lines, show_table
from sutro.cli.upload import upload_options, upload_paths

if TYPE_CHECKING:
    import sutro


@click.group(cls=Group)
def datasets() -> None:
    """Create, list, fill, download and delete datasets."""


@datasets.command("create", epilog=examples("dataset=$(sutro datasets create --name cars)"))
@click.option("--name", metavar="TEXT", help="A human-readable name, shown by `datasets list`.")
@service_options
def _create(name: str | None, api_url: str | None) -> None:
    """Create an empty dataset and print its id."""
    dataset_id = client(api_url).create_dataset(name)
    show(dataset_id, {"dataset_id": dataset_id})


@datasets.command(
    "list", epilog=examples("sutro datasets list", "sutro datasets list --quiet | head -1")
)
@quiet_option("Print only the ids.")
@service_options
def _list(api_url: str | None, *, quiet: bool) -> None:
    """List all datasets, newest first."""
    found = client(api_url).list_datasets()
    rows = [
        (
            dataset.dataset_id,
            dataset.name or "",
            f"{dataset.file_count:,}",
            text.size(dataset.total_size_bytes),
            text.moment(dataset.created_at),
        )
        for dataset in found
    ]
    facts = {"datasets": [_facts(dataset) for dataset in found]}
    if quiet:
        show_lines([dataset.dataset_id for dataset in found], facts)
        return
    header = ("dataset", "name", "files", "size", "created (UTC)")
    show_table(header, rows, facts, right=("files", "size"), nothing="no datasets")


@datasets.command(
    "files",
    epilog=examples(
        "sutro datasets files dataset-1b2c", "sutro datasets files dataset-1b2c --json | jq .files"
    ),
)
@dataset_id_argument
@quiet_option("Print only the names.")
@service_options
def _files(dataset_id: str, api_url: str | None, *, quiet: bool) -> None:
    """List the files of a dataset in order."""
    files = client(api_url).list_dataset_files(dataset_id)
    rows = [
        (
            str(number),
            file.file_name,
            "" if file.row_count is None else f"{file.row_count:,}",
            "" if file.size_bytes is None else text.size(file.size_bytes),
            text.moment(file.uploaded_at),
            file.file_id or "",
        )
        for number, file in enumerate(files, start=1)
    ]
    facts = {"dataset_id": dataset_id, "files": [_facts(file) for file in files]}
    if quiet:
        show_lines([file.file_name for file in files], facts)
        return
    header = ("#", "file", "rows", "size", "uploaded (UTC)", "file id")
    show_table(header, rows, facts, right=("#", "rows", "size"), nothing="no files")


@datasets.command(
    "upload",
    epilog=examples(
        "sutro datasets upload dataset-1b2c data/", "sutro datasets upload data/*.parquet"
    ),
)
@paths_argument("[ID] PATH...")
@click.option("--dataset", "dataset_id", metavar="ID", help="The dataset, instead of ID.")
@upload_options
@click.pass_context
def _upload(
    ctx: click.Context, /, paths: tuple[str, ...], dataset_id: str | None, **options: Any
) -> None:
    """Upload to the dataset ID, or to a new one.

    The first argument is an ID if it starts with "dataset-" and no such file exists. Otherwise
    this is `sutro upload`.
    """
    first = paths[0]
    if dataset_id is None and first.startswith("dataset-") and not Path(first).exists():
        dataset_id, paths = first, paths[1:]
        if not paths:
            message = "Missing argument 'PATH...'."
            raise click.UsageError(message, ctx)
    upload_paths(ctx, paths, dataset_id, **options)


@datasets.command(
    "download",
    epilog=examples(
        "sutro datasets download dataset-1b2c --output copy",
        "sutro datasets download dataset-1b2c part-0.parquet part-1.parquet",
        "sutro datasets download dataset-1b2c --output s3://bucket/copy",
    ),
)
@dataset_id_argument
@click.argument("files", nargs=-1, metavar="[FILE...]")
@click.option(
    "--output",
    type=click.Path(file_okay=False),
    default=".",
    metavar="DIR|URL",
    help="Folder, created if needed, or s3://BUCKET/PREFIX (gs://, az://). Default: the current "
    "folder.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that have other content.")
@storage_option
@concurrency_option
@service_options
def _download(
    dataset_id: str,
    files: tuple[str, ...],
    output: str,
    concurrency: int,
    api_url: str | None,
    *,
    storage_options: dict[str, str],
    overwrite: bool,
) -> None:
    """Download files of a dataset and print their paths or URLs.

    Downloads all files, or those that you name. A file gets its name once it is complete. If a
    file with other content exists, nothing is written, unless you pass --overwrite.
    """
    paths = client(api_url).download_from_dataset(
        dataset_id,
        files or None,
        output,
        concurrency=concurrency,
        overwrite=overwrite,
        storage_options=storage_options,
    )
    show_lines([str(path) for path in paths], {"paths": paths})


@datasets.command(
    "delete",
    epilog=examples(
        "sutro datasets delete dataset-1b2c",
        "sutro datasets delete dataset-1b2c --file part-0.parquet --yes",
    ),
)
@dataset_id_argument
@click.option("--file", "file_name", metavar="NAME", help="Delete only this file of the dataset.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
@service_options
def _delete(dataset_id: str, file_name: str | None, api_url: str | None, *, yes: bool) -> None:
    """Delete a dataset with all of its files, or one file.

    This cannot be undone. On a terminal, the command asks for confirmation; elsewhere it needs
    --yes. The other files of a dataset keep their order.
    """
    what = f"the dataset {dataset_id} with all of its files"
    if file_name is not None:
        what = f"the file {file_name} of the dataset {dataset_id}"
    if not yes and not _is_confirmed(f"Delete {what}? This cannot be undone."):
        say("Note", "nothing was deleted", "cyan")
        click.get_current_context().exit(1)
    if file_name is None:
        client(api_url).delete_dataset(dataset_id)
    else:
        client(api_url).delete_dataset_file(dataset_id, file_name)
    facts = {"dataset_id": dataset_id, "file_name": file_name}
    show(dataset_id if file_name is None else file_name, facts)


def _is_confirmed(question: str) -> bool:
    if not text.is_terminal(sys.stdin):
        message = "without a terminal, deletion needs --yes"
        raise click.UsageError(message, click.get_current_context())
    try:
        return click.confirm(question, err=True)
    except click.Abort as error:
        raise KeyboardInterrupt from error


def _facts(listed: sutro.Dataset | sutro.DatasetFile) -> dict[str, Any]:
    schema = None if listed.schema is None else dict(listed.schema)
    return {**asdict(listed), "schema": schema}
