"""Recognises tables of other libraries by their classes. No library is imported."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sutro._run.warn import warn
from sutro._sources.classes import class_name, is_derived

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_BATCH_ROWS = 100_000
"""Number of rows to request at a time from a library without a batch size."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A frame whose rows come from a reader that is created for each use."""

    library: str
    reader: Callable[[], Any]
    head: Callable[[], Any] | None = None
    """Returns an object with the schema, if creating a reader is more expensive."""
    may_be_once: bool = False
    """A second reader may not have the rows any more."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the rows as an Arrow C stream."""
        return self.reader().__arrow_c_stream__(requested_schema)


@dataclass(frozen=True, slots=True)
class Kind:
    """Classes of a library, and the conversion of their objects."""

    library: str
    classes: tuple[str, ...]
    resolve: Callable[[Any], object]

    def matches(self, kind: type) -> bool:
        """Return whether a class is one of these, or derives from one."""
        return is_derived(kind, self.library, *self.classes)


def known(item: object) -> object:
    """Convert an object of another library to a source. Other objects are returned unchanged.

    Raises:
        TypeError: It cannot be uploaded. The message has code that works.
    """
    of_class: Any = type(item)
    kind = _kind_of(of_class)
    return item if kind is None else known(kind.resolve(item))


@lru_cache(maxsize=256)
def _kind_of(kind: type) -> Kind | None:
    return next((known for known in KINDS if known.matches(kind)), None)


def _refused(line: str) -> Callable[[Any], object]:
    def refuse(item: object) -> object:
        message = f"{class_name(item)} cannot be uploaded directly: pass {line}"
        raise TypeError(message)

    return refuse


def _lazy_polars(frame: Any) -> object:
    polars = sys.modules["polars"]
    if not hasattr(frame, "collect_batches"):
        return frame.collect()
    return Stream(
        "polars",
        reader=lambda: _stream_of(frame.collect_batches(maintain_order=True), frame),
        head=lambda: polars.DataFrame(schema=frame.collect_schema()),
    )


def _stream_of(batches: Any, frame: Any) -> Any:
    """Return batches as a stream: some versions of polars return a plain iterator."""
    if hasattr(batches, "__arrow_c_stream__"):
        return batches
    polars = sys.modules["polars"]
    empty = polars.DataFrame(schema=frame.collect_schema()).to_arrow()
    return _reader(empty.schema, (batch.to_arrow().cast(empty.schema) for batch in batches))


def _reader(schema: Any, tables: Iterable[Any]) -> Any:
    """Return a pyarrow reader that requests tables as it is read."""
    batches = (batch for table in tables for batch in table.to_batches())
    return sys.modules["pyarrow"].RecordBatchReader.from_batches(schema, batches)


def warn_of_rows(frame: Any) -> None:
    """Warn of a Hugging Face table that may have rows which its dataset has filtered out."""
    if is_derived(type(frame), "pyarrow", "Table") and b"huggingface" in (
        frame.schema.metadata or {}
    ):
        warn(
            "the table comes from a Hugging Face dataset: .data.table has all rows, even after "
            "filter, select or sort. Pass the dataset itself. If the table is right, "
            "table.replace_schema_metadata() silences this warning"
        )


def _hugging_face(dataset: Any) -> object:
    """Return the rows of the dataset after its filter, select and sort."""
    tables = dataset.with_format("arrow")
    if dataset.features is not None:
        schema = dataset.features.arrow_schema
        return Stream(
            "datasets",
            reader=lambda: _reader(schema, _cast(tables.iter(_BATCH_ROWS), schema)),
            head=lambda: schema,
        )

    def reader() -> Any:
        parts = iter(tables.iter(_BATCH_ROWS))
        first = next(parts, None)
        if first is None:
            message = "the dataset has no rows and no features, so its columns are unknown"
            raise ValueError(message)
        return _reader(first.schema, _chained(first, parts))

    return Stream("datasets", reader)


def _cast(tables: Iterable[Any], schema: Any) -> Iterator[Any]:
    return (table.cast(schema) for table in tables)


