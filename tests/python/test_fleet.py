"""Four servers behind a load balancer keep every promise while they are killed in turn."""

from __future__ import annotations

import itertools
import random
import shutil
import signal
import sys
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from conftest import parquet_bytes
from helpers.balancer import balancer
from helpers.busy_proxies import free_port
from helpers.raw_client import RawClient
from helpers.server_process import API_KEY
from helpers.soak import FLEET_CLIENTS, FLEET_KILLS, FLEET_UPLOADS

if TYPE_CHECKING:
    from pathlib import Path

    from helpers.server_process import ServerProcess
    from helpers.shared_place import SharedPlace

pytestmark = [
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed"),
    pytest.mark.skipif(sys.platform == "win32", reason="sends signals"),
]

SERVERS = 4
DATASETS = 8
SECONDS_BETWEEN_KILLS = 1.0


class OrderedClient(threading.Thread):
    """Uploads files one after another, each until the servers have it.

    Args:
        api_url: The URL of the balancer.
        number: Tells it from the others; a part of the names.
        enough: Set when it may stop, once it has uploaded its number of files.
    """

    def __init__(self, api_url: str, dataset_id: str, number: int, enough: threading.Event) -> None:
        super().__init__()
        self._client = RawClient(api_url, API_KEY)
        self._dataset_id = dataset_id
        self._number = number
        self._enough = enough
        self.contents: dict[str, bytes] = {}
        """In the order of the uploads."""
        self.repeated = 0
        self.wrong: list[object] = []

    def run(self) -> None:
        for upload in itertools.count():
            if upload >= FLEET_UPLOADS and self._enough.is_set():
                return
            name = f"{self._number:02}-{upload:04}.parquet"
            self.contents[name] = parquet_bytes(upload % 20 + 1, f"of {self._number}")
            if not self._upload(name):
                return

    def _upload(self, name: str) -> bool:
        for attempt in itertools.count():
            answer = self._client.upload(self._dataset_id, name, self.contents[name])
            # A name that is there was stored by an attempt whose response was lost.
            if answer.status == 200 or (answer.status == 409 and attempt > 0):
                return True
            # 0: the connection broke, or the balancer responded.
            if answer.status not in {0, 503}:
                self.wrong.append(answer)
                return False
            self.repeated += 1
            time.sleep(0.05)
        raise AssertionError


class Fleet:
    """Servers on fixed ports, as a balancer knows them."""

    def __init__(self, place: SharedPlace, running: ExitStack) -> None:
        self._place = place
        self._running = running
        self.ports = [free_port() for _ in range(SERVERS)]
        self._served = [self._start(port) for port in self.ports]

    def kill_and_restart(self, index: int) -> None:
        self._served[index].end(signal.SIGKILL)
        self._served[index] = self._start(self.ports[index])

    def _start(self, port: int) -> ServerProcess:
        served = self._running.enter_context(self._place.serve("--port", str(port)))
        assert served.has_started, served.log()
        return served


@pytest.mark.timeout(900)
def test_clients_of_a_balancer_lose_nothing_and_keep_their_order_while_servers_are_killed(
    place: SharedPlace, tmp_path: Path
) -> None:
    with ExitStack() as running:
        fleet = Fleet(place, running)
        api_url = running.enter_context(balancer(fleet.ports, tmp_path / "nginx"))
        reader = RawClient(api_url, API_KEY)
        datasets = [reader.create_dataset() for _ in range(DATASETS)]
        enough = threading.Event()
        clients = [
            OrderedClient(api_url, datasets[number % DATASETS], number, enough)
            for number in range(FLEET_CLIENTS)
        ]
        begun = time.monotonic()
        for client in clients:
            client.start()
        for _ in range(FLEET_KILLS):
            time.sleep(SECONDS_BETWEEN_KILLS)
            fleet.kill_and_restart(random.randrange(SERVERS))
        enough.set()
        for client in clients:
            client.join()
        seconds = time.monotonic() - begun

        assert [client.wrong for client in clients if client.wrong] == []
        for index, dataset in enumerate(datasets):
            answer = reader.post("list-dataset-files", dataset_id=dataset)
            names = [file["file_name"] for file in answer.body["files"]]
            of_dataset = clients[index::DATASETS]
            assert len(names) == sum(len(client.contents) for client in of_dataset)
            for client in of_dataset:
                assert len(client.contents) >= FLEET_UPLOADS
                assert [name for name in names if name in client.contents] == list(client.contents)
                for name, content in client.contents.items():
                    assert reader.download(dataset, name) == (200, content)
    print(
        f"{FLEET_CLIENTS} clients, {sum(len(client.contents) for client in clients)} uploads, "
        f"{FLEET_KILLS} kills, {seconds:.0f} s, "
        f"{sum(client.repeated for client in clients)} requests repeated"
    )
