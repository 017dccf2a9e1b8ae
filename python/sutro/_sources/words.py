"""Converts errors of other libraries to a `FrameError` with code that fixes them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sutro._sources import pandas
from sutro._sources.classes import is_a, known_library_of
from sutro._sources.foreign import Stream
from sutro.errors import FrameError, SutroError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def in_words(frame: object, label: str) -> Iterator[None]:
    """Convert an error of a frame's library to a `FrameError`.

    Raises:
        FrameError: The frame cannot be encoded.
    """
    try:
        yield
    except FrameError as error:
        if error.column is None:
            raise
        fix = fix_for(
            frame.library if isinstance(frame, Stream) else library_of(frame),
            error.column,
            error.data_type or "",
        )
        if fix is None:
            raise
        msg = f"{error}; {fix}"
        raise FrameError(msg, frame=label, column=error.column, data_type=error.data_type) from None
    except (SutroError, Warning, MemoryError):
        raise
    except Exception as error:
        raise _foreign(frame, label, error) from error


def _foreign(frame: object, label: str, error: Exception) -> FrameError:
    if is_a(frame, "pandas", "DataFrame"):
        unsupported = pandas.unsupported_column(frame)
        if unsupported is not None:
            column, words = unsupported
            return FrameError(f"{label}: column {column!r} {words}", frame=label, column=column)
    words = ", ".join(str(part) for part in error.args) or type(error).__name__
    return FrameError(f"{label}: {library_of(frame)} cannot export its rows: {words}", frame=label)


def library_of(frame: object) -> str:
    """Name the library of a frame."""
    return frame.library if isinstance(frame, Stream) else known_library_of(frame)


def fix_for(library: str, column: str, data_type: str) -> str | None:
    """Return code that fixes a column, for its library."""
    kind = data_type.partition("(")[0]
    lines = _LINES.get(library, {})
    if "." in column or kind not in lines:
        return _IN_GENERAL.get(kind)
    return lines[kind].replace("COLUMN", repr(column)).replace("NAME", column.replace('"', '""'))


_COLUMN_OF_ARROW = (
    "table = table.set_column(table.schema.get_field_index(COLUMN), COLUMN, "
    "table[COLUMN].cast(pa.int64()))"
)

_LINES: dict[str, dict[str, str]] = {
    "pandas": {
        "Duration": "as seconds: df[COLUMN] = df[COLUMN].dt.total_seconds()",
        "pandas.period": "as times: df[COLUMN] = df[COLUMN].dt.to_timestamp()",
        "Timestamp": "as text: df[COLUMN] = df[COLUMN].astype('string')",
        "Date64": "with its time: df[COLUMN] = df[COLUMN].astype('datetime64[ms]')",
    },
    "polars": {
        "Duration": "as seconds: df = df.with_columns(pl.col(COLUMN).dt.total_seconds())",
        "Struct": "drop it: df = df.drop(COLUMN)",
    },
    "pyarrow": {
        "Duration": f"as a number: {_COLUMN_OF_ARROW}",
        "Timestamp": f"as a number: {_COLUMN_OF_ARROW}",
        "Time32": f"as a number: {_COLUMN_OF_ARROW.replace('int64', 'int32')}",
        "Date64": "with its time: " + _COLUMN_OF_ARROW.replace("int64()", 'timestamp("ms")'),
        "Struct": "drop it: table = table.drop_columns([COLUMN])",
    },
    "duckdb": {
        "Interval": 'as seconds: select * replace (epoch("NAME") as "NAME") from ...',
        "Union": 'as text: select * replace ("NAME"::varchar as "NAME") from ...',
    },
}
"""Code for columns of each library; other libraries get `_IN_GENERAL`."""

_IN_GENERAL = {
    "Duration": "make it a number of seconds",
    "Interval": "make it a number of days or seconds, or text",
    "Union": "make a column of each of its types",
    "pandas.period": "make it a timestamp, or text",
    "Timestamp": "make it a number, or text",
    "Date64": "make it a timestamp in milliseconds",
    "Time32": "make it a number",
    "Struct": "drop it",
}
