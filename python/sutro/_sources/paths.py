"""Paths, globs and folders."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sutro import _core
from sutro._sources.items import Items, is_path, not_a_source
from sutro.errors import ConfigurationError, SutroWarning
from sutro.options import PathOptions

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from sutro.sources import NamesOption


@dataclass(frozen=True, slots=True)
class Paths:
    """Paths, globs and folders; the core looks for their files."""

    options: PathOptions = field(repr=False)  # may contain secrets
    names: list[str] | Literal["path"] | Callable[[pathlib.Path], str] | None
    is_named_by_dict: bool


class ShellPaths(list[str]):
    """Paths that a shell made out of a glob: they have what a folder or a glob leaves out."""


def paths_of(
    items: Items,
    names: NamesOption | None,
    *,
    has_order: bool,
    is_of_a_shell: bool,
    recursive: bool,
    exclude: list[str],
    storage_options: dict[str, str],
) -> Paths:
    """Take items for paths; `has_order` tells that they come as their owner put them.

    Raises:
        TypeError: One of them is no path.
        ConfigurationError: The name of one is no text.
    """
    paths, keys = _paths(items, has_order=has_order)
    options = PathOptions(
        paths=paths,
        recursive=recursive,
        exclude=exclude,
        is_of_a_shell=is_of_a_shell,
        storage_options=storage_options,
    )
    if names is None or names == "path" or callable(names):
        return Paths(options, keys or names, is_named_by_dict=bool(keys))
    return Paths(options, list(names), is_named_by_dict=False)


def _paths(items: Items, *, has_order: bool) -> tuple[list[str], list[str]]:
    """Paths, and the names that a dict gives them."""
    pairs = [(name, _path(item)) for name, item in items]
    paths = [path for _, path in pairs]
    keys = [name for name, _ in pairs if name is not None]
    if not has_order and paths != _core.in_natural_order(paths):
        warnings.warn(
            "the paths are not in the order of their names (part-2 before part-10), and are "
            "uploaded as they come; pass a folder or a glob to have them sorted, or a list",
            SutroWarning,
            stacklevel=2,
        )
    return paths, keys


def _path(item: object) -> str:
    if isinstance(item, str | os.PathLike) and is_path(item):
        path = os.path.expanduser(item)  # noqa: PTH111 - a glob is not a path
        if isinstance(path, str):
            return in_unicode(path)
    raise TypeError(not_a_source(item, "a path"))


def in_unicode(path: str) -> str:
    """Refuse a path whose bytes are no text: a name in a dataset is one.

    Raises:
        ConfigurationError: It is such a path.
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        message = f"{path!r} cannot be uploaded: its name is not UTF-8; rename it"
        raise ConfigurationError(message) from None
    return path