def _chained(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from (table.cast(first.schema) for table in rest)


def _paths_in(values: Any) -> object:
    """Return the paths in a Series or an array of strings. Other columns are not tables."""
    if getattr(values, "ndim", 1) == 1 and _are_paths(_listed(values[:1])):
        items = _listed(values)
        if _are_paths(items):
            return items
    kind = f"{type(values).__module__.partition('.')[0]} {type(values).__qualname__}"
    if hasattr(values, "to_frame"):
        message = f"expected a frame, not a {kind}: call to_frame() first"
    else:
        message = f"expected a frame, not a {kind}: make it a named column of a frame"
    raise TypeError(message)


def _listed(values: Any) -> list[Any]:
    for name in ("to_pylist", "tolist", "to_list"):
        if hasattr(values, name):
            return list(getattr(values, name)())
    return list(values)


def _are_paths(items: list[Any]) -> bool:
    return bool(items) and all(isinstance(item, str | os.PathLike) for item in items)


_ALONE = "it directly to sutro.upload, so that its workers send the partitions"

KINDS = (
    # Engines: their rows are on other machines, or take more memory than one has. `upload` takes
    # one frame of them (`sutro.engines`).
    Kind("dask", ("DataFrame", "FrameBase", "_Frame"), _refused(_ALONE)),
    Kind("dask_expr", ("FrameBase",), _refused(_ALONE)),
    Kind("dask", ("Bag", "Array", "Delayed"), _refused("frames from compute()")),
    Kind("ray", ("Dataset", "MaterializedDataset"), _refused(_ALONE)),
    Kind("pyspark", ("DataFrame",), _refused(_ALONE)),
    Kind("modin", ("DataFrame",), _refused("df.modin.to_pandas()")),
    # Table formats.
    Kind("deltalake", ("DeltaTable",), lambda table: table.to_pyarrow_dataset()),
    Kind("pyiceberg", ("Table",), _refused("table.scan().to_arrow_batch_reader()")),
    Kind("pyiceberg", ("DataScan",), lambda scan: scan.to_arrow_batch_reader()),
    # Datasets and scans.
    Kind(
        "pyarrow",
        ("Dataset",),
        lambda dataset: Stream(
            "pyarrow",
            lambda: dataset.scanner(batch_readahead=4, fragment_readahead=1).to_reader(),
            lambda: dataset.schema,
        ),
    ),
    Kind(
        "pyarrow",
        ("Scanner",),
        lambda scanner: Stream(
            "pyarrow", scanner.to_reader, lambda: scanner.projected_schema, may_be_once=True
        ),
    ),
    Kind(
        "pyarrow",
        ("ParquetFile",),
        lambda file: Stream(
            "pyarrow",
            lambda: sys.modules["pyarrow"].RecordBatchReader.from_batches(
                file.schema_arrow, file.iter_batches()
            ),
            lambda: file.schema_arrow,
        ),
    ),
    Kind("pyarrow", ("ParquetDataset",), _refused("dataset.read(), or the paths in dataset.files")),
    Kind("datasets", ("DatasetDict", "IterableDatasetDict"), dict),
    Kind(
        "datasets",
        ("Table",),
        _refused("the dataset itself: .data has all rows, even after filter, select or sort"),
    ),
    Kind("datasets", ("Dataset", "IterableDataset"), _hugging_face),
    # Frames under other names.
    Kind("narwhals", ("DataFrame", "LazyFrame", "Series"), lambda frame: frame.to_native()),
    Kind("polars", ("LazyFrame",), _lazy_polars),
    Kind(
        "pandas",
        ("DataFrameGroupBy", "SeriesGroupBy"),
        _refused("{str(key): frame for key, frame in groups}, which gives each group its name"),
    ),
    Kind(
        "polars",
        ("GroupBy", "DynamicGroupBy", "RollingGroupBy", "LazyGroupBy"),
        _refused('df.partition_by("column", as_dict=True), which gives each group its name'),
    ),
    # An open file of fsspec looks like a local path until it is opened.
    Kind("fsspec", ("OpenFile",), lambda file: file.open()),
    # Columns, which may contain paths.
    Kind("pandas", ("Series", "Index", "ExtensionArray"), _paths_in),
    Kind("polars", ("Series",), _paths_in),
    Kind("pyarrow", ("Array", "ChunkedArray"), _paths_in),
    Kind("numpy", ("ndarray",), _paths_in),
)
"""Checked in order; the first match wins."""


def names_of(source: Mapping[Any, object]) -> list[tuple[str, object]]:
    """Return the items of a dict with their keys as strings."""
    return [(_as_name(key), item) for key, item in source.items()]


def _as_name(key: object) -> str:
    """Return a key as a string. Groups have tuples as keys, even for one column."""
    return ",".join(map(str, key)) if isinstance(key, tuple) else str(key)
