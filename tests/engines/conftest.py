"""A server, and an engine with two workers whose environment has the server's URL and key."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "python"))

from engines import KINDS, Engine  # noqa: E402
from helpers import postgres, s3  # noqa: E402
from helpers.shared_place import SharedPlace  # noqa: E402
from server import AnyServer, Server, TwoInstances  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sutro


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "service") as server:
        yield server


@pytest.fixture(scope="session")
def shared_place() -> Iterator[SharedPlace]:
    """A database and an S3 store that several instances share."""
    for missing, why in [
        (postgres.binaries() is None, postgres.MISSING),
        (s3.program() is None, s3.MISSING),
        (shutil.which("haproxy") is None, "haproxy is not installed"),
    ]:
        if missing:
            pytest.skip(why)
    with postgres.PostgresServer() as database, s3.S3Server() as store:
        yield SharedPlace(database, store)


@pytest.fixture(scope="session")
def store() -> Iterator[s3.S3Server]:
    """An S3 store that driver and workers reach."""
    if s3.program() is None:
        pytest.skip(s3.MISSING)
    with s3.S3Server() as store:
        yield store


@pytest.fixture(params=["folder", "two instances"])
def each_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyServer]:
    """A server on a folder, and two on PostgreSQL and S3."""
    if request.param == "folder":
        with Server(tmp_path / "service") as server:
            yield server
        return
    with TwoInstances(request.getfixturevalue("shared_place"), tmp_path) as servers:
        yield servers


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
