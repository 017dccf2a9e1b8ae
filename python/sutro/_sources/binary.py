"""Parquet files as bytes, or as open files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sutro import _core
from sutro._run.warn import warn
from sutro._sources import once
from sutro._sources.words import in_words
from sutro.errors import FrameError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from sutro._sources.items import MadeFile

_COPY_BYTES = 1 << 20


def copied(name: str | None, file: object, label: str) -> Generator[MadeFile | None]:
    """Copy bytes, or a complete open file. Its position does not matter, and does not change.

    Raises:
        FrameError: The file cannot be read.
    """
    spool = _core.BytesSpool(label)
    path: str | None = None
    if isinstance(file, bytes | bytearray | memoryview):
        rest = memoryview(file).cast("B")
        while rest:
            spool.write(bytes(rest[:_COPY_BYTES]))
            rest = rest[_COPY_BYTES:]
            yield None
    else:
        with in_words(file, label):
            for chunk in _chunks(file, label):
                spool.write(chunk)
                yield None
        path = _path_of(file)
        note = None if path is None else _core.note_on_open_file(path)
        if note is not None:
            warn(note)
        if name is None and path is not None:
            name = os.path.basename(path)  # noqa: PTH119 - not every name is a path
    yield name, spool.finish(path)


def _chunks(file: Any, label: str) -> Iterator[bytes]:
    if getattr(file, "closed", False):
        message = f"{label}: the file is closed; open it again"
        raise FrameError(message, frame=label)
    once.use(file, label)
    position = None if once.is_one_shot(file) else file.tell()
    if position is not None:
        file.seek(0)
    is_empty = True
    while chunk := file.read(_COPY_BYTES):
        if isinstance(chunk, str):
            message = f"{label}: the file is open as text; open it with mode 'rb'"
            raise FrameError(message, frame=label)
        is_empty = False
        yield chunk
    if position is not None:
        file.seek(position)
    elif is_empty:
        raise once.nothing_left(file, label)


def _path_of(file: object) -> str | None:
    """An open file's path. Files of fsspec have it in `path`."""
    for path in (getattr(file, "path", None), getattr(file, "name", None)):
        if isinstance(path, str):
            return path
    return None
