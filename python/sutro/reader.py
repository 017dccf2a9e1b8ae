"""Reads the rows of a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from sutro._public import public
from sutro._run import calls, values
from sutro._run.driver import here, in_loop
from sutro.errors import ConfigurationError, DecodeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from sutro import _core


@public
class DatasetReader:
    """The rows of a dataset, file by file in the order of the dataset.

    It is a table for every library that reads Arrow streams. Each use reads the dataset again.
    Files are downloaded one after the other to a temporary file and decoded in batches, so memory
    stays bounded. No request is made before rows are read.

    Types are those of the Parquet files. Anything that only the library that wrote them knows (a
    pandas index, categories) is not restored. A dataset without files has no columns.

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

        The library that reads the stream raises later errors, with the same messages.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            ConfigurationError: It has no such column or file.
            DecodeError: The first file cannot be decoded.
            SutroError: Any other failure; see `sutro.errors`.
        """
        rows = here(calls.open_rows, self._core, self._dataset_id, self._columns, self._files)
        return rows.__arrow_c_stream__(requested_schema)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Read in batches, in bounded memory. Needs pyarrow.

        Raises:
            DecodeError: A column is nested deeper than pyarrow supports.
        """
        return iter(self._read_by_pyarrow(self))

    async def __aiter__(self) -> AsyncIterator[pa.RecordBatch]:
        """Read in batches, in a running event loop. Needs pyarrow."""
        rows = await in_loop(
            calls.open_rows, self._core, self._dataset_id, self._columns, self._files
        )
        batches = self._read_by_pyarrow(rows)
        while (batch := await in_loop(calls.next_of, batches)) is not None:
            yield batch

    def to_arrow(self) -> pa.Table:
        """Read all rows into a pyarrow table.

        Raises:
            DecodeError: A column is nested deeper than pyarrow supports.
        """
        return self._read_by_pyarrow(self).read_all()

    def to_polars(self) -> pl.DataFrame:
        """Read all rows into a polars DataFrame."""
        import polars as pl  # noqa: PLC0415 - not a dependency

        return pl.DataFrame(self)

    def to_pandas(self) -> pd.DataFrame:
        """Read all rows into a pandas DataFrame. Needs pyarrow, as pandas does for Parquet."""
        return self.to_arrow().to_pandas()

    def _read_by_pyarrow(self, stream: object) -> pa.RecordBatchReader:
        import pyarrow as pa  # noqa: PLC0415 - not a dependency

        try:
            return pa.RecordBatchReader.from_stream(stream)
        except pa.ArrowInvalid as error:
            # A limit of Arrow C++ for streams of other libraries; it does not apply to files.
            if "Recursion level" not in str(error):
                raise
            message = (
                f"{self._dataset_id} has columns nested more than 64 deep, which pyarrow does not "
                f"accept from other libraries; use to_polars(), read other columns with columns=, "
                f"or use download_from_dataset()"
            )
            raise DecodeError(message, dataset_id=self._dataset_id) from error

    def __array__(self, *_: object, **__: object) -> NoReturn:
        """Reject `pandas.DataFrame(reader)`, which would make a column of batches."""
        message = (
            "use .to_pandas() to read a dataset into pandas, and .to_pandas()[column].to_numpy() "
            "to read a column into numpy"
        )
        raise TypeError(message)

    def __repr__(self) -> str:
        return f"DatasetReader({self._dataset_id!r})"
