"""The types of what can be uploaded."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import BinaryIO, Protocol, TypeAlias, runtime_checkable


@runtime_checkable
class ArrowStream(Protocol):
    """A DataFrame or table of any library: pandas, polars, pyarrow, duckdb, ..."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Give the rows as an Arrow C stream."""


Path: TypeAlias = str | os.PathLike[str]

Frame: TypeAlias = ArrowStream | bytes | BinaryIO
"""A DataFrame or table of any library, or a parquet file as bytes or as an open binary file."""

Source: TypeAlias = (
    Path | Frame | Iterable[Path] | Iterable[Frame] | Mapping[str, Path] | Mapping[str, Frame]
)
"""What can be uploaded: a path, a glob, a folder, or a list of them; a frame, or a list or
generator of them; a dict gives names."""
