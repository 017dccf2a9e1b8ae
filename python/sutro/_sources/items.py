"""The items of a source, with the names that a dict gives them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from sutro import _core
from sutro._sources import once
from sutro._sources.classes import class_name, is_wrapper
from sutro._sources.foreign import Stream, known, names_of
from sutro._sources.unknown import advice_for, advice_for_class
from sutro.errors import ConfigurationError
from sutro.sources import ArrowStream

Items: TypeAlias = Iterator[tuple[str | None, object]]

MadeFile: TypeAlias = tuple[str | None, _core.TemporaryParquet]
"""A file with its name in the dataset, or None to generate one."""

_SOURCES = "a path, a glob, a folder, a frame, or a list of them"


def items_of(source: object) -> tuple[Items, int | None]:
    """Return the items with their names, and their number if it is known."""
    source = known(source)
    if isinstance(source, Mapping):
        named = names_of(source)
        _check_unique([name for name, _ in named])
        return iter([(name, known(item)) for name, item in named]), len(named)
    if is_path(source) or is_frame(source):
        return iter([(None, source)]), 1
    if advice_for_class(source) is not None:
        raise TypeError(not_a_source(source, _SOURCES))
    # The keys of a dict are ordered.
    if isinstance(source, AbstractSet) and not isinstance(source, KeysView):
        message = "a set has no order; pass a list, for instance sorted(paths)"
        raise TypeError(message)
    if isinstance(source, Iterator):
        return ((None, known(item)) for item in once.peeked(source)), None
    if isinstance(source, Iterable):
        count = len(source) if isinstance(source, Sequence) else None
        return ((None, known(item)) for item in source), count
    raise TypeError(not_a_source(source, _SOURCES))


def reads_once(source: object, is_once: Callable[[object], bool] = once.is_one_shot) -> bool:
    """Return whether a source, or a part of it, can be read only once."""
    source = known(source)
    if is_path(source):
        return False
    if is_frame(source) or isinstance(source, Iterator):
        return is_once(source)
    items = _listed(source)
    return items is not None and any(is_once(known(item)) for item in items)


def may_be_once(item: object) -> bool:
    """Return whether an item can, or might, be read only once."""
    if is_path(item):
        return False
    is_once = isinstance(item, Stream) and item.may_be_once
    return is_once or once.is_one_shot(item) or is_wrapper(item)


def _listed(source: object) -> Sequence[object] | None:
    if isinstance(source, Mapping):
        return list(source.values())
    return source if isinstance(source, Sequence) else None


def count_of_frames(source: object) -> int | None:
    """Count the frames of a source before any is read; None if the number is unknown."""
    source = known(source)
    if is_path(source) or is_frame(source):
        return int(is_frame(source))
    if not isinstance(source, Mapping | Sequence):
        return None
    first = next(iter(source.values() if isinstance(source, Mapping) else source), None)
    return 0 if is_path(first) else len(source)


def is_path(item: object) -> bool:
    """Return whether an object is a path. Open files of some libraries have a path as well."""
    return isinstance(item, str | os.PathLike) and not hasattr(item, "read")


def is_frame(item: object) -> bool:
    """Return whether an object is a frame, bytes, or an open file."""
    if isinstance(item, type):
        return False
    is_file = hasattr(item, "read") and hasattr(item, "seek")
    return is_file or isinstance(item, bytes | bytearray | memoryview | ArrowStream)


def not_a_source(item: object, expected: str) -> str:
    """Return the message for an object that is not a source, with advice."""
    kind = class_name(item)
    if is_path(item) or is_frame(item):
        return (
            f"expected {expected}, not {kind}: a list contains either paths or frames; upload them "
            f"one after the other to the same dataset"
        )
    advice = advice_for(item)
    if advice is not None:
        return f"expected {expected}, not {kind}: {advice}"
    if kind.startswith("pandas"):
        return f"expected {expected}, not {kind}; a pandas DataFrame needs pandas 2.2 or newer"
    return f"expected {expected}, not {kind}"


def _check_unique(names: list[str]) -> None:
    name, count = Counter(names).most_common(1)[0] if names else ("", 0)
    if count > 1:
        message = f"the dict has {count} keys that are {name!r} as strings; use different names"
        raise ConfigurationError(message)
