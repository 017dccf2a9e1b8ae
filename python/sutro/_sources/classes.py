"""Classes of libraries that are not imported."""

from __future__ import annotations

from sutro.sources import ArrowStream


def is_a(item: object, library: str, *names: str) -> bool:
    """Tell whether an object is of a class of a library, or of one derived from it."""
    return is_derived(type(item), library, *names)


def is_derived(kind: type, library: str, *names: str) -> bool:
    """Tell whether a class is one of a library, or derived from it."""
    return any(
        base.__module__.partition(".")[0].lstrip("_") == library and base.__name__ in names
        for base in kind.__mro__
    )


_KNOWN = frozenset(
    {"pandas", "polars", "pyarrow", "duckdb", "arro3", "nanoarrow", "datasets", "sutro"}
)


def is_of_known_library(item: object) -> bool:
    """Tell whether an object is a frame of a library that is known."""
    return known_library_of(item) in _KNOWN


def is_wrapper(frame: object) -> bool:
    """Tell whether a frame is of a class that nobody knows: what it wraps may be anything."""
    return isinstance(frame, ArrowStream) and not is_of_known_library(frame)


def known_library_of(item: object) -> str:
    """Name the library whose kind of frame an object is: the nearest one that is known."""
    for base in type(item).__mro__:
        library = base.__module__.partition(".")[0].lstrip("_")
        if library in _KNOWN:
            return library
    return type(item).__module__.partition(".")[0]


def class_name(item: object) -> str:
    """Name the class of an object in messages."""
    kind = type(item)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
