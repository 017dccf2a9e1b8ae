"""From what the caller passed to paths or frames."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from sutro import _core
from sutro._sources.frames import Frames, frames_of
from sutro._sources.items import items_of
from sutro._sources.paths import Paths, ShellPaths, paths_of
from sutro.errors import ConfigurationError

if TYPE_CHECKING:
    from sutro.sources import NamesOption, Source


def resolve(
    source: Source,
    names: NamesOption | None = None,
    *,
    recursive: bool = False,
    exclude: str | Sequence[str] = (),
    rows_per_file: int | None = None,
    cast: bool = False,
    check: bool = True,
) -> Paths | Frames:
    """Tell what a source is. With `check` a list of frames is checked for one schema at once.

    Raises:
        TypeError: It is nothing that can be uploaded.
        ConfigurationError: The arguments do not fit each other, or the source is empty.
        SchemaMismatchError: The frames of a list differ.
    """
    if isinstance(names, str) and names != "path":
        message = f"names takes a list with a name for each file, or 'path', not {names!r}"
        raise TypeError(message)
    if isinstance(source, Mapping) and names is not None:
        message = "a dict gives the names; leave names out"
        raise ConfigurationError(message)
    items, count = items_of(source)
    first = next(items, None)
    if first is None:
        message = "there is nothing to upload: the source is empty"
        raise ConfigurationError(message)
    items = chain([first], items)
    if isinstance(first[1], str | os.PathLike):
        if rows_per_file is not None:
            message = "rows_per_file cuts frames; files are uploaded as they are"
            raise ConfigurationError(message)
        return paths_of(
            items,
            names,
            has_order=count is not None,
            is_of_a_shell=isinstance(source, ShellPaths),
            recursive=recursive,
            exclude=exclude,
        )
    if names == "path" or callable(names):
        message = "names makes names of paths, and the source has frames: pass a list, or a dict"
        raise ConfigurationError(message)
    if recursive or exclude:
        message = "recursive and exclude are about files, and the source has frames"
        raise ConfigurationError(message)
    known = [str(key) for key in source] if isinstance(source, Mapping) else names
    if check and known is not None:
        _core.check_names(list(known))
    return frames_of(items, count, names, rows_per_file, cast=cast, check=check)
