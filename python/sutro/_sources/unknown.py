"""Describes sources that cannot be uploaded, and the code that works instead."""

from __future__ import annotations

import inspect
import io
import os
from collections.abc import (
    AsyncIterable,
    Awaitable,
    Iterable,
    Mapping,
    Sequence,
)
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass
from numbers import Number
from typing import Any

from sutro._sources.classes import is_derived

_LONGEST_PATH = 4096

_OF_CLASSES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("duckdb", ("DuckDBPyConnection",), 'pass a query of it: connection.sql("select ...")'),
    ("sqlite3", ("Connection", "Cursor"), "pass a frame: pandas.read_sql(query, connection)"),
    ("sqlalchemy", ("Engine", "Connection", "Select"), "pass a frame: pandas.read_sql(query, it)"),
    ("sqlalchemy", ("Result", "CursorResult"), "pass a frame: pandas.DataFrame(result)"),
    ("google", ("RowIterator", "QueryJob"), "pass a table of it: .to_arrow()"),
    ("xarray", ("Dataset", "DataArray"), "pass a frame: .to_dataframe().reset_index()"),
    ("torch", ("Tensor",), "pass a frame: polars.DataFrame({'column': tensor.numpy()})"),
    ("torch", ("Dataset", "DataLoader"), "pass a frame of its rows: polars.DataFrame(list(it))"),
    ("tensorflow", ("EagerTensor", "Tensor"), "pass a frame: polars.DataFrame(tensor.numpy())"),
    ("scipy", ("spmatrix", "sparray"), "pass a frame: pandas.DataFrame.sparse.from_spmatrix(it)"),
    ("pandas", ("ExcelFile", "HDFStore"), "pass a frame of it: .parse(sheet), or store[key]"),
    ("polars", ("Expr",), "pass a frame: df.select(expression)"),
    ("pyarrow", ("Schema",), "pass a table: schema.empty_table()"),
    ("pyarrow", ("Buffer",), "pass its bytes: buffer.to_pybytes()"),
    ("pyarrow", ("FileInfo",), "pass an open file: filesystem.open_input_file(info.path)"),
    ("pyarrow", ("FileMetaData", "ParquetWriter"), "pass the path of the file"),
    (
        "fsspec",
        ("AbstractFileSystem",),
        "pass open files: [fs.open(path) for path in fs.glob(...)]",
    ),
    (
        "zipfile",
        ("ZipFile",),
        "pass open files: [archive.open(name) for name in archive.namelist()]",
    ),
    ("zipfile", ("ZipInfo",), "pass an open file: archive.open(info)"),
    ("tarfile", ("TarFile",), "pass open files: [archive.extractfile(it) for it in archive]"),
    ("h5py", ("File", "Dataset"), "pass a frame: pandas.read_hdf(path, key)"),
    ("tempfile", ("TemporaryDirectory",), "pass its path: folder.name"),
)
"""Library, classes, and the way for their objects."""

_OF_METHODS = (
    ("collect", "call collect() first"),
    ("to_arrow_table", "pass a table of it: .to_arrow_table()"),
    ("to_arrow", "pass a table of it: .to_arrow()"),
    ("to_polars", "pass a frame of it: .to_polars()"),
    ("to_pandas", "pass a frame of it: .to_pandas()"),
    ("compute", "pass a frame of it: .compute()"),
    ("fetchall", "pass a frame: pandas.DataFrame(it.fetchall())"),
    ("open", "pass an open file: .open('rb')"),
)
"""Methods that give a frame, and the way for the objects that have them."""


_OF_PROTOCOLS: tuple[tuple[Any, str], ...] = (
    (AsyncIterable, "collect it first: [item async for item in it]"),
    (Awaitable, "await it first"),
    (AbstractSet, "a set has no order: pass a list, sorted(it)"),
    ((type(None), Number), "pass a path, a frame, or a list of them"),
)


def way_of(item: object) -> str | None:
    """Give the line that uploads an object that is no source, if one is known."""
    return way_of_class(item) or _way_of_python(item) or _way_by_methods(item)


def way_of_class(item: object) -> str | None:
    """Give the line for an object of a class that is known; it may be iterable, too."""
    kind: Any = type(item)
    ways = (way for library, names, way in _OF_CLASSES if is_derived(kind, library, *names))
    return next(ways, None)


def way_of_bytes(content: bytes | bytearray | memoryview) -> str | None:
    """Give the line for bytes that are a path and not the content of a file."""
    if not isinstance(content, bytes) or not 0 < len(content) <= _LONGEST_PATH or b"\0" in content:
        return None
    is_path = content.endswith((b".parquet", b".pq")) or os.path.lexists(content)
    return "bytes are the content of a file; for a path pass os.fsdecode(path)" if is_path else None


def way_of_file(file: object) -> str | None:
    """Give the line for an open file that gives text."""
    return "the file is open as text; open it with mode 'rb'" if _is_text(file) else None


def _is_text(file: object) -> bool:
    # A file of `tempfile` has the file itself inside.
    return isinstance(file, io.TextIOBase) or isinstance(getattr(file, "file", None), io.TextIOBase)


def _way_of_python(item: object) -> str | None:
    """The way for what is no object of a library."""
    if isinstance(item, type) or inspect.isroutine(item):
        name = getattr(item, "__name__", "it")
        return f"it is not called: pass {name}(...)"
    if isinstance(item, Mapping):
        return _way_of_mapping(item)
    if is_dataclass(item) and hasattr(item, "dataset_id"):
        return "pass the rows of a dataset: sutro.read(dataset_id)"
    for kinds, way in _OF_PROTOCOLS:
        if isinstance(item, kinds):
            return way
    return _way_of_iterable(item) if isinstance(item, Iterable) else None


def _way_of_mapping(item: Mapping[Any, Any]) -> str:
    value = next(iter(item.values()), None)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "if these are columns, make a frame of them: polars.DataFrame(columns)"
    return (
        "dicts are not looked into. If it names files, pass it alone; if it is a row, make a frame "
        "of all: polars.DataFrame(rows)"
    )


def _way_of_iterable(item: Iterable[Any]) -> str:
    value = item[0] if isinstance(item, Sequence) and item else None
    if isinstance(value, Number):
        return "if these are rows, make a frame of them: polars.DataFrame(rows, orient='row')"
    return (
        "a source is one list, or a dict with one item for each name. For more, make one list of "
        "all: [item for part in parts for item in part], or names: "
        "{f'{name}-{i}': item for name, part in parts.items() for i, item in enumerate(part)}"
    )


def _way_by_methods(item: object) -> str | None:
    ways = (way for name, way in _OF_METHODS if callable(getattr(item, name, None)))
    return next(ways, None)
