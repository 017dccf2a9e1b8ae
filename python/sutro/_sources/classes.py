"""Recognises classes of libraries that are not imported."""

from __future__ import annotations

from sutro.sources import ArrowStream


def is_a(item: object, library: str, *names: str) -> bool:
    """Return whether an object's class belongs to a library, or derives from one that does."""
    return is_derived(type(item), library, *names)


def is_derived(kind: type, library: str, *names: str) -> bool:
    """Return whether a class belongs to a library, or derives from one that does."""
    return any(
        base.__module__.partition(".")[0].lstrip("_") == library and base.__name__ in names
        for base in kind.__mro__
    )


_KNOWN = frozenset(
    {"pandas", "polars", "pyarrow", "duckdb", "arro3", "nanoarrow", "datasets", "sutro"}
)


def is_of_known_library(item: object) -> bool:
    """Return whether an object is a frame of a known library."""
    return known_library_of(item) in _KNOWN


def is_wrapper(frame: object) -> bool:
    """Return whether a frame's class is unknown, so that it may wrap a stream."""
    return isinstance(frame, ArrowStream) and not is_of_known_library(frame)


def known_library_of(item: object) -> str:
    """Name the library that an object's class belongs to: the nearest known one."""
    for base in type(item).__mro__:
        library = base.__module__.partition(".")[0].lstrip("_")
        if library in _KNOWN:
            return library
    return type(item).__module__.partition(".")[0]


def class_name(item: object) -> str:
    """Return the name of an object's class for messages."""
    kind = type(item)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
