"""Assertions about the folder of a server after a failure."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import sutro
from helpers.server_process import API_KEY

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def assert_no_loss(
    data: Path,
    dataset_id: str,
    sent: Mapping[str, bytes],
    acknowledged: Collection[str],
    *,
    max_unacknowledged: int,
) -> None:
    """Assert that the dataset has all acknowledged files, unchanged and in order, and nothing else.

    Args:
        data: The folder. No server may be using it.
        dataset_id: The dataset.
        sent: The files by name, in the order in which they were sent.
        acknowledged: Names of the files that got a `file_id`.
        max_unacknowledged: How many further files the dataset may contain. They must be complete.
    """
    with sutro.LocalServer(data, api_keys=[API_KEY]) as server:
        client = sutro.Client(API_KEY, server.api_url, max_retries=0)
        names = [file.file_name for file in client.list_dataset_files(dataset_id)]
        assert names == [name for name in sent if name in names], "the order is that of sending"
        assert set(acknowledged) <= set(names), "an acknowledged file is lost"
        assert set(names) <= set(sent)
        assert len(names) <= len(acknowledged) + max_unacknowledged, names
        with TemporaryDirectory() as folder:
            for path in client.download_from_dataset(dataset_id, output_path=Path(folder)):
                assert path.read_bytes() == sent[path.name], f"{path.name} is not as it was sent"
        files = sum(dataset.file_count for dataset in client.list_datasets())
        assert stored_files(data) == files, "a leftover was not swept"


def stored_files(data: Path) -> int:
    """Count the blobs and the small files of a folder, whether they belong to a dataset or not."""
    with closing(sqlite3.connect(data / "catalog.sqlite")) as catalog:
        (small,) = catalog.execute("SELECT COUNT(*) FROM small_blobs").fetchone()
    return len(list((data / "blobs").iterdir())) + int(small)
