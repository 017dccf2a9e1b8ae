"""Fixtures: a folder of Parquet files and an embedded server for each test."""

from __future__ import annotations

import io
import os
import random
import re
import signal
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from helpers import postgres, processes, s3
from helpers.bucket import Bucket
from helpers.holding_server import HoldingServer
from helpers.shared_place import SharedPlace

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


# A shell starts background jobs with Ctrl-C ignored, which Python and its children inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)


def write_parquet(path: Path, rows: int = 3, **columns: list[object]) -> Path:
    """Write a small file. Without `columns`, it has the schema that all tests share."""
    table = pa.table(columns or {"id": list(range(rows)), "text": [path.stem] * rows})
    pq.write_table(table, path)
    return path


SMALL_BYTES = 64 * 1024
"""The size of the largest file that a server stores in its catalog."""


def parquet_bytes(rows: int = 3, text: str = "") -> bytes:
    """A file with the schema that all tests share. `text` is repeated in each row."""
    buffer = io.BytesIO()
    table = pa.table({"id": list(range(rows)), "text": [f"{row}{text}" for row in range(rows)]})
    pq.write_table(table, buffer)
    return buffer.getvalue()


def large_parquet_bytes(number: int = 0) -> bytes:
    """As `parquet_bytes`, but so large that a server does not store it in its catalog."""
    content = parquet_bytes(2, random.Random(number).randbytes(50_000).hex())
    assert len(content) > SMALL_BYTES
    return content


def without_fingerprints(names: Iterable[str]) -> list[str]:
    """Generated names, such as `part-00000-1f3c9a7e.parquet`, without their fingerprints."""
    return [re.sub(r"-[0-9a-f]{8}\.parquet$", ".parquet", name) for name in names]


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "HF_", "SUTRO_", "TQDM_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SUTRO_CONFIG_DIR", str(tmp_path / "no-settings"))
    monkeypatch.setenv("SUTRO_STATE_DIR", str(tmp_path / "state"))
    nothing = sutro.settings.Settings(place="set_api_key")
    monkeypatch.setattr("sutro.settings._of_this_process", nothing)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve files, part-0 to part-11. Sorted as text, they are not in numeric order."""
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(12):
        write_parquet(folder / f"part-{number}.parquet", rows=number + 1)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An empty folder for files, next to the folder of the server."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


PARTS = [f"part-{number}.parquet" for number in range(12)]
"""The names in `folder`, in natural order."""


STAGED_FILES = {"gate": 0, "staged": 100_000}
"""The number of files that a server stages. Uploads to a server that stages none use the gate."""

through_gate_and_staged = pytest.mark.parametrize("server", STAGED_FILES, indirect=True)
"""Runs a test with a server that does not stage files, and with one that does."""


@pytest.fixture
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[sutro.LocalServer]:
    most = STAGED_FILES[getattr(request, "param", "staged")]
    with sutro.LocalServer(tmp_path / "service", max_staged_files=most) as server:
        yield server


@pytest.fixture
def client(server: sutro.LocalServer) -> sutro.Client:
    return server.client()


@pytest.fixture
def holding() -> Iterator[HoldingServer]:
    with HoldingServer() as service:
        yield service


@pytest.fixture(scope="module")
def database() -> Iterator[postgres.PostgresServer]:
    if postgres.binaries() is None:
        pytest.skip(postgres.MISSING)
    with postgres.PostgresServer() as server:
        yield server


@pytest.fixture(scope="module")
def store() -> Iterator[s3.S3Server]:
    if s3.program() is None:
        pytest.skip(s3.MISSING)
    with s3.S3Server() as server:
        yield server


@pytest.fixture
def bucket(store: s3.S3Server) -> Bucket:
    return Bucket(store)


@pytest.fixture
def place(database: postgres.PostgresServer, store: s3.S3Server) -> SharedPlace:
    return SharedPlace(database, store)


class RunSutro(Protocol):
    def __call__(
        self, *arguments: object, environment: Mapping[str, str] | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def run_python(tmp_path: Path) -> RunSutro:
    """Run Python in `tmp_path`."""

    def run(
        *arguments: object, environment: Mapping[str, str] | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return processes.run_python(*arguments, cwd=tmp_path, environment=environment, stdin=stdin)

    return run


@pytest.fixture
def run_sutro(run_python: RunSutro) -> RunSutro:
    """Run `python -m sutro` in `tmp_path`."""

    def run(
        *arguments: object, environment: Mapping[str, str] | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return run_python("-m", "sutro", *arguments, environment=environment, stdin=stdin)

    return run
