"""The rows of a dataset, as the core gives them."""

from __future__ import annotations

from typing import Protocol


class Rows(Protocol):
    """A stream for one use."""

    def columns_deeper_than(self, levels: int) -> list[str]:
        """Give the columns that have more than `levels` types inside of each other."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Give the rows as an Arrow C stream."""
