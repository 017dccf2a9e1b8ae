"""Recognises pandas frames without importing pandas."""

from __future__ import annotations

import warnings
from typing import Any

from sutro._sources.classes import is_a
from sutro.errors import SutroWarning


def without_index(frame: Any, *, warn: bool = True) -> Any:
    """Drop the index of a pandas frame. Some versions of pandas export it as a column.

    Warns if the index contains more than row numbers.
    """
    if not is_a(frame, "pandas", "DataFrame"):
        return frame
    index = frame.index
    names = [str(name) for name in index.names if name is not None]
    is_range = is_a(index, "pandas", "RangeIndex") and index.step == 1
    if is_range and not names and index.start == 0:
        return frame
    if warn and not (is_range and not names):
        _warn_of_dropped(names)
    return frame.reset_index(drop=True)


def warn_of_index(columns: list[str], *, is_dropped: bool) -> None:
    """Warn of columns of a stream that are the index of a pandas frame."""
    if is_dropped and columns:
        _warn_of_dropped([name for name in columns if not name.startswith("__index_level_")])
    elif columns:
        warnings.warn(
            f"the index of a pandas frame ({', '.join(columns)}) is uploaded as a column, because "
            f"the table has it as one; create the table with preserve_index=False to leave it out",
            SutroWarning,
            stacklevel=2,
        )


def _warn_of_dropped(names: list[str]) -> None:
    what = f"index {', '.join(names)}" if names else "index"
    warnings.warn(
        f"the {what} of a pandas frame is not uploaded; reset_index() makes it a column, "
        f"reset_index(drop=True) silences this warning",
        SutroWarning,
        stacklevel=2,
    )


def unsupported_column(frame: Any) -> tuple[str, str] | None:
    """Find the column that pandas cannot convert to Arrow, and say why."""
    for position, name in enumerate(frame.columns):
        column = frame.iloc[:, [position]]
        try:
            column.__arrow_c_stream__()
        except Exception:  # noqa: BLE001 - whatever the library raises
            return str(name), _what_is_in(column.iloc[:, 0], str(name))
    return None


def _what_is_in(column: Any, name: str) -> str:
    """Return `holds int and str, ...`, with code that converts it to one type."""
    if str(column.dtype) == "object":
        kinds = sorted({type(value).__name__ for value in column.dropna()})
        what = " and ".join([", ".join(kinds[:-1]), kinds[-1]] if len(kinds) > 1 else kinds)
    else:
        what = str(column.dtype)
    cast = "sparse.to_dense()" if str(column.dtype).startswith("Sparse") else "astype('string')"
    fix = f"df[{name!r}] = df[{name!r}].{cast}"
    return f"holds {what}, which Arrow does not support; convert it: {fix}"
