"""The arguments of an upload that apply to the frame of an engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sutro._run import values
from sutro._sources.resolve import ONLY_FOR_FILES
from sutro.errors import ConfigurationError

if TYPE_CHECKING:
    from sutro._run.arguments import Upload
    from sutro.options import OnMismatch

BUCKETS = tuple(
    f"{scheme}://" for scheme in ("s3", "s3a", "s3n", "gs", "gcs", "az", "abfs", "abfss")
)
"""Beginnings of URLs that `staging` accepts."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the partitions of a job become files."""

    staging: str | None = None
    """A folder that all workers reach, or a URL of a bucket; `None` stages at the server."""
    storage_options: dict[str, str] | None = field(default=None, repr=False)
    """Of the URL. `None`: driver and workers have their own settings."""
    rows_per_file: int | None = None
    target_file_size: int | None = None
    on_mismatch: OnMismatch = "error"
    concurrency: int | None = None
    """Files that the driver sends at a time, out of there."""


def checked(
    *,
    staging: object = None,
    storage_options: object = None,
    rows_per_file: object = None,
    target_file_size: object = None,
    on_mismatch: OnMismatch = "error",
    concurrency: int | None = None,
) -> Options:
    """Check the options of a job.

    Raises:
        TypeError: One has another type.
        ConfigurationError: One cannot be used.
    """
    if on_mismatch not in {"error", "cast"}:
        message = f"on_mismatch must be 'error' or 'cast', not {on_mismatch!r}"
        raise ConfigurationError(message)
    place = _place(staging)
    stores = None if storage_options is None else values.storage_options(storage_options)
    # They can only be meant for a place of staged files: the frame itself is in no store.
    if stores and not is_in_bucket(place):
        raise ConfigurationError(ONLY_FOR_FILES)
    return Options(
        place,
        stores or None,
        None if rows_per_file is None else values.count("rows_per_file", rows_per_file),
        values.size("target_file_size", target_file_size),
        on_mismatch,
        concurrency,
    )


def is_in_bucket(staging: str | None) -> bool:
    """Return whether it is the URL of a bucket, not a folder."""
    return staging is not None and staging.lower().startswith(BUCKETS)


def _place(staging: object) -> str | None:
    if isinstance(staging, str) and "://" in staging:
        if is_in_bucket(staging):
            return staging
        scheme = staging.partition("://")[0]
        message = (
            f"staging must be a folder that the driver and all workers can access, or "
            f"s3://BUCKET/PREFIX (gs://, az://), not {scheme}://...: mount it, or use a server "
            f"that stages files"
        )
        raise ConfigurationError(message)
    return None if staging is None else values.path("staging", staging)


def options_of(given: Upload, staging: object) -> Options:
    """Take the options of a job from the arguments of an upload.

    Raises:
        TypeError: An argument has another type.
        ConfigurationError: An argument does not apply to the frame of an engine.
    """
    not_applicable = {
        "names": given.names is not None,
        "hive": bool(given.hive),
        "recursive": given.recursive,
        "exclude": bool(given.exclude),
        "dry_run": given.dry_run,
        "merge_row_groups": given.merge_row_groups,
        "ordered=False": not given.ordered,
    }
    refused = [name for name, is_given in not_applicable.items() if is_given]
    if refused:
        message = (
            f"{', '.join(refused)} cannot be used with the frame of an engine: its partitions are "
            f"numbered in order, and computed once"
        )
        raise ConfigurationError(message)
    return checked(
        staging=staging,
        storage_options=given.storage_options,
        rows_per_file=given.rows_per_file,
        target_file_size=given.target_file_size,
        on_mismatch=given.on_mismatch,
        concurrency=given.concurrency,
    )
