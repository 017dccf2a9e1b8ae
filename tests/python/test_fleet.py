"""Four servers behind a load balancer keep every promise while they are killed in turn."""

from __future__ import annotations

import random
import shutil
import signal
import sys
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from helpers.balancer import balancer
from helpers.busy_proxies import free_port
from helpers.load import OrderedClient, assert_stored_in_order
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
            OrderedClient(reader, datasets[number % DATASETS], number, FLEET_UPLOADS, enough)
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

        # 0: the connection broke, or the balancer responded.
        assert {answer.status for client in clients for answer in client.refused} <= {0, 503}
        assert_stored_in_order(reader, clients)
    print(
        f"{FLEET_CLIENTS} clients, {sum(len(client.contents) for client in clients)} uploads, "
        f"{FLEET_KILLS} kills, {seconds:.0f} s, "
        f"{sum(len(client.refused) for client in clients)} requests repeated"
    )
