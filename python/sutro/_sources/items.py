"""The things in a source, one by one, with the names that a dict gives them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, KeysView, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from sutro import _core
from sutro.sources import ArrowStream

Items: TypeAlias = Iterator[tuple[str | None, object]]

MadeFile: TypeAlias = tuple[str | None, _core.TemporaryParquet]
"""A file with its name in the dataset, or None to number it."""


def items_of(source: object) -> tuple[Items, int | None]:
    """Things with their names, and how many they are where that is known."""
    if isinstance(source, Mapping):
        return iter(source.items()), len(source)
    if isinstance(source, str | os.PathLike) or is_frame(source):
        return iter([(None, source)]), 1
    # The keys of a dict have its order.
    if isinstance(source, AbstractSet) and not isinstance(source, KeysView):
        message = "a set has no order; pass a list"
        raise TypeError(message)
    if isinstance(source, Iterable):
        count = len(source) if isinstance(source, Sequence) else None
        return ((None, item) for item in source), count
    raise TypeError(not_a_source(source, "a path, a glob, a folder, a frame, or a list of them"))


def is_frame(item: object) -> bool:
    is_file = hasattr(item, "read") and hasattr(item, "seek")
    return is_file or isinstance(item, bytes | bytearray | memoryview | ArrowStream)


def not_a_source(item: object, expected: str) -> str:
    kind = f"{type(item).__module__}.{type(item).__qualname__}".removeprefix("builtins.")
    if hasattr(item, "collect"):
        return f"expected {expected}, not {kind}: call collect() first"
    if kind.startswith("pandas"):
        return f"expected {expected}, not {kind}; a pandas DataFrame needs pandas 2.2 or newer"
    return f"expected {expected}, not {kind}"
