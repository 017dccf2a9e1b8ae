"""Writes the rows of a partition to Parquet files, in bounded memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ROW_GROUP_BYTES = 32 << 20
"""Of Arrow memory: as much as is held of a partition that comes in batches."""


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A complete file."""

    file: BinaryIO
    size_bytes: int
    row_count: int
    sha256: str


class _Writer:
    """One file; what it writes is hashed on the way."""

    def __init__(self, file: BinaryIO, schema: pa.Schema, group_bytes: int) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._size = 0
        self._group_bytes = group_bytes
        self._pending: list[pa.Table] = []
        self._pending_bytes = 0
        self.rows = 0
        self.closed = False
        # The schema of Arrow is left out: a file is what its columns are, whichever engine made it.
        self._parquet = pq.ParquetWriter(self, schema, compression="snappy", store_schema=False)

    def write(self, data: bytes) -> None:
        """Take bytes of the file, as a file does."""
        self._hash.update(data)
        self._size += len(data)
        self._file.write(data)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        """Leave the file open: its owner sends it."""

    def add(self, table: pa.Table) -> int:
        """Take rows of a table; the number of them."""
        room = max(self._group_bytes - self._pending_bytes, 1)
        count: int = table.num_rows
        if table.nbytes > room:
            count = min(count, max(1, count * room // table.nbytes))
        part = table.slice(0, count)
        self._pending.append(part)
        self._pending_bytes += part.nbytes
        self.rows += count
        if self._pending_bytes >= self._group_bytes:
            self.end_group()
        return count

    def end_group(self) -> None:
        """Write the rows that are held as one row group."""
        if self._pending:
            table = pa.concat_tables(self._pending)
            self._parquet.write_table(table, row_group_size=table.num_rows)
            self._pending, self._pending_bytes = [], 0

    @property
    def size(self) -> int:
        """About the size that the file would have."""
        return self._size + self._pending_bytes

    def finish(self) -> MadeFile:
        self.end_group()
        self._parquet.close()
        self._file.flush()
        return MadeFile(self._file, self._size, self.rows, self._hash.hexdigest())


def files_of(
    tables: Iterable[pa.Table],
    new_file: Callable[[], BinaryIO],
    rows_per_file: int | None,
    target_file_size: int | None,
) -> Iterator[MadeFile]:
    """Write tables of one schema to files, one after the other; none if there are no rows."""
    group_bytes = min(ROW_GROUP_BYTES, target_file_size or ROW_GROUP_BYTES)
    writer: _Writer | None = None
    for table in tables:
        rest = table
        while rest.num_rows:
            if writer is None:
                writer = _Writer(new_file(), rest.schema, group_bytes)
            room = rest.num_rows if rows_per_file is None else rows_per_file - writer.rows
            rest = rest.slice(writer.add(rest.slice(0, room)))
            is_full = writer.rows == rows_per_file
            if target_file_size is not None:
                is_full = is_full or writer.size >= target_file_size
            if is_full:
                yield writer.finish()
                writer = None
    if writer is not None:
        yield writer.finish()
