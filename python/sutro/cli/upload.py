"""The commands `sutro upload` and `sutro check`."""

from __future__ import annotations

import locale
import os
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

import sutro
from sutro import _core
from sutro._sources.paths import ShellPaths, in_unicode
from sutro.cli import errors, output
from sutro.cli.options import (
    client,
    concurrency_option,
    examples,
    paths_argument,
    quiet_option,
    service_options,
    source_options,
    together,
    unordered_option,
    with_hive_types,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

upload_options = together(
    source_options,
    concurrency_option,
    unordered_option(
        "Commit files as they finish, which is faster if the server is slow. A resumed upload "
        "sends the missing files, regardless of the order of the others."
    ),
    click.option(
        "--atomic",
        is_flag=True,
        help="Commit all files together at the end, or none. Needs a server that stages files, "
        "such as `sutro serve`.",
    ),
    click.option("--dry-run", is_flag=True, help="Only check, like `sutro check`."),
    click.option("--no-progress", is_flag=True, help="Do not show a progress bar."),
    quiet_option("Print only the id of the dataset."),
    service_options,
)
"""For `sutro upload` and `sutro datasets upload`."""


@click.command(
    epilog=examples(
        "sutro upload data/",
        "sutro upload 'data/part-*.parquet' --dataset dataset-1b2c",
        "sutro upload train/ test/ --recursive --exclude '*_tmp.parquet'",
        "sutro upload data/ --json > report.json",
    )
)
@paths_argument()
@click.option("--dataset", "dataset_id", metavar="ID", help="The dataset. Default: a new one.")
@upload_options
@click.pass_context
def upload(
    ctx: click.Context, /, paths: tuple[str, ...], dataset_id: str | None, **options: Any
) -> None:
    """Upload Parquet files, folders or globs, in order.

    All files are checked before anything is sent. After an error or Ctrl-C, run the same command
    with the id of the dataset to send the rest.
    """
    upload_paths(ctx, paths, dataset_id, **options)


@click.command(
    epilog=examples(
        "sutro check data/",
        "sutro check 'data/*.parquet' --dataset dataset-1b2c",
        "sutro check data/ --on-mismatch cast",
        "sutro check data/ --quiet && echo fine",
    )
)
@paths_argument()
@click.option("--dataset", "dataset_id", metavar="ID", help="A dataset to compare with.")
@source_options
@unordered_option("Check for `sutro upload --unordered`.")
@quiet_option("Print nothing if an upload would be accepted.")
@service_options
@click.pass_context
def check(
    ctx: click.Context, /, paths: tuple[str, ...], dataset_id: str | None, **options: Any
) -> None:
    """Check files as an upload does, without sending anything.

    Exits with 3 if an upload would be rejected. Without --dataset, no key is needed.
    """
    check_paths(ctx, paths, dataset_id, **options)


def upload_paths(
    ctx: click.Context,
    paths: Sequence[str],
    dataset_id: str | None,
    *,
    sort: str | None,
    concurrency: int,
    unordered: bool,
    atomic: bool,
    dry_run: bool,
    no_progress: bool,
    quiet: bool,
    api_url: str | None,
    **options: Any,
) -> None:
    """Upload and print the report."""
    options = with_hive_types(options)
    if dry_run:
        check_paths(
            ctx,
            paths,
            dataset_id,
            sort=sort,
            unordered=unordered,
            quiet=quiet,
            api_url=api_url,
            **options,
        )
        return
    # Log lines would disturb a bar.
    is_silent = no_progress or quiet or bool(os.environ.get("SUTRO_LOG"))
    report = client(api_url).upload(
        _in_order(paths, sort),
        dataset_id,
        concurrency=concurrency,
        ordered=not unordered,
        atomic=atomic,
        progress=False if is_silent else None,
        **options,
    )
    output.show(report.dataset_id if quiet else str(report), report.to_dict())


def check_paths(
    ctx: click.Context,
    paths: Sequence[str],
    dataset_id: str | None,
    *,
    sort: str | None,
    unordered: bool,
    quiet: bool,
    api_url: str | None,
    **options: Any,
) -> None:
    """Check, print the report, and exit with the code of an upload."""
    options = with_hive_types(options)
    # Without a dataset, no key is needed.
    check = sutro.check if dataset_id is None else client(api_url).check
    report = check(_in_order(paths, sort), dataset_id, ordered=not unordered, **options)
    if output.is_json() or not quiet:
        refusal = {} if report.error is None else errors.facts(report.error)
        output.show(str(report), {**report.to_dict(), **refusal})
    elif report.error is not None:
        raise report.error
    if report.error is not None:
        ctx.exit(errors.exit_code(report.error))


def _in_order(paths: Sequence[str], sort: str | None) -> Sequence[str]:
    """Sort paths if requested, or if a shell seems to have expanded a glob.

    A shell expands `out/*` to files that a folder leaves out, such as Spark's `_SUCCESS`.
    """
    ordered = _sorted(paths, sort)
    is_of_a_shell = sort is None and len({PurePath(path).parent for path in paths}) == 1
    if is_of_a_shell and len(paths) > 1 and _is_of_a_shell(paths):
        return ShellPaths(ordered)
    return ordered


def _sorted(paths: Sequence[str], sort: str | None) -> Sequence[str]:
    for path in paths:
        in_unicode(path)
    if sort == "given":
        return paths
    ordered = _core.in_natural_order(list(paths))
    if ordered == list(paths) or (sort is None and not _is_of_a_shell(paths)):
        return paths
    if sort is None:
        later, sooner = next(
            pair for pair in zip(paths, ordered, strict=True) if len(set(pair)) > 1
        )
        output.say(
            "Note",
            f"in natural order {sooner} comes before {later}; --sort given keeps the shell's order",
            "cyan",
        )
    return ordered


def _is_of_a_shell(paths: Sequence[str]) -> bool:
    """Return whether paths are sorted as a shell sorts the matches of a `*`."""
    with suppress(locale.Error):
        locale.setlocale(locale.LC_COLLATE, "")
    return list(paths) in (sorted(paths), sorted(paths, key=locale.strxfrm))
