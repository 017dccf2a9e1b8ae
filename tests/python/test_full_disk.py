"""On a full disk, only acknowledged files are kept, and uploads work again once there is space."""

from __future__ import annotations

import io
import itertools
import os
import queue
import random
import shutil
import signal
import sys
import threading
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import large_parquet_bytes, parquet_bytes
from helpers.assertions import assert_no_loss
from helpers.raw_client import RawClient
from helpers.server_process import API_KEY, ServerProcess
from helpers.small_disk import small_disk

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's tools")

ROUNDS = int(os.environ.get("SUTRO_FULL_DISKS", "4"))
"""How often a server under load fills its disk and is restarted."""

SENDERS = 4
FILLINGS = 3
"""How often the disk fills up in each round."""

OTHER_SCHEMA = io.BytesIO()
pq.write_table(pa.table({"other": [1]}), OTHER_SCHEMA)


@pytest.mark.parametrize("kib", range(60, 240, 20))
def test_uploads_fail_on_a_full_disk_and_work_again_once_there_is_space(
    tmp_path: Path, kib: int
) -> None:
    contents = {
        f"part-{number}.parquet": large_parquet_bytes(number)
        if number % 3 == 1
        else parquet_bytes(2_000, "x" * 9)
        for number in range(12)
    }
    with small_disk(tmp_path / "disk", kib + 1_400) as disk:
        data = tmp_path / "disk" / "served"
        disk.fill(leave_kib=kib)
        with ServerProcess(data, wrapper=disk.wrapper) as served:
            if not served.has_started:
                _, stderr = served.wait()
                assert "full" in stderr or "space" in stderr
                return
            client = RawClient(served.api_url, API_KEY)
            created = client.post("create-dataset")
            if created.status == 507:
                disk.free()
                client.create_dataset()
                return
            dataset_id = str(created.body["dataset_id"])
            statuses = [client.upload(dataset_id, *file).status for file in contents.items()]
            disk.free()
            late = [
                client.upload(dataset_id, name, content).status
                for (name, content), status in zip(contents.items(), statuses, strict=True)
                if status != 200
            ]
            served.end(signal.SIGKILL)

        assert set(statuses) <= {200, 507}
        assert 507 in statuses
        assert set(late) == {200}
        with ServerProcess(data, wrapper=disk.wrapper) as served:
            folder = tmp_path / "out"
            downloaded = served.client().download_from_dataset(dataset_id, output_path=folder)
    assert {path.name: path.read_bytes() for path in downloaded} == contents


class PersistentUploader(threading.Thread):
    """Uploads to a new dataset until it is stopped, whatever the responses are.

    Some of its uploads are rejected on any disk: names in use, another schema.
    """

    def __init__(self, client: RawClient, answers: queue.SimpleQueue[int]) -> None:
        super().__init__()
        self._client = client
        self._answers = answers
        self._first = ("first.parquet", parquet_bytes(1))
        self.is_over = threading.Event()
        self.dataset_id = client.create_dataset()
        assert client.upload(self.dataset_id, *self._first).status == 200
        self.acknowledged = dict([self._first])
        self.in_doubt: dict[str, bytes] = {}
        """Sent, but not acknowledged."""
        self.statuses: set[int] = set()

    def run(self) -> None:
        for number in itertools.count():
            if self.is_over.is_set():
                return
            name, content = f"part-{number}.parquet", parquet_bytes(number % 50 + 1)
            if number % 5 == 2:
                content = large_parquet_bytes(number)
            if number % 5 == 3:
                content = OTHER_SCHEMA.getvalue()
            elif number % 5 == 4:
                name, content = self._first
            status = self._client.upload(self.dataset_id, name, content).status
            if status == 0:
                self.in_doubt[name] = content
                return
            if status == 200:
                self.acknowledged[name] = content
            self.statuses.add(status)
            self._answers.put(status)


def wait_for(status: int, answers: queue.SimpleQueue[int]) -> None:
    """Wait until each uploader may have received this response."""
    while not answers.empty():
        answers.get()
    for _ in range(2 * SENDERS):
        while answers.get(timeout=30) != status:
            pass


@pytest.mark.timeout(60 + 20 * ROUNDS)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("ends_full", [False, True])
def test_a_disk_that_fills_under_load_keeps_exactly_the_acknowledged_uploads(
    tmp_path: Path, how: signal.Signals, *, ends_full: bool
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for number in range(ROUNDS):
        with small_disk(tmp_path / f"disk-{number}", 32 * 1024) as disk:
            data = tmp_path / f"disk-{number}" / "served"
            with ServerProcess(data, wrapper=disk.wrapper) as served:
                answers: queue.SimpleQueue[int] = queue.SimpleQueue()
                client = RawClient(served.api_url, API_KEY)
                senders = [PersistentUploader(client, answers) for _ in range(SENDERS)]
                for sender in senders:
                    sender.start()
                for filling in range(FILLINGS):
                    disk.fill(leave_kib=chance.choice([0, 4, 8, 12, 16, 24, 40]))
                    wait_for(507, answers)
                    if filling + 1 < FILLINGS or not ends_full:
                        disk.free()
                        wait_for(200, answers)
                assert client.health().status == 200
                served.end(how)
                for sender in senders:
                    sender.is_over.set()
                    sender.join()
            left = tmp_path / f"left-{number}"
            shutil.copytree(disk.folder / "served", left)
            # It starts on the disk as it is, full or not.
            with ServerProcess(data, wrapper=disk.wrapper) as served:
                again = RawClient(served.api_url, API_KEY)
                for sender in senders:
                    listed = again.post("list-dataset-files", dataset_id=sender.dataset_id)
                    names = {file["file_name"] for file in listed.body["files"]}
                    assert set(sender.acknowledged) <= names
        for sender in senders:
            assert sender.statuses <= {200, 409, 422, 503, 507}
            assert {200, 409, 422, 507} <= sender.statuses
            assert_no_loss(
                left,
                sender.dataset_id,
                sender.acknowledged | sender.in_doubt,
                sender.acknowledged,
                max_unacknowledged=len(sender.in_doubt),
            )
