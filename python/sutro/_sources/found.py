"""Finds the files of paths, globs and folders, and their names."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from sutro import _core
from sutro._run.driver import Driver, here
from sutro._run.warn import warn
from sutro._sources.files import Files
from sutro.errors import ConfigurationError

if TYPE_CHECKING:
    from sutro._sources.paths import Paths


def find(source: Paths) -> Files:
    """Find the files of a source. Warn about those that it leaves out.

    Raises:
        ConfigurationError: The source matches nothing, or the names do not fit the files.
        FileAccessError: A folder cannot be read.
    """
    found = here(Driver.result_of, lambda: _core.find_files(source.options))
    for note in found.notes:
        warn(note)
    return Files(found, _names(source, found))


def _names(source: Paths, found: _core.FoundFiles) -> list[str] | None:
    names = source.names
    if names == "path":
        return [name if name is not None else "" for name in found.path_names]
    if callable(names):
        return [_name_from(names(Path(path)), path) for path in found.paths]
    if names is not None and source.is_named_by_dict:
        _check_one_file_each(source, found)
    return None if names is None else list(names)


def _name_from(name: object, path: str) -> str:
    if isinstance(name, str):
        return name
    message = f"`names` returned {type(name).__name__} for {path}; it must return a str"
    raise TypeError(message)


def _check_one_file_each(source: Paths, found: _core.FoundFiles) -> None:
    """Reject a folder or a glob to which a dict gives one name."""
    counts = Counter(found.sources)
    for index, path in enumerate(source.options["paths"]):
        if counts[index] > 1:
            name = source.names[index] if isinstance(source.names, list) else ""
            message = (
                f"a dict gives each file a name, but {path}, which it names {name!r}, is "
                f"{counts[index]:,} files; pass it without a dict, and set `names` if the files "
                f"need other names"
            )
            raise ConfigurationError(message)
