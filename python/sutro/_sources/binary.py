"""Parquet files as bytes, or as open files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sutro import _core

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sutro._sources.items import MadeFile

_COPY_BYTES = 1 << 20


def copied(name: str | None, file: object, label: str) -> Iterator[MadeFile | None]:
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
