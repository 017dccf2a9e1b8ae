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
    """Paths, globs and folders, before the core finds their files."""

    options: PathOptions = field(repr=False)  # may contain secrets
    names: list[str] | Literal["path"] | Callable[[pathlib.Path], str] | None
    is_named_by_dict: bool


class ShellPaths(list[str]):
    """Paths that a shell expanded from a glob, with entries that folders leave out."""


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
    """Check items as paths. `has_order` says that the caller chose their order.

    Raises:
        TypeError: An item is not a path.
        ConfigurationError: A name is not valid text.
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
    """Return paths, and the names that a dict gives them."""
    pairs = [(name, _path(item)) for name, item in items]
    paths = [path for _, path in pairs]
    keys = [name for name, _ in pairs if name is not None]
    if not has_order and paths != _core.in_natural_order(paths):
        warnings.warn(
            "the paths are not in natural order (part-2 before part-10), and are uploaded in the "
            "given order; pass a folder or a glob to have them sorted, or a list",
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
    """Reject a path whose bytes are not valid text, because names in a dataset are.

    Raises:
        ConfigurationError: It is such a path.
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        message = f"{path!r} cannot be uploaded: its name is not UTF-8; rename it"
        raise ConfigurationError(message) from None
    return path
