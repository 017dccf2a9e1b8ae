"""Types of sources and of the arguments about them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol, TypeAlias, runtime_checkable


@runtime_checkable
class ArrowStream(Protocol):
    """A DataFrame or table of any library: pandas, polars, pyarrow, duckdb, ..."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the rows as an Arrow C stream."""


class LazyTable(Protocol):
    """A query whose rows are computed during the upload: a `LazyFrame` of polars."""

    def collect_schema(self) -> object:
        """Return the columns and their types."""


StrPath: TypeAlias = str | os.PathLike[str]

Frame: TypeAlias = ArrowStream | LazyTable | bytes | BinaryIO
"""A DataFrame or table of any library, also a lazy one, a Hugging Face dataset, a dataset of
pyarrow or a `DeltaTable`; or a Parquet file as bytes or as an open binary file."""

Source: TypeAlias = (
    StrPath
    | Frame
    | Iterable[StrPath]
    | Iterable[Frame]
    | Mapping[Any, StrPath]
    | Mapping[Any, Frame]
)
"""What to upload: a path, a glob, a folder, a URL, or a list of them; a frame, or a list or
generator of them. A dict also names them."""


class DaskFrame(Protocol):
    """A frame of Dask."""

    @property
    def to_delayed(self) -> Any:
        """Return its partitions."""


class RayDataset(Protocol):
    """A dataset of Ray Data."""

    @property
    def write_datasink(self) -> Any:
        """Write it."""


class SparkFrame(Protocol):
    """A frame of Spark."""

    @property
    def mapInArrow(self) -> Any:  # noqa: N802 - of Spark
        """Apply a function to its partitions."""


EngineFrame: TypeAlias = DaskFrame | RayDataset | SparkFrame
"""A frame of Dask, Ray or Spark, whose workers send its partitions. A frame of Daft is a `Frame`,
and is sent in the same way."""

NamesOption: TypeAlias = Sequence[str] | Callable[[Path], str]
"""Names in the dataset: a list with one name per file; "path", to make them from the paths below
the source (`2024/a.parquet` becomes `2024,a.parquet`); or a function from a path to a name."""

StorageOptions: TypeAlias = Mapping[str, str | bool | float | Mapping[str, Any] | None]
"""Options of the stores of `s3://`, `gs://`, `az://` and `hf://` URLs, under the names that polars,
deltalake and fsspec use: `{"aws_region": "eu-central-1"}`. Also the `config` of a store of obstore,
and the `storage_options` of a filesystem of s3fs, gcsfs or adlfs."""

ColumnType: TypeAlias = Literal["bool", "date", "double", "int32", "int64", "string", "timestamp"]
"""Type of a column from folder names."""

HiveOption: TypeAlias = bool | Mapping[str, ColumnType]
"""Whether to write columns from folder names (`year=2024`) into the files; a dict sets the types of
some of them, such as `{"zip": "string"}`."""
