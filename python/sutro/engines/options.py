"""The arguments of an upload that apply to the frame of an engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sutro._run import values
from sutro._sources.resolve import ONLY_FOR_FILES
from sutro.errors import ConfigurationError

if TYPE_CHECKING:
    from sutro._run.arguments import Upload
    from sutro.options import OnMismatch


@dataclass(frozen=True, slots=True)
class Options:
    """How the partitions of a job become files."""

    staging: str | None = None
    """A folder that the driver and all workers reach; `None` stages at the server."""
    rows_per_file: int | None = None
    target_file_size: int | None = None
    on_mismatch: OnMismatch = "error"
    concurrency: int | None = None
    """Files that the driver sends at a time, out of the folder."""


def checked(
    *,
    staging: object = None,
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
    if _is_url(staging):
        message = (
            f"staging must be a folder that the driver and all workers reach, not {staging!r}: "
            f"mount it, or use a server that stages files"
        )
        raise ConfigurationError(message)
    return Options(
        None if staging is None else values.path("staging", staging),
        None if rows_per_file is None else values.count("rows_per_file", rows_per_file),
        values.size("target_file_size", target_file_size),
        on_mismatch,
        concurrency,
    )


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
        "ordered=False": not given.ordered,
    }
    refused = [name for name, is_given in not_applicable.items() if is_given]
    if refused:
        message = (
            f"{', '.join(refused)} cannot be used with the frame of an engine: its partitions are "
            f"numbered in order, and computed once"
        )
        raise ConfigurationError(message)
    # They can only be meant for a place of staged files: the frame itself is in no store.
    if values.storage_options(given.storage_options) and not _is_url(staging):
        raise ConfigurationError(ONLY_FOR_FILES)
    return checked(
        staging=staging,
        rows_per_file=given.rows_per_file,
        target_file_size=given.target_file_size,
        on_mismatch=given.on_mismatch,
        concurrency=given.concurrency,
    )


def _is_url(staging: object) -> bool:
    return isinstance(staging, str) and "://" in staging
