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
    ("duckdb", ("DuckDBPyConnection",), 'pass a query: connection.sql("select ...")'),
    ("sqlite3", ("Connection", "Cursor"), "pass a frame: pandas.read_sql(query, connection)"),
    ("sqlalchemy", ("Engine", "Connection", "Select"), "pass a frame: pandas.read_sql(query, it)"),
    ("sqlalchemy", ("Result", "CursorResult"), "pass a frame: pandas.DataFrame(result)"),
    ("google", ("RowIterator", "QueryJob"), "pass a table: .to_arrow()"),
    ("xarray", ("Dataset", "DataArray"), "pass a frame: .to_dataframe().reset_index()"),
    ("torch", ("Tensor",), "pass a frame: polars.DataFrame({'column': tensor.numpy()})"),
    ("torch", ("Dataset", "DataLoader"), "pass a frame of its rows: polars.DataFrame(list(it))"),
    ("tensorflow", ("EagerTensor", "Tensor"), "pass a frame: polars.DataFrame(tensor.numpy())"),
    ("scipy", ("spmatrix", "sparray"), "pass a frame: pandas.DataFrame.sparse.from_spmatrix(it)"),
    ("pandas", ("ExcelFile", "HDFStore"), "pass a frame: .parse(sheet), or store[key]"),
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
"""Library, classes, and advice for their objects."""

_OF_METHODS = (
    ("collect", "call collect() first"),
    ("to_arrow_table", "pass a table: .to_arrow_table()"),
    ("to_arrow", "pass a table: .to_arrow()"),
    ("to_polars", "pass a frame: .to_polars()"),
    ("to_pandas", "pass a frame: .to_pandas()"),
    ("compute", "pass a frame: .compute()"),
    ("fetchall", "pass a frame: pandas.DataFrame(it.fetchall())"),
    ("open", "pass an open file: .open('rb')"),
)
"""Methods that return a frame, and advice for objects that have them."""


_OF_PROTOCOLS: tuple[tuple[Any, str], ...] = (
    (AsyncIterable, "collect it first: [item async for item in it]"),
    (Awaitable, "await it first"),
    (AbstractSet, "a set has no order: pass a list, sorted(it)"),
    ((type(None), Number), "pass a path, a frame, or a list of them"),
)


def advice_for(item: object) -> str | None:
    """Return advice for an object that is not a source, if known."""
    return advice_for_class(item) or _advice_for_builtin(item) or _advice_by_methods(item)


def advice_for_class(item: object) -> str | None:
    """Return advice for an object of a known class, even if it is iterable."""
    kind: Any = type(item)
    lines = (advice for library, names, advice in _OF_CLASSES if is_derived(kind, library, *names))
    return next(lines, None)


def advice_for_bytes(content: bytes | bytearray | memoryview) -> str | None:
    """Return advice for bytes that are a path instead of a file's content."""
    if not isinstance(content, bytes) or not 0 < len(content) <= _LONGEST_PATH or b"\0" in content:
        return None
    is_path = content.endswith((b".parquet", b".pq")) or os.path.lexists(content)
    return "bytes are the content of a file; for a path pass os.fsdecode(path)" if is_path else None


def advice_for_file(file: object) -> str | None:
    """Return advice for a file that is open in text mode."""
    return "the file is open as text; open it with mode 'rb'" if _is_text(file) else None


def _is_text(file: object) -> bool:
    # Files of `tempfile` wrap the actual file.
    return isinstance(file, io.TextIOBase) or isinstance(getattr(file, "file", None), io.TextIOBase)


def _advice_for_builtin(item: object) -> str | None:
    """Return advice for an object that belongs to no library."""
    if isinstance(item, type) or inspect.isroutine(item):
        name = getattr(item, "__name__", "it")
        return f"call it: pass {name}(...)"
    if isinstance(item, Mapping):
        return _advice_for_mapping(item)
    if is_dataclass(item) and hasattr(item, "dataset_id"):
        return "pass the rows of a dataset: sutro.read(dataset_id)"
    for kinds, advice in _OF_PROTOCOLS:
        if isinstance(item, kinds):
            return advice
    return _advice_for_iterable(item) if isinstance(item, Iterable) else None


def _advice_for_mapping(item: Mapping[Any, Any]) -> str:
    value = next(iter(item.values()), None)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "if these are columns, create a frame: polars.DataFrame(columns)"
    return (
        "dicts are not searched. If it names files, pass only the dict; if it is a row, create a "
        "frame of all rows: polars.DataFrame(rows)"
    )


def _advice_for_iterable(item: Iterable[Any]) -> str:
    value = item[0] if isinstance(item, Sequence) and item else None
    if isinstance(value, Number):
        return "if these are rows, create a frame: polars.DataFrame(rows, orient='row')"
    return (
        "a source is one list, or a dict with one item for each name. For more, create one list of "
        "all: [item for part in parts for item in part], or names: "
        "{f'{name}-{i}': item for name, part in parts.items() for i, item in enumerate(part)}"
    )


def _advice_by_methods(item: object) -> str | None:
    lines = (advice for name, advice in _OF_METHODS if callable(getattr(item, name, None)))
    return next(lines, None)
