"""What the jobs make: 200 partitions of uneven size, whose rows say where they belong."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pyarrow as pa

from faults import strike

if TYPE_CHECKING:
    from pathlib import Path

PARTITIONS = 200

SCHEMA = pa.schema(
    [
        ("partition", pa.int64()),
        ("row", pa.int64()),
        ("text", pa.string()),
        ("share", pa.float64()),
        ("is_even", pa.bool_()),
    ]
)


def size_of(number: int) -> int:
    """The number of rows; some partitions have none, one has many."""
    if number == PARTITIONS // 4:
        return 100_000
    return random.Random(number).choice([0, 1, 10, 500, 3_000])


def rows_of(number: int, shift: int = 0) -> pa.Table:
    """The rows of a partition; with `shift`, those of another job."""
    rows = range(size_of(number))
    columns = {
        "partition": [number + shift] * len(rows),
        "row": list(rows),
        "text": [None if row % 7 == 3 else f"Zeile \u00fc{row}" for row in rows],
        "share": [row / 8 for row in rows],
        "is_even": [row % 2 == 0 for row in rows],
    }
    return pa.table(columns, schema=SCHEMA)


def make(number: int, faults: Path | str, shift: int = 0) -> pa.Table:
    """Make a partition on a worker, where faults may strike."""
    strike(faults, "making", number)
    return rows_of(number, shift)


def whole(count: int = PARTITIONS, shift: int = 0) -> pa.Table:
    """All rows, in the order of the plan."""
    return pa.concat_tables([rows_of(number, shift) for number in range(count)])


def files_of(count: int = PARTITIONS) -> int:
    """The number of partitions with rows."""
    return sum(size_of(number) > 0 for number in range(count))
