"""Datasets with very many files or columns, created quickly."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from helpers.server_process import ServerProcess

if TYPE_CHECKING:
    from pathlib import Path

# Files as an upload would have left them, but without their bytes.
MORE_FILES = """
    WITH RECURSIVE numbers (number) AS (
        SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number + 1 < ?
    )
    INSERT INTO files
        (file_id, dataset_id, position, file_name, folded_name, size_bytes, row_count, sha256,
         first_byte_at, last_byte_at, committed_at)
    SELECT printf('file_%032x', number), dataset_id, number,
        printf('part-%06d.parquet', number), printf('part-%06d.parquet', number),
        size_bytes, row_count, printf('%064x', number), first_byte_at, last_byte_at, committed_at
    FROM numbers, files WHERE position = 0
"""

COUNT_THEM = """
    UPDATE datasets SET file_count = ?1, total_size_bytes = ?1 * total_size_bytes
"""


def wide_file(path: Path, columns: int) -> Path:
    # Without statistics, to make it quickly.
    pq.write_table(pa.table({f"column_{n}": [n] for n in range(columns)}), path)
    return path


def long_dataset(tmp_path: Path, files: int, columns: int) -> tuple[Path, str]:
    """Create a server's folder with one dataset of many files; return both."""
    first = wide_file(tmp_path / "part-000000.parquet", columns)
    service = tmp_path / "service"
    with ServerProcess(service) as served:
        dataset_id = served.client().upload(first, progress=False).dataset_id
        served.end()
    with sqlite3.connect(service / "catalog.sqlite") as catalog:
        catalog.execute(MORE_FILES, (files,))
        catalog.execute(COUNT_THEM, (files,))
    catalog.close()
    return service, dataset_id
