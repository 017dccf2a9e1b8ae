"""What the service tells of the files of a dataset."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

import sutro

if TYPE_CHECKING:
    from pathlib import Path


def test_the_service_tells_the_sha256_of_each_file(
    client: sutro.Client, folder: Path, tmp_path: Path
) -> None:
    # Larger than what is hashed at once.
    pq.write_table(pa.table({"a": [os.urandom(1 << 20)]}), tmp_path / "large.parquet")
    for paths in (sorted(folder.iterdir()), [tmp_path / "large.parquet"]):
        dataset_id = client.upload(paths).dataset_id
        files = client.list_dataset_files(dataset_id)
        hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
        assert [file.sha256 for file in files] == hashes


def test_a_catalog_without_hashes_is_opened_and_tells_those_of_new_files(
    tmp_path: Path, folder: Path
) -> None:
    first, second = folder / "part-0.parquet", folder / "part-1.parquet"
    with sutro.LocalServer(tmp_path / "service") as server:
        dataset_id = server.client().upload(first).dataset_id
    with sqlite3.connect(tmp_path / "service" / "catalog.sqlite") as catalog:
        catalog.execute("DROP INDEX files_by_folded_name")
        catalog.execute("ALTER TABLE files DROP COLUMN folded_name")
        catalog.execute("ALTER TABLE files DROP COLUMN sha256")
        catalog.execute("DELETE FROM _sqlx_migrations WHERE version >= 3")
    catalog.close()
    with sutro.LocalServer(tmp_path / "service") as server:
        client = server.client()
        client.upload(second, dataset_id)
        files = client.list_dataset_files(dataset_id)
    assert [file.file_name for file in files] == [first.name, second.name]
    assert [file.sha256 for file in files] == [
        None,
        hashlib.sha256(second.read_bytes()).hexdigest(),
    ]
