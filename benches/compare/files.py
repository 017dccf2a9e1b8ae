"""Parquet files of given sizes, made once and kept for the next run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

KB, MB, GB = 10**3, 10**6, 10**9
_VALUE_BYTES = 1000
_GROUP_BYTES = 64 * MB
_READ_BYTES = MB

SHAPES = {
    "32 x 16 MB": [16 * MB] * 32,
    "8 x 256 MB": [256 * MB] * 8,
    "1 x 2 GB": [2 * GB],
    "500 x 64 KB": [64 * KB] * 500,
    "10000 x 4 KB": [4 * KB] * 10_000,
    "1 GB + 100 x 4 MB": [GB] + [4 * MB] * 100,
}
"""Sizes of the files of a batch, in its order."""


def of_shape(folder: Path, shape: str) -> list[Path]:
    """Return the files of a shape, which are made where they are missing."""
    paths = []
    for number, size in enumerate(SHAPES[shape]):
        path = folder / shape.replace(" ", "") / f"part-{number:03}.parquet"
        if not path.exists():
            _write_random(path, size)
        paths.append(path)
    return paths


def _write_random(path: Path, size: int) -> None:
    """Write a file of about `size` bytes that nothing can compress."""
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = pa.schema({"bytes": pa.binary(_VALUE_BYTES)})
    writing = path.with_suffix(".writing")
    with pq.ParquetWriter(
        writing, schema, compression="none", use_dictionary=False, write_statistics=False
    ) as writer:
        while size > 0:
            count = max(min(size, _GROUP_BYTES) // _VALUE_BYTES, 1)
            values = pa.py_buffer(os.urandom(count * _VALUE_BYTES))
            column = pa.Array.from_buffers(schema.field(0).type, count, [None, values])
            writer.write_table(pa.table([column], schema=schema))
            size -= count * _VALUE_BYTES
    writing.rename(path)


def read(paths: Iterable[Path]) -> None:
    """Bring files into the page cache: their disk is not what is compared."""
    buffer = bytearray(_READ_BYTES)
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def of_rows(folder: Path, count: int) -> list[Path]:
    """Return files of 50,000 rows as users have them: numbers, times, and texts."""
    folder = folder / f"{count}-of-50000-rows"
    paths = [folder / f"part-{number:03}.parquet" for number in range(count)]
    if not paths[-1].exists():
        folder.mkdir(parents=True, exist_ok=True)
        for number, path in enumerate(paths):
            pq.write_table(_mixed(50_000, number), path)
    return paths


def _mixed(rows: int, seed: int) -> pa.Table:
    random = np.random.default_rng(seed)
    words = np.array([f"word-{number}" for number in range(5_000)])
    first = seed * rows
    begun = np.datetime64("2026-01-01", "us")
    return pa.table(
        {
            "id": np.arange(first, first + rows),
            "score": random.random(rows),
            "count": random.integers(0, 1000, rows, dtype=np.int32),
            "is_new": random.integers(0, 2, rows).astype(bool),
            "at": begun + np.arange(first, first + rows).astype("timedelta64[s]"),
            "label": words[random.integers(0, len(words), rows)],
            "text": [
                f"row {number} has a text of its own" for number in range(first, first + rows)
            ],
        }
    )


def of_columns(folder: Path, count: int, columns: int = 20) -> list[Path]:
    """Return small files of many columns, as a check reads them."""
    folder = folder / f"{count}-of-{columns}-columns"
    table = pa.table({f"column_{number}": np.arange(10) for number in range(columns)})
    paths = [folder / f"part-{number:05}.parquet" for number in range(count)]
    if not paths[-1].exists():
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            pq.write_table(table, path)
    return paths
