"""The command `sutro verify`."""

from __future__ import annotations

import click

from sutro import _core
from sutro._reports import text
from sutro._run import calls, logs
from sutro._run.driver import here
from sutro.cli.options import examples, verbose_option
from sutro.cli.output import json_option, say, show, show_table
from sutro.cli.place import place_options, server_place


@click.command(
    epilog=examples(
        "sutro verify --data datasets/",
        "sutro verify --catalog postgres://sutro@db/sutro --blobs s3://bucket/datasets --json",
    )
)
@place_options("Folder with the datasets of a server.")
@click.option(
    "--upload-expiry",
    type=click.FloatRange(min=0, min_open=True),
    default=_core.defaults()["upload_expiry"],
    metavar="N",
    help="Seconds that an upload may take, as for `sutro serve`: younger bytes may belong to an "
    "upload in progress. [default: 86400]",
)
@verbose_option
@json_option
@click.pass_context
def verify(
    ctx: click.Context,
    /,
    *,
    data: str | None,
    catalog: str | None,
    blobs: str | None,
    blobs_options: dict[str, str],
    upload_expiry: float,
) -> None:
    """Compare the bytes of all files of a server with its catalog.

    Reads every file, and compares its size, SHA-256 and number of rows. Lists files that are
    damaged or missing, and bytes that belong to no file (orphans). Changes nothing. Servers may be
    running.

    Exits with 0 if it finds nothing, otherwise with 1.
    """
    place = server_place(data, catalog, blobs, blobs_options)
    logs.prepare(level="warning")
    found = here(calls.verify, place, upload_expiry)
    header = ("problem", "dataset", "file", "file id", "details")
    rows = [
        (
            finding["kind"],
            finding["dataset_id"] or "",
            finding["file_name"] or "",
            finding["file_id"] or "",
            finding["problem"],
        )
        for finding in found["findings"]
    ]
    read = f"{found['file_count']:,} files, {text.size(found['total_size_bytes'])}"
    if found["in_progress"]:
        say("Note", f"{found['in_progress']:,} uploads or deletions may be in progress", "cyan")
    if not rows:
        show(f"{read}: no problems", found)
        return
    show_table(header, rows, found, right=(), nothing="")
    say("Error", f"{read}: {len(rows):,} problems", "red")
    ctx.exit(1)
