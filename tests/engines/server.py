"""The server of the tests. It always has the same URL, which workers know from their start."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import sutro
from helpers.busy_proxies import running
from helpers.server_process import API_KEY, ServerProcess

if TYPE_CHECKING:
    from helpers.shared_place import SharedPlace

HERE = Path(__file__).parent


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


PORT = free_port()
"""Of all servers: workers live longer than a test, and know their URL."""

URL = f"http://127.0.0.1:{PORT}"

# Before an engine starts: its workers inherit it.
for name in [name for name in os.environ if name.startswith(("SUTRO_", "TQDM_"))]:
    del os.environ[name]
os.environ |= {
    "SUTRO_API_KEY": API_KEY,
    "SUTRO_API_URL": URL,
    "SUTRO_CONFIG_DIR": str(HERE / "no settings"),
    "PYTHONPATH": os.pathsep.join([str(HERE), str(Path(sutro.__file__).parents[1])]),
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "DO_NOT_TRACK": "true",
}


HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option redispatch
frontend proxy
  bind 127.0.0.1:{port}
  default_backend instances
backend instances
  balance roundrobin
{instances}
"""


class AnyServer(Protocol):
    """What the tests use of a server."""

    def kill_and_restart(self) -> None:
        """Kill it, or a part of it, in the middle of its work."""

    def client(self) -> sutro.Client:
        """A client with its key."""


class Server:
    """A server that can be killed and started again, on one folder and port."""

    def __init__(self, data: Path, *options: str) -> None:
        self._data, self._options = data, options
        self._served = self._started()

    def _started(self) -> ServerProcess:
        served = ServerProcess(self._data, "--port", str(PORT), *self._options)
        assert served.has_started, served.log()
        return served

    def kill_and_restart(self) -> None:
        self._served.end(signal.SIGKILL)
        self._served = self._started()

    def client(self) -> sutro.Client:
        return sutro.Client(API_KEY, URL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._served.end(signal.SIGKILL)


class TwoInstances:
    """Two servers on one place, behind a proxy that gives each request to one of them in turn."""

    def __init__(self, place: SharedPlace, folder: Path) -> None:
        self._place = place
        self._ports = [free_port(), free_port()]
        self._served = [self._started(port) for port in self._ports]
        self._next = cycle(range(len(self._ports)))
        config = folder / "haproxy.cfg"
        lines = [f"  server s{port} 127.0.0.1:{port} check" for port in self._ports]
        config.write_text(HAPROXY.format(port=PORT, instances="\n".join(lines)))
        self._proxy = ExitStack()
        self._proxy.enter_context(running(["haproxy", "-q", "-db", "-f", str(config)], PORT))

    def _started(self, port: int) -> ServerProcess:
        served = self._place.serve("--port", str(port))
        assert served.has_started, served.log()
        return served

    def kill_and_restart(self) -> None:
        index = next(self._next)
        self._served[index].end(signal.SIGKILL)
        self._served[index] = self._started(self._ports[index])

    def client(self) -> sutro.Client:
        return sutro.Client(API_KEY, URL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._proxy.close()
        for served in self._served:
            served.end(signal.SIGKILL)
