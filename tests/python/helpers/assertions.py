"""What a folder of the service must hold after anything that can happen to it."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import sutro
from helpers.server_process import API_KEY

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path


def assert_kept(
    data: Path,
    dataset_id: str,
    sent: Mapping[str, bytes],
    answered: Collection[str],
    *,
    unanswered_at_most: int,
) -> None:
    """Every answered file is there and byte-equal, in the order of sending, and no half file.

    Args:
        data: The folder, which no service has open.
        dataset_id: The dataset.
        sent: What was sent one after another, by name.
        answered: Names that were answered with a `file_id`.
        unanswered_at_most: Files that may be there (whole) though nobody was told so.
    """
    with sutro.LocalServer(data, api_keys=[API_KEY]) as server:
        client = sutro.Client(API_KEY, server.api_url, max_retries=0)
        names = [file.file_name for file in client.list_dataset_files(dataset_id)]
        assert names == [name for name in sent if name in names], "the order is that of sending"
        assert set(answered) <= set(names), "an answered file is lost"
        assert set(names) <= set(sent)
        assert len(names) <= len(answered) + unanswered_at_most, names
        with TemporaryDirectory() as folder:
            for path in client.download_from_dataset(dataset_id, output_path=folder):
                assert path.read_bytes() == sent[path.name], f"{path.name} is not as it was sent"
        files = sum(dataset.file_count for dataset in client.list_datasets())
        assert len(list((data / "blobs").iterdir())) == files, "a leftover was not swept"
