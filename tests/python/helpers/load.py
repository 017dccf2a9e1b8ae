"""A client that keeps a server busy."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

from conftest import parquet_bytes

if TYPE_CHECKING:
    from helpers.raw_client import RawClient


class Uploader(threading.Thread):
    """Uploads small files to a new dataset, one after another, until the server stops.

    Args:
        client: The client to upload with.
        dataset_id: The dataset.
        first: The number of the first file.
        news: Set at each acknowledgement.
    """

    def __init__(
        self, client: RawClient, dataset_id: str, first: int, news: threading.Event
    ) -> None:
        super().__init__()
        self._client = client
        self._dataset_id = dataset_id
        self._news = news
        self._first = first
        self.sent: dict[str, bytes] = {}
        self.acknowledged: list[str] = []

    def run(self) -> None:
        for number in itertools.count(self._first):
            name, content = f"part-{number}.parquet", parquet_bytes(number % 50 + 1)
            self.sent[name] = content
            status = self._client.upload(self._dataset_id, name, content).status
            if status == 0:
                return
            assert status == 200
            self.acknowledged.append(name)
            self._news.set()
