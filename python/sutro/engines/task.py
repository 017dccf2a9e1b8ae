"""The work of a task of an engine: writes its partition to files, and stages them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa

from sutro import _core
from sutro._sources.words import in_words
from sutro.engines.parquet import files_of
from sutro.engines.place import temporary_file
from sutro.errors import FileExistsInDatasetError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sutro.engines.access import Access, Api
    from sutro.engines.options import Options
    from sutro.engines.parquet import MadeFile
    from sutro.engines.place import Place


@dataclass(frozen=True, slots=True)
class PartFile:
    """A file of a partition. It is small: the driver gets all of them."""

    name: str
    """Its name in the dataset: its place, and a fingerprint of its content."""
    size_bytes: int
    row_count: int
    sha256: str
    staged_id: str | None = None
    """`None` if the dataset has a file of this name, or if the server does not stage."""
    path: str | None = None
    """In the shared folder, or its URL in the bucket."""


@dataclass(frozen=True, slots=True)
class Partition:
    """The result of one run of a task."""

    number: int
    """Its place in the plan, from 0."""
    files: tuple[PartFile, ...]
    """In order; none for a partition without rows."""


@dataclass(frozen=True)
class Task:
    """What all tasks of a job have in common. It is pickled with each of them."""

    access: Access
    dataset_id: str
    options: Options
    place: Place | None
    """For files, if the server does not stage them."""

    def stage(self, number: int, batches: Iterable[Any]) -> Partition:
        """Stage a partition: tables, or record batches, of pyarrow.

        Each attempt makes files of its own. Which attempt counts is decided by the engine, which
        gives the driver the result of one of them.

        Raises:
            SutroError: It cannot be staged.
        """
        tables = self._checked(number, batches)
        new_file = partial(self._new_file, number)
        options = self.options
        made = files_of(tables, new_file, options.rows_per_file, options.target_file_size)
        is_split = options.rows_per_file is not None or options.target_file_size is not None
        files = [
            self._staged(number, f"-{place:04}" * is_split, file) for place, file in enumerate(made)
        ]
        return Partition(number, tuple(files))

    def _checked(self, number: int, batches: Iterable[Any]) -> Iterator[pa.Table]:
        """Give the batches as tables of the first one's schema, if Parquet has its types."""
        label = f"partition {number}"
        schema: pa.Schema | None = None
        # What the engine raises while it gives them is its own: a failed task of before.
        for batch in batches:
            table = pa.Table.from_batches([batch]) if is_batch(batch) else batch
            if not table.num_rows:
                # Such a batch may have no columns either.
                continue
            table = table.replace_schema_metadata()
            if schema is None:
                schema = table.schema
                with in_words(_OF_ARROW, label):
                    _core.FrameOutline(schema, label, decimals_as_bytes=True, drops_index=False)
            elif table.schema != schema:
                with in_words(_OF_ARROW, label):
                    table = table.cast(schema)
            yield table

    def _new_file(self, number: int) -> BinaryIO:
        return temporary_file() if self.place is None else self.place.new_file(number)

    def _staged(self, number: int, place: str, made: MadeFile) -> PartFile:
        name = f"part-{number:05}{place}-{made.sha256[:8]}.parquet"
        facts = partial(PartFile, name, made.size_bytes, made.row_count, made.sha256)
        with closing(made.file):
            if self.place is not None:
                return facts(path=self.place.keep(number, made.file))
            return facts(staged_id=self._staged_id(self.access.client(), name, made.file))

    def _staged_id(self, client: Api, name: str, file: BinaryIO) -> str | None:
        file.seek(0)
        try:
            (staged,) = client.stage(
                {name: file},
                self.dataset_id,
                on_mismatch=self.options.on_mismatch,
                progress=False,
            )
        except (FileExistsInDatasetError, RefusedError) as error:
            if not is_taken(error):
                raise
            return None
        return staged.staged_id


_OF_ARROW = pa.table({})
"""The library that says how to fix a column that Parquet does not support."""


_CONFLICT = 409


def is_taken(error: Exception) -> bool:
    """Return whether an error says that the dataset has a file of this name.

    The server says so itself if the file has come since the client looked.
    """
    is_refused = isinstance(error, RefusedError) and error.status == _CONFLICT
    return is_refused or isinstance(error, FileExistsInDatasetError)


def is_batch(rows: object) -> bool:
    """Return whether rows are a record batch, not a table."""
    return isinstance(rows, pa.RecordBatch)
