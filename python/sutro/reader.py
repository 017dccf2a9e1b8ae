"""Reads the rows of a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from sutro._public import public
from sutro._run import calls, values
from sutro._run.driver import here, in_loop
from sutro._run.warn import warn
from sutro.errors import ConfigurationError, DecodeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from sutro import _core
    from sutro._run.rows import Rows

_MOST_LEVELS = 64
"""Arrow C++'s limit for data from other libraries. It does not apply to files."""

_MOST_NAMES = 5
"""A message names at most this many columns."""


@public
class DatasetReader:
    """The rows of a dataset, file by file in the order of the dataset.

    It is a table for every library that reads Arrow streams. Each use reads the dataset again.
    Files are downloaded one after the other to a temporary file and decoded in batches, so memory
    stays bounded. No request is made before rows are read.

    Types are those of the Parquet files. Metadata of the library that wrote them (a pandas index,
    categories) is not restored. A dataset without files has no columns.

    Examples:
        >>> cars = sutro.read(sutro.upload("data/*.parquet").dataset_id)
        >>> cars.to_polars().height
        406
        >>> len(cars.to_pandas())
        406

        In batches, if the dataset does not fit into memory:

        >>> sum(batch.num_rows for batch in cars)
        406

        In a running event loop:

        >>> import asyncio
        >>> async def rows():
        ...     return sum([batch.num_rows async for batch in cars])
        >>> asyncio.run(rows())
        406
    """

    __slots__ = ("_columns", "_core", "_dataset_id", "_files")

    def __init__(
        self,
        core: _core.Client,
        dataset_id: str,
        columns: Sequence[str] | None = None,
        files: str | Sequence[str] | None = None,
    ) -> None:
        self._columns = None if columns is None else values.texts("columns", columns)
        if self._columns is not None and not self._columns:
            message = "columns is empty; None reads all columns"
            raise ConfigurationError(message)
        self._core = core
        self._dataset_id = dataset_id
        self._files = None if files is None else values.text_or_texts("files", files)

    @property
    def dataset_id(self) -> str:
        """The id of the dataset."""
        return self._dataset_id

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """List the dataset, download its first file, and return its rows as an Arrow C stream.

        The library that reads the stream raises later errors, with the same messages. pyarrow
        rejects columns nested more than 64 levels deep; a warning names them first.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            ConfigurationError: It has no such column or file.
            DecodeError: The first file cannot be decoded.
            SutroError: Any other failure; see `sutro.errors`.
        """
        rows = self._rows()
        deep = rows.columns_deeper_than(_MOST_LEVELS)
        # The consumer is unknown, and pyarrow's own error names no column.
        if deep:
            warn(self._too_deep(deep))
        return rows.__arrow_c_stream__(requested_schema)

    def _rows(self) -> Rows:
        return here(calls.open_rows, self._core, self._dataset_id, self._columns, self._files)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Read in batches, in bounded memory. Needs pyarrow.

        Raises:
            DecodeError: A column is nested deeper than pyarrow supports.
        """
        return iter(self._read_by_pyarrow(self._rows()))

    async def __aiter__(self) -> AsyncIterator[pa.RecordBatch]:
        """Read in batches, in a running event loop. Needs pyarrow."""
        rows = await in_loop(
            calls.open_rows, self._core, self._dataset_id, self._columns, self._files
        )
        batches = self._read_by_pyarrow(rows)
        try:
            while (batch := await in_loop(calls.next_of, batches)) is not None:
                yield batch
        finally:
            rows.stop()

    def to_arrow(self) -> pa.Table:
        """Read all rows into a pyarrow table.

        Raises:
            DecodeError: A column is nested deeper than pyarrow supports.
        """
        return self._read_by_pyarrow(self._rows()).read_all()

    def to_polars(self) -> pl.DataFrame:
        """Read all rows into a polars DataFrame."""
        import polars as pl  # noqa: PLC0415 - not a dependency

        return pl.DataFrame(self._rows())

    def to_pandas(self) -> pd.DataFrame:
        """Read all rows into a pandas DataFrame. Needs pyarrow, as pandas does for Parquet."""
        return self.to_arrow().to_pandas()

    def _read_by_pyarrow(self, rows: Rows) -> pa.RecordBatchReader:
        import pyarrow as pa  # noqa: PLC0415 - not a dependency

        deep = rows.columns_deeper_than(_MOST_LEVELS)
        try:
            return pa.RecordBatchReader.from_stream(rows)
        except pa.ArrowInvalid as error:
            if "Recursion level" not in str(error):
                raise
            raise DecodeError(self._too_deep(deep), dataset_id=self._dataset_id) from error

    def _too_deep(self, columns: list[str]) -> str:
        shown = ", ".join(map(repr, columns[:_MOST_NAMES])) or "columns"
        are = "is" if len(columns) == 1 else "are"
        return (
            f"{self._dataset_id}: {shown} {are} nested more than {_MOST_LEVELS} levels deep, which "
            f"pyarrow does not accept from other libraries: to_polars() reads them, columns= reads "
            f"the other columns, and download_from_dataset() downloads the files"
        )

    def __array__(self, *_: object, **__: object) -> NoReturn:
        """Reject `pandas.DataFrame(reader)`, which would make a column of batches."""
        message = (
            "use .to_pandas() to read a dataset into pandas, and .to_pandas()[column].to_numpy() "
            "to read a column into numpy"
        )
        raise TypeError(message)

    def __repr__(self) -> str:
        return f"DatasetReader({self._dataset_id!r})"
