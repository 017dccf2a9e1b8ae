"""The server of the tests. It always has the same URL, which workers know from their start."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import Self

import sutro
from helpers.server_process import API_KEY, ServerProcess

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
