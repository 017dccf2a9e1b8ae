"""What can be uploaded, told apart.

Paths go to the core as they are. Frames and bytes become temporary parquet files, one after
the other, as fast as the upload takes them.
"""

from __future__ import annotations

import os
import typing
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO, Protocol, TypeAlias, runtime_checkable

from sutro import _core
from sutro.errors import ConfigurationError, FrameError, SutroWarning
from sutro.options import PathOptions


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

MadeFile: TypeAlias = tuple[str | None, _core.TemporaryParquet]
"""A file with its name in the dataset, or None to number it."""

_Items: TypeAlias = Iterator[tuple[str | None, object]]

_STEP_SECONDS = 0.1
"""How long the work on a file may keep Ctrl-C and the progress bar waiting."""

_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Paths:
    """Paths, globs and folders; the core expands them."""

    options: PathOptions
    names: list[str] | None


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames, each with its name in the dataset or None to number it."""

    items: _Items
    file_count: int | None
    """Where it is known."""
    rows_per_file: int | None
    schema: _core.FrameSchema | None
    """Of all of them, where it is known."""

    def files(self) -> Iterator[MadeFile | None]:
        """Make the files; None means that one is still at work."""
        for position, (name, frame) in enumerate(self.items):
            label = _label(name, position)
            if isinstance(_frame(frame, label), ArrowStream):
                yield from self._encoded(name, frame, label)
            else:
                yield from _copied(name, frame, label)

    def _encoded(self, name: str | None, frame: object, label: str) -> Iterator[MadeFile | None]:
        encoder = _core.FrameEncoder(_without_index(frame), label, self.rows_per_file)
        while not encoder.is_exhausted:
            file = encoder.encode(_STEP_SECONDS)
            yield None if file is None else (name, file)


def resolve(
    source: Source,
    names: Sequence[str] | None = None,
    *,
    recursive: bool = False,
    exclude: str | Sequence[str] = (),
    rows_per_file: int | None = None,
    cast: bool = False,
    check: bool = True,
) -> Paths | Frames:
    """Tell what a source is. With `check` a list of frames is checked for one schema at once.

    Raises:
        TypeError: It is nothing that can be uploaded.
        ConfigurationError: The arguments do not fit each other, or the source is empty.
        SchemaMismatchError: The frames of a list differ.
    """
    if isinstance(names, str):
        message = f"names takes a list with a name for each file, not {names!r}"
        raise TypeError(message)
    if isinstance(source, Mapping) and names is not None:
        message = "a dict gives the names; leave names out"
        raise ConfigurationError(message)
    items, count = _items(source)
    first = next(items, None)
    if first is None:
        message = "there is nothing to upload: the source is empty"
        raise ConfigurationError(message)
    items = chain([first], items)
    if isinstance(first[1], str | os.PathLike):
        if rows_per_file is not None:
            message = "rows_per_file cuts frames; files are uploaded as they are"
            raise ConfigurationError(message)
        paths, keys = _paths(items, has_order=count is not None)
        excluded = [exclude] if isinstance(exclude, str) else list(exclude)
        options = PathOptions(paths=paths, recursive=recursive, exclude=excluded)
        return Paths(options, keys or (None if names is None else list(names)))
    if recursive or exclude:
        message = "recursive and exclude are about files, and the source has frames"
        raise ConfigurationError(message)
    return _frames(items, count, names, rows_per_file, cast=cast, check=check)


def _items(source: object) -> tuple[_Items, int | None]:
    """Things with their names, and how many they are where that is known."""
    if isinstance(source, Mapping):
        return iter(source.items()), len(source)
    if isinstance(source, str | os.PathLike) or _is_frame(source):
        return iter([(None, source)]), 1
    if isinstance(source, AbstractSet):
        message = "a set has no order; pass a list"
        raise TypeError(message)
    if isinstance(source, Iterable):
        count = len(source) if isinstance(source, Sequence) else None
        return ((None, item) for item in source), count
    raise TypeError(_not_a_source(source, "a path, a glob, a folder, a frame, or a list of them"))


def _paths(items: _Items, *, has_order: bool) -> tuple[list[str], list[str]]:
    """Paths, and the names that a dict gives them."""
    pairs = [(name, _path(item)) for name, item in items]
    paths = [path for _, path in pairs]
    keys = [name for name, _ in pairs if name is not None]
    if not has_order and not _core.is_in_natural_order(paths):
        warnings.warn(
            "the paths are not in the order of their names (part-2 before part-10), and are "
            "uploaded as they come; pass a folder or a glob to have them sorted, or a list",
            SutroWarning,
            stacklevel=2,
        )
    return paths, keys


def _path(item: object) -> str:
    if isinstance(item, str | os.PathLike):
        path = os.path.expanduser(item)  # noqa: PTH111 - a glob is not a path
        if isinstance(path, str):
            return in_unicode(path)
    raise TypeError(_not_a_source(item, "a path"))


def in_unicode(path: str) -> str:
    """Refuse a path whose bytes are no text: a name in a dataset is one.

    Raises:
        ConfigurationError: It is such a path.
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        message = f"{path!r} cannot be uploaded: its name is not UTF-8; rename it"
        raise ConfigurationError(message) from None
    return path


def _frames(
    items: _Items,
    count: int | None,
    names: Sequence[str] | None,
    rows_per_file: int | None,
    *,
    cast: bool,
    check: bool,
) -> Frames:
    if rows_per_file is not None and rows_per_file < 1:
        message = f"rows_per_file must be at least 1, not {rows_per_file}"
        raise ConfigurationError(message)
    if names is not None and count is not None and len(names) != count:
        message = f"names has {len(names)} entries for {count} frames"
        raise ConfigurationError(message)
    items = _named(items, names)
    schema = None
    if count is not None:
        known = [
            (name, _frame(frame, _label(name, position)))
            for position, (name, frame) in enumerate(items)
        ]
        schema = _common_schema(known, cast=cast) if check else None
        items = iter(known)
    if rows_per_file is not None:
        items, count = _numbered(items), None
    return Frames(items, count, rows_per_file, schema)


