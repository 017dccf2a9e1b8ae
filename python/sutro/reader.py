"""A dataset's rows, read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sutro import jobs

if TYPE_CHECKING:
    from sutro import _core


class DatasetReader:
    """The rows of a dataset, file after file in the dataset's order.

    It is a table for every library that reads Arrow streams. Each use reads anew: files are
    downloaded one after the other, to a temporary file, and decoded in batches, so memory stays
    bounded. Nothing is asked of the service before that.

    Types are those of the parquet files: what only the library that wrote them knows (a pandas
    index, categories) is not restored. A dataset without files has no columns.

    Examples:
        >>> import polars as pl
        >>> cars = sutro.read(sutro.upload("data/*.parquet").dataset_id)
        >>> pl.DataFrame(cars).height
        406
        >>> import pandas as pd
        >>> len(pd.DataFrame.from_arrow(cars))
        406

        In batches, where the whole does not fit into memory:

        >>> import pyarrow as pa
        >>> sum(batch.num_rows for batch in pa.RecordBatchReader.from_stream(cars))
        406
    """

    __slots__ = ("_core", "_dataset_id")

    def __init__(self, core: _core.Client, dataset_id: str) -> None:
        self._core = core
        self._dataset_id = dataset_id

    @property
    def dataset_id(self) -> str:
        """The dataset that is read."""
        return self._dataset_id

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """List the dataset, download its first file, and give its rows as an Arrow C stream.

        What goes wrong later is raised by the library that reads the stream, in the same words.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            DecodeError: Its first file cannot be decoded.
            SutroError: Anything else: see `sutro.errors`.
        """
        stream = jobs.result_of(self._core.read(self._dataset_id))
        return stream.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"DatasetReader({self._dataset_id!r})"
