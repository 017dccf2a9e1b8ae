"""Listings do not block writes of other clients."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from conftest import parquet_bytes
from helpers.long_datasets import long_dataset
from helpers.raw_client import RawClient
from helpers.server_process import API_KEY, ServerProcess

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="starts `sutro serve`")

OTHER_KEY = "another-key-of-the-tests"
CLIENTS = 64
FILES = 30_000
ROUNDS = 10


class Lister(threading.Thread):
    """Requests listings one after another until it is stopped."""

    def __init__(self, served: ServerProcess, call: str, question: dict[str, object]) -> None:
        super().__init__()
        self._address = urlsplit(served.api_url).netloc
        self._call = call
        self._question = json.dumps(question).encode()
        self.is_over = threading.Event()
        self.has_begun = threading.Event()
        self.answers: Counter[tuple[int, bool]] = Counter()
        """Statuses, and whether each response had `Retry-After`."""

    def run(self) -> None:
        headers = {"Authorization": f"Key {API_KEY}", "Content-Type": "application/json"}
        while not self.is_over.is_set():
            connection = HTTPConnection(self._address, timeout=60)
            try:
                connection.request("POST", f"/{self._call}", self._question, headers)
                response = connection.getresponse()
                self.has_begun.set()
                while response.read(1 << 20) and not self.is_over.is_set():
                    pass
                answer = response.status, "Retry-After" in response.headers
            except (OSError, HTTPException):
                answer = 0, False
            finally:
                connection.close()
            self.answers[answer] += 1


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("call", "asks_for_pages"),
    [
        ("list-dataset-files", True),
        ("list-dataset-files", False),
        ("legacy/list-dataset-files", False),
        ("list-datasets", False),
    ],
)
def test_another_key_can_create_and_upload_while_64_clients_list_30000_files(
    tmp_path: Path, call: str, *, asks_for_pages: bool
) -> None:
    service, dataset_id = long_dataset(tmp_path, FILES, 3)
    keys = tmp_path / "keys"
    keys.write_text(f"{API_KEY}\n{OTHER_KEY}\n")
    with ServerProcess(service, f"--api-key-file={keys}") as served:
        question: dict[str, object] = {"dataset_id": dataset_id}
        if asks_for_pages:
            question["compact"] = True
        listers = [Lister(served, call, question) for _ in range(CLIENTS)]
        for lister in listers:
            lister.start()
        for lister in listers:
            assert lister.has_begun.wait(60)
        client = RawClient(served.api_url, OTHER_KEY)
        # The client gives each of these calls 30 s. One took 38 s when lists and commits shared a
        # connection, and some ended with a 500.
        statuses = []
        for number in range(ROUNDS):
            created = client.post("create-dataset")
            uploaded = client.upload(
                str(created.body.get("dataset_id")), f"part-{number}.parquet", parquet_bytes()
            )
            statuses += [created.status, uploaded.status]
        assert all(lister.is_alive() for lister in listers)
        for lister in listers:
            lister.is_over.set()
        for lister in listers:
            lister.join()

    assert statuses == [200] * 2 * ROUNDS
    answers = sum((lister.answers for lister in listers), Counter[tuple[int, bool]]())
    assert set(answers) <= {(200, False), (503, True)}, answers
