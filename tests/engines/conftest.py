"""A server, and an engine with two workers whose environment has the server's URL and key."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

import sutro

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "python"))

from engines import KINDS, Engine  # noqa: E402
from helpers.server_process import API_KEY, ServerProcess  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator


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


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "service") as server:
        yield server


@pytest.fixture
def client(server: Server) -> sutro.Client:
    return server.client()


@pytest.fixture
def one_by_one(tmp_path: Path) -> Iterator[sutro.Client]:
    """A client of a server that does not stage files."""
    with Server(tmp_path / "one-by-one", "--max-staged-files", "0") as server:
        yield server.client()


def pytest_addoption(parser: pytest.Parser) -> None:
    help_of_it = "the engine to test; each needs a process of its own"
    parser.addoption("--engine", choices=[*KINDS], default="dask", help=help_of_it)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what is about another engine."""
    name = collection_path.stem
    is_of_other = name.endswith("_only") and name != f"test_{config.getoption('--engine')}_only"
    return is_of_other or None


@pytest.fixture(scope="session")
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """The engine. Driver and workers are in a folder that has `examples/data` as `data`."""
    name = request.config.getoption("--engine")
    if name == "spark" and shutil.which("java") is None:
        pytest.skip("Spark needs Java, and there is no `java`")
    folder = tmp_path_factory.mktemp("folder")
    shutil.copytree(HERE.parents[1] / "examples/data", folder / "data")
    os.chdir(folder)
    engine = KINDS[name]()
    yield engine
    engine.stop()


@pytest.fixture
def faults(tmp_path: Path) -> Path:
    folder = tmp_path / "faults"
    folder.mkdir()
    return folder
