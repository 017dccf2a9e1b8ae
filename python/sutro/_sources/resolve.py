"""Resolves the caller's source to paths or frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from sutro import _core
from sutro._run import values
from sutro._sources.batch import frames_of
from sutro._sources.foreign import names_of
from sutro._sources.items import is_path, items_of, reads_once
from sutro._sources.limits import FileLimits
from sutro._sources.paths import Paths, ShellPaths, paths_of
from sutro.errors import ConfigurationError

if TYPE_CHECKING:
    from sutro._sources.frames import Frames
    from sutro.options import UploadOptions
    from sutro.sources import EngineFrame, NamesOption, Source, StorageOptions

_USED_UP = "the source can be read only once, and has been read; create it again to upload it"

ONLY_FOR_FILES = (
    "`recursive`, `exclude` and `storage_options` only apply to files, but the source contains "
    "frames"
)
"""Rejects these arguments for every kind of frame."""


def resolve(
    source: Source | EngineFrame,
    names: NamesOption | None = None,
    *,
    recursive: bool = False,
    exclude: str | Sequence[str] = (),
    storage_options: StorageOptions | None = None,
    rows_per_file: int | None = None,
    check: bool = True,
    options: UploadOptions,
    preflight: _core.Preflight | None = None,
) -> Paths | Frames:
    """Resolve a source. With `check`, check the names of frames at once.

    If nothing is uploaded, a source that was used up gets a note.

    Raises:
        TypeError: It cannot be uploaded.
        ConfigurationError: The arguments do not fit each other, or the source is empty.
        SchemaMismatchError: The frames of a list differ, or differ from the dataset.
        FileExistsInDatasetError: The dataset has names of it, and a stream would be used up.
    """
    if isinstance(source, Mapping) and names is not None:
        message = "`names` cannot be used with a dict, whose keys are the names"
        raise ConfigurationError(message)
    names = _checked_names(names)
    if rows_per_file is not None:
        rows_per_file = values.count("rows_per_file", rows_per_file)
    recursive = values.flag("recursive", recursive)
    excluded = values.text_or_texts("exclude", exclude)
    stored = values.storage_options(storage_options)
    items, count = items_of(source)
    first = next(items, None)
    if first is None:
        was_read = ", or was already read: an iterator can be read only once"
        message = "there is nothing to upload: the source is empty"
        raise ConfigurationError(message + (was_read if isinstance(source, Iterator) else ""))
    items = chain([first], items)
    if is_path(first[1]):
        if rows_per_file is not None:
            message = "`rows_per_file` only applies to frames, but the source contains files"
            raise ConfigurationError(message)
        return paths_of(
            items,
            names,
            has_order=count is not None,
            is_of_a_shell=isinstance(source, ShellPaths),
            recursive=recursive,
            exclude=excluded,
            storage_options=stored,
        )
    if names == "path" or callable(names):
        message = (
            "`names` can derive names from paths only, but the source contains frames; pass a list "
            "of names, or a dict"
        )
        raise ConfigurationError(message)
    if recursive or excluded or stored:
        raise ConfigurationError(ONLY_FOR_FILES)
    if options["merge_row_groups"]:
        message = "row groups can only be merged in files, but the source contains frames"
        raise ConfigurationError(message)
    known = [name for name, _ in names_of(source)] if isinstance(source, Mapping) else names
    if check and known is not None:
        _core.check_names(list(known))
    limits = FileLimits(rows_per_file, options["target_file_size"])
    # The encoder applies it.
    options["target_file_size"] = None
    frames = frames_of(
        items, count, names, limits, check=check, options=options, preflight=preflight
    )
    is_used_up = options["dry_run"] and reads_once(source)
    return replace(frames, note=_USED_UP) if is_used_up else frames


def _checked_names(names: NamesOption | None) -> NamesOption | None:
    if isinstance(names, str) and names != "path":
        message = f"names must be a list with a name for each file, or 'path', not {names!r}"
        raise TypeError(message)
    if names is None or isinstance(names, str) or callable(names):
        return names
    return values.texts("names", names)
