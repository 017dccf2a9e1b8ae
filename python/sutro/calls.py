"""The arguments of `upload` and `check`, made into jobs of the core."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from sutro import _core, arguments, forks, jobs, settings
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

    from sutro._sources.frames import Frames
    from sutro.checks import CheckReport
    from sutro.sources import HiveOption, NamesOption, Source

OnMismatch: TypeAlias = Literal["error", "cast"]
"""What to do with files of another schema than the others."""


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


def start_upload(
    client: _core.Client,
    source: Source,
    dataset_id: str | None,
    *,
    concurrency: int | None,
    ordered: bool,
    names: NamesOption | None,
    hive: HiveOption | None,
    recursive: bool,
    exclude: str | Sequence[str],
    rows_per_file: int | None,
    on_mismatch: OnMismatch,
    recompress: bool,
    dry_run: bool,
) -> jobs.Upload:
    """Start an upload; frames are still to be made into files and fed to it."""
    options = _options(
        dataset_id,
        concurrency=concurrency,
        ordered=ordered,
        on_mismatch=on_mismatch,
        recompress=recompress,
        dry_run=dry_run,
    )
    told = _checked_hive(hive)
    resolved = resolve(
        source,
        names,
        recursive=recursive,
        exclude=exclude,
        rows_per_file=rows_per_file,
        cast=_is_cast(on_mismatch),
        is_trial=dry_run,
    )
    _refuse_hive_of_frames(resolved, told)
    if isinstance(resolved, Paths):
        files = find(resolved)
        options["names"], options["hive"] = files.names, told
        with forks.moment:
            job = client.upload(files.found, options)
        return jobs.Upload(job, files, ordered=ordered)
    options["hive"] = told
    with forks.moment:
        job = client.upload_made_files(resolved.file_count, resolved.schema, options)
    return jobs.Upload(job, resolved, ordered=ordered)


def start_check(
    client: _core.Client | None,
    source: Source,
    dataset_id: str | None,
    *,
    ordered: bool,
    names: NamesOption | None,
    hive: HiveOption | None,
    recursive: bool,
    exclude: str | Sequence[str],
    rows_per_file: int | None,
    on_mismatch: OnMismatch,
    recompress: bool,
) -> _core.Job[CheckReport] | tuple[_core.FrameChecker, Frames]:
    """Start to check files; of frames, give what they are still to be added to.

    `client` is needed with a dataset only.
    """
    options = _options(
        dataset_id,
        ordered=ordered,
        on_mismatch=on_mismatch,
        recompress=recompress,
        dry_run=True,
    )
    told = _checked_hive(hive)
    resolved = resolve(
        source,
        names,
        recursive=recursive,
        exclude=exclude,
        rows_per_file=rows_per_file,
        cast=_is_cast(on_mismatch),
        check=False,
        is_trial=True,
    )
    _refuse_hive_of_frames(resolved, told)
    if isinstance(resolved, Paths):
        files = find(resolved)
        options["names"], options["hive"] = files.names, told
        with forks.moment:
            return _core.check_files(client, files.found, options)
    options["hive"] = told
    return _core.FrameChecker(options), resolved


def check(
    client: _core.Client | None,
    source: Source,
    dataset_id: str | None = None,
    *,
    ordered: bool = True,
    names: NamesOption | None = None,
    hive: HiveOption | None = None,
    recursive: bool = False,
    exclude: str | Sequence[str] = (),
    rows_per_file: int | None = None,
    on_mismatch: OnMismatch = "error",
    recompress: bool = False,
) -> CheckReport:
    """Check; `client` is needed with a dataset only."""
    if client is not None:
        ask_first(client, source, dataset_id, dry_run=True)
    started = start_check(
        client,
        source,
        dataset_id,
        ordered=ordered,
        names=names,
        hive=hive,
        recursive=recursive,
        exclude=exclude,
        rows_per_file=rows_per_file,
        on_mismatch=on_mismatch,
        recompress=recompress,
    )
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
        None if files is None else arguments.text_or_texts("files", files),
        "." if output_path is None else arguments.path("output_path", output_path),
        settings.concurrency(concurrency),
        arguments.flag("overwrite", overwrite),
    )


def _options(
    dataset_id: str | None,
    *,
    concurrency: int | None = None,
    ordered: bool,
    on_mismatch: OnMismatch,
    recompress: bool,
    dry_run: bool,
) -> UploadOptions:
    return UploadOptions(
        dataset_id=None if dataset_id is None else checked_id(dataset_id),
        names=None,
        concurrency=settings.concurrency(concurrency),
        ordered=arguments.flag("ordered", ordered),
        cast=_is_cast(on_mismatch),
        recompress=arguments.flag("recompress", recompress),
        hive=None,
        dry_run=arguments.flag("dry_run", dry_run),
    )


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


def _refuse_hive_of_frames(source: Paths | Frames, told: object) -> None:
    if told and not isinstance(source, Paths):
        message = "hive is about folders on the way to files, and the source has frames"
        raise ConfigurationError(message)


def _checked_hive(hive: object) -> bool | dict[str, str] | None:
    if hive is None or isinstance(hive, bool):
        return hive
    if not isinstance(hive, Mapping):
        message = f"hive takes True, False, or a dict of types, not {type(hive).__name__}"
        raise TypeError(message)
    types: dict[str, str] = {arguments.text("a key of hive", name): hive[name] for name in hive}
    for name, kind in types.items():
        if kind not in get_args(ColumnType):
            known = ", ".join(get_args(ColumnType))
            message = f"hive has {kind!r} for {name}; types are {known}"
            raise ConfigurationError(message)
    return types
