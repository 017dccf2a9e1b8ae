"""The arguments of `upload` and `check`, made into jobs of the core."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypedDict, get_args

from sutro import _core, settings
from sutro._run import forks, jobs, values
from sutro._sources.files import Files
from sutro._sources.found import find
from sutro._sources.items import reads_once
from sutro._sources.paths import Paths
from sutro._sources.resolve import resolve
from sutro.errors import ConfigurationError, NotTheApiError, RefusedError
from sutro.options import UploadOptions
from sutro.sources import ColumnType

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from typing import Unpack

    from sutro._reports.check import CheckReport
    from sutro._sources.frames import Frames
    from sutro.options import OnMismatch
    from sutro.sources import HiveOption, NamesOption, Source


def start_question(
    client: _core.Client, source: Source, dataset_id: str | None, *, dry_run: bool
) -> tuple[_core.Job[Any], tuple[type[Exception], ...]] | None:
    """Start to ask what an upload needs before a source that can be read once is touched.

    Returns:
        The job, and those of its errors that do not matter; None where nothing need be asked.
    """
    if not reads_once(source):
        return None
    if dataset_id is not None:
        with forks.moment:
            return client.list_dataset_files(checked_id(dataset_id)), ()
    if dry_run:
        return None
    # A service without this call says so, and answers the upload's own calls.
    with forks.moment:
        return client.try_authentication(), (RefusedError, NotTheApiError)


def ask_first(
    client: _core.Client, source: Source, dataset_id: str | None, *, dry_run: bool
) -> None:
    """Ask what an upload needs before a source that can be read once is touched.

    Raises:
        AuthenticationError: The key is not accepted.
        DatasetNotFoundError: There is no such dataset.
        SutroError: The service cannot be reached, or fails.
    """
    question = start_question(client, source, dataset_id, dry_run=dry_run)
    if question is not None:
        job, forgiven = question
        with suppress(*forgiven):
            jobs.result_of(job)


class CheckArguments(TypedDict):
    """What `check` takes besides the source and the dataset. `upload` takes it, too."""

    ordered: bool
    names: NamesOption | None
    hive: HiveOption | None
    recursive: bool
    exclude: str | Sequence[str]
    rows_per_file: int | None
    on_mismatch: OnMismatch
    recompress: bool


class UploadArguments(CheckArguments):
    """What `upload` takes besides the source and the dataset, but for the progress."""

    concurrency: int | None
    dry_run: bool


def start_upload(
    client: _core.Client,
    source: Source,
    dataset_id: str | None,
    **given: Unpack[UploadArguments],
) -> jobs.Upload:
    """Start an upload; frames are still to be made into files and fed to it."""
    options, resolved = _resolved(source, dataset_id, given)
    with forks.moment:
        if isinstance(resolved, Files):
            job = client.upload(resolved.found, options)
        else:
            job = client.upload_made_files(resolved.file_count, resolved.schema, options)
    return jobs.Upload(job, resolved, ordered=given["ordered"])


def start_check(
    client: _core.Client | None,
    source: Source,
    dataset_id: str | None,
    **given: Unpack[CheckArguments],
) -> _core.Job[CheckReport] | tuple[_core.FrameChecker, Frames]:
    """Start to check files; of frames, give what they are still to be added to.

    `client` is needed with a dataset only.
    """
    trial: UploadArguments = {**given, "concurrency": None, "dry_run": True}
    options, resolved = _resolved(source, dataset_id, trial, check=False)
    if isinstance(resolved, Files):
        with forks.moment:
            return _core.check_files(client, resolved.found, options)
    return _core.FrameChecker(options), resolved


def check(
    client: _core.Client | None,
    source: Source,
    dataset_id: str | None = None,
    **given: Unpack[CheckArguments],
) -> CheckReport:
    """Check; `client` is needed with a dataset only."""
    if client is not None:
        ask_first(client, source, dataset_id, dry_run=True)
    started = start_check(client, source, dataset_id, **given)
    if not isinstance(started, tuple):
        return jobs.result_of(started)
    checker, frames = started
    jobs.add_all(frames, checker)
    return jobs.with_notes(jobs.result_of(checker.finish(client, dataset_id)), frames)


def start_download(
    client: _core.Client,
    dataset_id: str,
    files: str | Sequence[str] | None,
    output_path: str | os.PathLike[str] | None,
    *,
    concurrency: int | None,
    overwrite: bool,
) -> _core.Job[list[str]]:
    """Start a download."""
    return client.download_from_dataset(
        checked_id(dataset_id),
        None if files is None else values.text_or_texts("files", files),
        "." if output_path is None else values.path("output_path", output_path),
        settings.concurrency(concurrency),
        values.flag("overwrite", overwrite),
    )


def _resolved(
    source: Source,
    dataset_id: str | None,
    given: UploadArguments,
    *,
    check: bool = True,
) -> tuple[UploadOptions, Files | Frames]:
    """Make options of the arguments, and files or frames of the source."""
    options = UploadOptions(
        dataset_id=None if dataset_id is None else checked_id(dataset_id),
        names=None,
        concurrency=settings.concurrency(given["concurrency"]),
        ordered=values.flag("ordered", given["ordered"]),
        cast=_is_cast(given["on_mismatch"]),
        recompress=values.flag("recompress", given["recompress"]),
        hive=None,
        dry_run=values.flag("dry_run", given["dry_run"]),
    )
    options["hive"] = _checked_hive(given["hive"])
    resolved = resolve(
        source,
        given["names"],
        recursive=given["recursive"],
        exclude=given["exclude"],
        rows_per_file=given["rows_per_file"],
        cast=options["cast"],
        check=check,
        is_trial=options["dry_run"],
    )
    if not isinstance(resolved, Paths):
        _refuse_hive_of_frames(options["hive"])
        return options, resolved
    files = find(resolved)
    options["names"] = files.names
    return options, files


def checked_id(dataset_id: object) -> str:
    """Refuse what is no id before anything is done with it: a report is an easy mistake.

    Raises:
        TypeError: It is no `str`.
    """
    if isinstance(dataset_id, str):
        return dataset_id
    hint = "; pass its dataset_id" if hasattr(dataset_id, "dataset_id") else ""
    message = f"dataset_id takes the id of a dataset, not {type(dataset_id).__name__}{hint}"
    raise TypeError(message)


def _is_cast(on_mismatch: OnMismatch) -> bool:
    if not isinstance(on_mismatch, str) or on_mismatch not in {"error", "cast"}:
        message = f"on_mismatch must be 'error' or 'cast', not {on_mismatch!r}"
        raise ConfigurationError(message)
    return on_mismatch == "cast"


def _refuse_hive_of_frames(told: object) -> None:
    if told:
        message = "hive is about folders on the way to files, and the source has frames"
        raise ConfigurationError(message)


def _checked_hive(hive: object) -> bool | dict[str, str] | None:
    if hive is None or isinstance(hive, bool):
        return hive
    if not isinstance(hive, Mapping):
        message = f"hive takes True, False, or a dict of types, not {type(hive).__name__}"
        raise TypeError(message)
    types: dict[str, str] = {values.text("a key of hive", name): hive[name] for name in hive}
    for name, kind in types.items():
        if kind not in get_args(ColumnType):
            known = ", ".join(get_args(ColumnType))
            message = f"hive has {kind!r} for {name}; types are {known}"
            raise ConfigurationError(message)
    return types
