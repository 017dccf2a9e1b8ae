"""Arguments of the public calls, looked at before anything is done with them.

What the core would refuse in the words of its binding is refused here, by its name.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

from sutro._sources.classes import is_a
from sutro.errors import ConfigurationError

_MOST = 2**31 - 1
"""More than this many of anything is as good as this many."""


def text(name: str, value: object) -> str:
    """Take text.

    Raises:
        TypeError: It is none.
    """
    if isinstance(value, str):
        return value
    message = f"{name} takes a str, not {_kind(value)}"
    raise TypeError(message)


def flag(name: str, value: object) -> bool:
    """Take True or False, also those of numpy.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(value, bool) or is_a(value, "numpy", "bool", "bool_"):
        return bool(value)
    message = f"{name} takes True or False, not {_shown(value)}"
    raise TypeError(message)


def count(name: str, value: object, *, least: int = 1) -> int:
    """Take an integer, also one of numpy.

    Raises:
        TypeError: It is not an integer.
        ConfigurationError: It is less than `least`.
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        message = f"{name} takes an integer, not {_shown(value)}"
        raise TypeError(message)
    if number < least:
        message = f"{name} must be at least {least}, not {number}"
        raise ConfigurationError(message)
    return min(number, _MOST)


def texts(name: str, value: object) -> list[str]:
    """Take texts that have an order: a list, or a column of them.

    Raises:
        TypeError: It is no list, has no order, or holds something else.
    """
    is_list = isinstance(value, Iterable) and not isinstance(
        value, str | bytes | bytearray | Mapping | AbstractSet
    )
    if not is_list:
        message = f"{name} takes a list of str, not {_shown(value)}"
        raise TypeError(message)
    items: list[object] = list(value)  # type: ignore[call-overload]
    for place, item in enumerate(items):
        if not isinstance(item, str):
            message = f"{name} takes a list of str; item {place} is {_shown(item)}"
            raise TypeError(message)
    # A string of numpy is one of its own class.
    return [str(item) for item in items]


def text_or_texts(name: str, value: object) -> list[str]:
    """Take one text, or a list of them.

    Raises:
        TypeError: It is neither.
    """
    return [str(value)] if isinstance(value, str) else texts(name, value)


def path(name: str, value: object) -> str:
    """Take the path of a file or folder; `~` is the home folder.

    Raises:
        TypeError: It is none.
    """
    if isinstance(value, str | os.PathLike):
        return str(Path(value).expanduser())
    message = f"{name} takes a path, not {_kind(value)}"
    raise TypeError(message)


def dataset_id(value: object) -> str:
    """Take the id of a dataset. A report in its place is an easy mistake.

    Raises:
        TypeError: It is no `str`.
    """
    if isinstance(value, str):
        return value
    hint = "; pass its dataset_id" if hasattr(value, "dataset_id") else ""
    message = f"dataset_id takes the id of a dataset, not {type(value).__name__}{hint}"
    raise TypeError(message)


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__


def _shown(value: object) -> str:
    """A value where it is short and plain, else its class."""
    if isinstance(value, str | int | float | bytes) and len(repr(value)) <= 30:  # noqa: PLR2004
        return repr(value)
    return _kind(value)
