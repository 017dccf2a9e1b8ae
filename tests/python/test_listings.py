"""Listings of datasets and files."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

import sutro
from helpers.older_catalog import downgrade_to

if TYPE_CHECKING:
    from pathlib import Path


def test_the_server_lists_the_sha256_of_each_file(
    client: sutro.Client, folder: Path, tmp_path: Path
) -> None:
    # Larger than what is hashed at once.
    pq.write_table(pa.table({"a": [os.urandom(1 << 20)]}), tmp_path / "large.parquet")
    for paths in (sorted(folder.iterdir()), [tmp_path / "large.parquet"]):
        dataset_id = client.upload(paths).dataset_id
        files = client.list_dataset_files(dataset_id)
        hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
        assert [file.sha256 for file in files] == hashes


def test_dataset_totals_match_their_files_even_in_the_catalog_of_an_earlier_release(
    tmp_path: Path, folder: Path
) -> None:
    paths = sorted(folder.iterdir())
    with sutro.LocalServer(tmp_path / "service") as server:
        ids = [server.client().upload(paths[:count]).dataset_id for count in (3, 5)]
    downgrade_to(4, tmp_path / "service")
    with sutro.LocalServer(tmp_path / "service") as server:
        client = server.client()
        client.upload(paths[5:7], ids[1])
        empty = client.create_dataset()
        totals = {
            dataset.dataset_id: (dataset.file_count, dataset.total_size_bytes)
            for dataset in client.list_datasets()
        }
    size = [path.stat().st_size for path in paths]
    assert totals == {ids[0]: (3, sum(size[:3])), ids[1]: (7, sum(size[:7])), empty: (0, 0)}


def test_many_datasets_are_listed_newest_first_without_duplicates(tmp_path: Path) -> None:
    with sutro.LocalServer(tmp_path / "service") as server:
        client = server.client()
        ids = [client.create_dataset() for _ in range(230)]
        # Some were created at the same moment.
        with closing(sqlite3.connect(tmp_path / "service" / "catalog.sqlite")) as catalog, catalog:
            catalog.execute("UPDATE datasets SET created_at = created_at / 100000 * 100000")
            query = "SELECT dataset_id FROM datasets ORDER BY created_at DESC, dataset_id"
            expected = [dataset_id for (dataset_id,) in catalog.execute(query)]
        assert [dataset.dataset_id for dataset in client.list_datasets()] == expected
    assert sorted(expected) == sorted(ids)


def test_a_catalog_without_hashes_opens_and_lists_hashes_of_new_files(
    tmp_path: Path, folder: Path
) -> None:
    first, second = folder / "part-0.parquet", folder / "part-1.parquet"
    with sutro.LocalServer(tmp_path / "service") as server:
        dataset_id = server.client().upload(first).dataset_id
    downgrade_to(2, tmp_path / "service")
    with sutro.LocalServer(tmp_path / "service") as server:
        client = server.client()
        client.upload(second, dataset_id)
        files = client.list_dataset_files(dataset_id)
    assert [file.file_name for file in files] == [first.name, second.name]
    assert [file.sha256 for file in files] == [
        None,
        hashlib.sha256(second.read_bytes()).hexdigest(),
    ]
