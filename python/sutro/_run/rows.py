"""The rows of a dataset, as the core returns them."""

from __future__ import annotations

from typing import Protocol


class Rows(Protocol):
    """A stream for one use."""

    def columns_deeper_than(self, levels: int) -> list[str]:
        """Return the columns that are nested more than `levels` deep."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the rows as an Arrow C stream."""

    def stop(self) -> None:
        """End the stream with an error, also for a thread that waits for its next batch."""