def _named(items: _Items, names: Sequence[str] | None) -> _Items:
    if names is None:
        yield from items
        return
    left = iter(names)
    for _, item in items:
        name = next(left, None)
        if name is None:
            message = f"there are more frames than the {len(names)} names"
            raise ConfigurationError(message)
        yield name, item


def _numbered(items: _Items) -> _Items:
    for name, item in items:
        if name is not None:
            message = "rows_per_file numbers the files that it makes; give no names"
            raise ConfigurationError(message)
        if not isinstance(item, ArrowStream):
            message = "rows_per_file cuts frames; files are uploaded as they are"
            raise ConfigurationError(message)
        yield None, item


def _common_schema(
    frames: list[tuple[str | None, Frame]], *, cast: bool
) -> _core.FrameSchema | None:
    """Compare them before any of them is sent. One alone is looked at when it is encoded."""
    streams = [
        (_label(name, position), _without_index(frame, warn=False))
        for position, (name, frame) in enumerate(frames)
        if isinstance(frame, ArrowStream)
    ]
    return _core.check_frames(streams, cast) if len(streams) > 1 else None


def _label(name: str | None, position: int) -> str:
    """What a frame is called in messages."""
    return name or f"frame {position}"


def _frame(item: object, label: str) -> Frame:
    if not _is_frame(item):
        raise TypeError(_not_a_source(item, "a frame"))
    if hasattr(item, "to_frame"):
        kind = f"{type(item).__module__.partition('.')[0]} {type(item).__qualname__}"
        message = f"expected a frame, not a {kind}: call to_frame() first"
        raise TypeError(message)
    if type(item).__module__.startswith("polars"):
        schema: Mapping[str, object] = getattr(item, "schema", {})
        for name, dtype in schema.items():
            if trouble := _trouble_of_polars(name, dtype):
                message = f"{label}: column {name!r} {trouble}"
                raise FrameError(message, frame=label)
    return typing.cast("Frame", item)


def _trouble_of_polars(name: str, dtype: object) -> str | None:
    """What is wrong with a column whose Arrow stream cannot be used."""
    if str(dtype) == "Object":
        # The stream has addresses in memory in the place of the objects.
        return "has Python objects, which parquet cannot hold"
    if _has_null_type(dtype):
        # The stream has a buffer that Arrow's null arrays do not have (polars issue 22934).
        return f"has no values, so no type; give it one with pl.col({name!r}).cast(...)"
    return None


def _has_null_type(dtype: object) -> bool:
    inner = [getattr(dtype, "inner", None)]
    inner += [getattr(field, "dtype", None) for field in getattr(dtype, "fields", ())]
    return str(dtype) == "Null" or any(_has_null_type(part) for part in inner if part is not None)


def _is_frame(item: object) -> bool:
    is_file = hasattr(item, "read") and hasattr(item, "seek")
    return is_file or isinstance(item, bytes | bytearray | memoryview | ArrowStream)


def _copied(name: str | None, file: object, label: str) -> Iterator[MadeFile | None]:
    """Copy bytes, or a whole open file: where it stands does not matter, and stays."""
    spool = _core.BytesSpool(label)
    if isinstance(file, bytes | bytearray | memoryview):
        rest = memoryview(file).cast("B")
        while rest:
            spool.write(bytes(rest[:_COPY_BYTES]))
            rest = rest[_COPY_BYTES:]
            yield None
    elif hasattr(file, "read") and hasattr(file, "seek") and hasattr(file, "tell"):
        position = file.tell()
        file.seek(0)
        while chunk := file.read(_COPY_BYTES):
            spool.write(chunk)
            yield None
        file.seek(position)
        path = getattr(file, "name", None)
        if name is None and isinstance(path, str):
            name = os.path.basename(path)  # noqa: PTH119 - not every name is a path
    yield name, spool.finish()


def _without_index(frame: object, *, warn: bool = True) -> object:
    """Drop the index of a pandas frame: some versions of pandas make it a column.

    There is a warning where the index holds more than row numbers.
    """
    index = getattr(frame, "index", None)
    if not type(frame).__module__.startswith("pandas") or not hasattr(frame, "reset_index"):
        return frame
    names = [str(name) for name in getattr(index, "names", ()) if name is not None]
    is_plain_range = type(index).__name__ == "RangeIndex" and (
        getattr(index, "start", None) == 0 and getattr(index, "step", None) == 1
    )
    if is_plain_range and not names:
        return frame
    if warn:
        what = f"index {', '.join(names)}" if names else "index"
        warnings.warn(
            f"the {what} of a pandas frame is not uploaded; reset_index() makes it a column, "
            f"reset_index(drop=True) drops it without this warning",
            SutroWarning,
            stacklevel=2,
        )
    dropped: object = frame.reset_index(drop=True)
    return dropped


def _not_a_source(item: object, expected: str) -> str:
    kind = f"{type(item).__module__}.{type(item).__qualname__}".removeprefix("builtins.")
    if hasattr(item, "collect"):
        return f"expected {expected}, not {kind}: call collect() first"
    if kind.startswith("pandas"):
        return f"expected {expected}, not {kind}; a pandas DataFrame needs pandas 2.2 or newer"
    return f"expected {expected}, not {kind}"
