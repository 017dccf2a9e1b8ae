"""The types of what can be uploaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol, TypeAlias, runtime_checkable


@runtime_checkable
class ArrowStream(Protocol):
    """A DataFrame or table of any library: pandas, polars, pyarrow, duckdb, ..."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Give the rows as an Arrow C stream."""


class LazyTable(Protocol):
    """A query whose rows are made as they are uploaded: a `LazyFrame` of polars."""

    def collect_schema(self) -> object:
        """Give the columns and their types."""


StrPath: TypeAlias = str | os.PathLike[str]

Frame: TypeAlias = ArrowStream | LazyTable | bytes | BinaryIO
"""A DataFrame or table of any library, also a lazy one, a Hugging Face dataset, a dataset of
pyarrow or a `DeltaTable`; or a parquet file as bytes or as an open binary file."""

Source: TypeAlias = (
    StrPath
    | Frame
    | Iterable[StrPath]
    | Iterable[Frame]
    | Mapping[Any, StrPath]
    | Mapping[Any, Frame]
)
"""What can be uploaded: a path, a glob, a folder, or a list of them; a frame, or a list or
generator of them; a dict gives names."""

NamesOption: TypeAlias = Sequence[str] | Callable[[Path], str]
"""Names in the dataset: a list with one for each file; "path", which makes them of the paths below
the source (`2024/a.parquet` is `2024,a.parquet`); or a function from a file's path to its name."""

ColumnType: TypeAlias = Literal["bool", "date", "double", "int32", "int64", "string", "timestamp"]
"""A type of a column that folders tell."""

HiveOption: TypeAlias = bool | Mapping[str, ColumnType]
"""Whether the columns that folders tell (`year=2024`) are written into the files; a dict has types
for some of them, such as `{"zip": "string"}`."""
