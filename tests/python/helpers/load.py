"""Clients that keep a server busy."""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from conftest import large_parquet_bytes, parquet_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from helpers.raw_client import Answer, RawClient


class Uploader(threading.Thread):
    """Uploads small and larger files to a new dataset, one after another, until the server stops.

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
            if number % 3 == 2:
                content = large_parquet_bytes(number)
            self.sent[name] = content
            status = self._client.upload(self._dataset_id, name, content).status
            if status == 0:
                return
            assert status == 200
            self.acknowledged.append(name)
            self._news.set()


class OrderedClient(threading.Thread):
    """Uploads small and larger files one after another, each until it is stored.

    Args:
        number: Tells it from the others; a part of the names.
        least: How many files it uploads at least.
        enough: Set when it may stop after these.
    """

    def __init__(
        self, client: RawClient, dataset_id: str, number: int, least: int, enough: threading.Event
    ) -> None:
        super().__init__()
        self._client = client
        self.dataset_id = dataset_id
        self._number = number
        self._least = least
        self._enough = enough
        self.contents: dict[str, bytes] = {}
        """In the order of the uploads."""
        self.stored = 0
        self.refused: list[Answer] = []

    def run(self) -> None:
        while self.stored < self._least or not self._enough.is_set():
            name = f"{self._number:02}-{self.stored:04}.parquet"
            content = parquet_bytes(self.stored % 20 + 1, f"of {self._number}")
            if self.stored % 3 == 2:
                content = large_parquet_bytes(self._number * 1_000_000 + self.stored)
            self.contents[name] = content
            self._upload(name)
            self.stored += 1

    def _upload(self, name: str) -> None:
        for attempt in itertools.count():
            answer = self._client.upload(self.dataset_id, name, self.contents[name])
            # A name that is there was stored by an attempt whose response was lost.
            if answer.status == 200 or (answer.status == 409 and attempt > 0):
                return
            self.refused.append(answer)
            assert answer.status in {0, 500, 502, 503}, answer
            time.sleep(0.05)


def assert_stored_in_order(reader: RawClient, clients: Sequence[OrderedClient]) -> None:
    """Assert that datasets have what the clients have uploaded, and nothing else."""
    of_datasets = defaultdict(list)
    for client in clients:
        of_datasets[client.dataset_id].append(client)
    for dataset, uploaders in of_datasets.items():
        answer = reader.post("list-dataset-files", dataset_id=dataset)
        names = [file["file_name"] for file in answer.body["files"]]
        assert len(names) == sum(len(uploader.contents) for uploader in uploaders)
        for uploader in uploaders:
            assert uploader.stored == len(uploader.contents)
            assert [name for name in names if name in uploader.contents] == list(uploader.contents)
            for name, content in uploader.contents.items():
                assert reader.download(dataset, name) == (200, content)
