"""Checks single arguments of public calls before anything else is done.

Errors name the argument, unlike those of the bindings.
"""

from __future__ import annotations

import json
import operator
import os
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

from sutro._sources.classes import is_a
from sutro.datasets import StagedFile
from sutro.errors import ConfigurationError

_MOST = 2**31 - 1
"""Larger counts make no difference."""
_MOST_BYTES = 2**63 - 1

_SIZE = re.compile(r"(?P<number>\d+(\.\d+)?) ?(?P<prefix>[kKMGT]?)(?P<binary>i?)B?")


def text(name: str, value: object) -> str:
    """Check a string.

    Raises:
        TypeError: It is not a string.
    """
    if isinstance(value, str):
        return value
    message = f"{name} must be a str, not {_kind(value)}"
    raise TypeError(message)


def flag(name: str, value: object) -> bool:
    """Check a bool; numpy's bools are accepted.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(value, bool) or is_a(value, "numpy", "bool", "bool_"):
        return bool(value)
    message = f"{name} must be True or False, not {_shown(value)}"
    raise TypeError(message)


def count(name: str, value: object, *, least: int = 1, most: int = _MOST) -> int:
    """Check an integer; numpy's integers are accepted.

    Raises:
        TypeError: It is not an integer.
        ConfigurationError: It is less than `least`.
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        message = f"{name} must be an integer, not {_shown(value)}"
        raise TypeError(message)
    if number < least:
        message = f"{name} must be at least {least}, not {number}"
        raise ConfigurationError(message)
    return min(number, most)


def size(name: str, value: object) -> int | None:
    """Check a number of bytes, or a text such as `256MB` or `1 GiB`. None stays None.

    Raises:
        TypeError: It is neither.
        ConfigurationError: The text is not a size, or less than one byte.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        try:
            return count(name, value, most=_MOST_BYTES)
        except TypeError:
            message = f"{name} must be a size such as '256MB', or bytes, not {_shown(value)}"
            raise TypeError(message) from None
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        message = f"{name} must be a size such as '256MB' or '1 GiB', not {value!r}"
        raise ConfigurationError(message)
    number, prefix, binary = match["number"], match["prefix"].upper(), match["binary"]
    power = " KMGT".index(prefix or " ")
    factor = (1024 if binary else 1000) ** power
    return count(name, int(float(number) * factor), most=_MOST_BYTES)


def texts(name: str, value: object) -> list[str]:
    """Check an ordered collection of strings, such as a list or a column.

    Raises:
        TypeError: It is not a list, has no order, or contains anything else.
    """
    is_list = isinstance(value, Iterable) and not isinstance(
        value, str | bytes | bytearray | Mapping | AbstractSet
    )
    if not is_list:
        message = f"{name} must be a list of str, not {_shown(value)}"
        raise TypeError(message)
    items: list[object] = list(value)  # type: ignore[call-overload]
    for place, item in enumerate(items):
        if not isinstance(item, str):
            message = f"{name} must be a list of str; item {place} is {_shown(item)}"
            raise TypeError(message)
    # numpy has its own class for strings.
    return [str(item) for item in items]


def text_or_texts(name: str, value: object) -> list[str]:
    """Check a string, or a list of strings.

    Raises:
        TypeError: It is neither.
    """
    return [str(value)] if isinstance(value, str) else texts(name, value)


def storage_options(value: object) -> dict[str, str]:
    """Accept options of a store. Errors do not repeat values, which may be secret.

    s3fs nests some in `client_kwargs`, and a `token` of gcsfs may be a dict.

    Raises:
        TypeError: It is not a dict, or has a name or a value of another type.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        message = f"storage_options must be a dict, not {_kind(value)}"
        raise TypeError(message)
    options = dict[str, str]()
    for name, given in value.items():
        if name == "client_kwargs" and isinstance(given, Mapping):
            options |= storage_options(given)
        elif name == "token" and isinstance(given, Mapping):
            options["token"] = json.dumps(dict(given))
        elif isinstance(given, bool):
            options[text("a name in storage_options", name)] = str(given).lower()
        elif isinstance(given, str | int | float):
            options[text("a name in storage_options", name)] = str(given)
        elif given is not None:
            message = f"storage_options has a value for {name!r} that is {_kind(given)}, not str"
            raise TypeError(message)
    return options


def path(name: str, value: object) -> str:
    """Check a path, and expand `~`.

    Raises:
        TypeError: It is not a path.
    """
    if isinstance(value, str | os.PathLike):
        return str(Path(value).expanduser())
    message = f"{name} must be a path, not {_kind(value)}"
    raise TypeError(message)


def path_or_url(name: str, value: object) -> str:
    """Check a path, whose `~` is expanded, or a URL, which stays as it is.

    Raises:
        TypeError: It is neither.
    """
    is_url = isinstance(value, str) and "://" in value
    return str(value) if is_url else path(name, value)


def dataset_id(value: object) -> str:
    """Check the id of a dataset. A report may be passed by mistake.

    Raises:
        TypeError: It is not a string.
    """
    if isinstance(value, str):
        return value
    hint = "; pass its dataset_id" if hasattr(value, "dataset_id") else ""
    message = f"dataset_id must be the id of a dataset, not {type(value).__name__}{hint}"
    raise TypeError(message)


def staged_files(value: object) -> list[StagedFile]:
    """Check the staged files of one or several calls of `stage`.

    Raises:
        TypeError: An item is not a staged file.
    """
    if isinstance(value, StagedFile) or not isinstance(value, Iterable):
        message = f"staged must be a list of sutro.StagedFile, not {_kind(value)}"
        raise TypeError(message)
    files: list[object] = list(value)
    for place, file in enumerate(files):
        if not isinstance(file, StagedFile):
            hint = "; join the lists of several workers first" if isinstance(file, list) else ""
            message = (
                f"staged must be a list of sutro.StagedFile; item {place} is {_kind(file)}{hint}"
            )
            raise TypeError(message)
    return [file for file in files if isinstance(file, StagedFile)]


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__


def _shown(value: object) -> str:
    """Return a value if it is short and plain, or the name of its class."""
    if isinstance(value, str | int | float | bytes) and len(repr(value)) <= 30:  # noqa: PLR2004
        return repr(value)
    return _kind(value)
