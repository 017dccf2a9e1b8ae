"""Snapshots of what the command prints: help, tables, documents, errors.

After an intended change, run `pytest --snapshot-update` and review the diff.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import click
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from conftest import write_parquet
from sutro.cli.commands import commands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from conftest import RunSutro
    from helpers.holding_server import HoldingServer

LOCAL = ("--api-url", "local:service")

# Files of some kB: what a writer adds does not change the width of a column.
NUMBERS: list[object] = [*range(500)]
TEXTS: list[object] = [f"text {number}" for number in range(500)]


def _all_commands(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from _all_commands(below, *path, name)


def _stable(words: str) -> str:
    """Remove what differs between runs, and keep the columns aligned."""
    words = re.sub(r"(?<=dataset-)[0-9a-f-]{36}", lambda match: re.sub(r"\w", "0", match[0]), words)
    words = re.sub(r"(?<=file_)[0-9a-f]{32}", "0" * 32, words)
    words = re.sub(r"\d{4}-\d\d-\d\d[ T][\d:.]+Z?", lambda m: re.sub(r"\d", "0", m[0]), words)
    words = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8000", words)
    words = re.sub(r"\b[0-9a-f]{64}\b", "0" * 64, words)
    words = re.sub(r"[\d.]+ (k?B|s)\b", lambda match: re.sub(r"\d", "0", match[0]), words)
    return re.sub(r'("(?:seconds|size_bytes|total_size_bytes|bytes)": )[\d.]+', r"\g<1>0", words)


@pytest.fixture
def output_of(run_sutro: RunSutro) -> Callable[..., str]:
    """Run a command, and return stdout and stderr as one text."""

    def run(*arguments: object, **environment: str) -> str:
        places = {"COLUMNS": "80", "SUTRO_CONFIG_DIR": "settings"}
        done = run_sutro(*arguments, environment=places | environment)
        command = " ".join(["$ sutro", *map(str, arguments)])
        parts = [command, done.stdout, done.stderr and f"--- stderr\n{done.stderr}"]
        parts.append(f"--- exit code {done.returncode}")
        return _stable("\n".join(part.rstrip("\n") for part in parts if part))

    return run


@pytest.fixture
def dataset_id(tmp_path: Path) -> str:
    """A dataset of three files in the folder `service`."""
    for number in range(3):
        write_parquet(tmp_path / f"part-{number}.parquet", rows=1000 + number)
    with sutro.LocalServer(tmp_path / "service") as server:
        return server.client().upload(tmp_path / "part-*.parquet").dataset_id


@pytest.mark.parametrize("path", [*_all_commands(commands)], ids=" ".join)
def test_help(
    output_of: Callable[..., str], path: tuple[str, ...], snapshot: SnapshotAssertion
) -> None:
    assert output_of(*path, "--help") == snapshot


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("uplaod", "data"),
        ("upload",),
        ("upload", "data", "--concurrency", "many"),
        ("upload", "data", "--quite"),
        ("datasets", "upload", "dataset-1b2c"),
        ("completion", "tcsh"),
    ],
)
def test_wrong_usage(
    output_of: Callable[..., str], arguments: tuple[str, ...], snapshot: SnapshotAssertion
) -> None:
    assert output_of(*arguments) == snapshot


def test_tables(
    output_of: Callable[..., str], dataset_id: str, snapshot: SnapshotAssertion
) -> None:
    assert output_of("check", "part-*.parquet") == snapshot
    assert output_of("datasets", "list", *LOCAL) == snapshot
    assert output_of("datasets", "files", dataset_id, *LOCAL) == snapshot
    assert output_of("upload", "part-*.parquet", *LOCAL) == snapshot
    assert output_of("upload", "part-*.parquet", "--dataset", dataset_id, *LOCAL) == snapshot


def test_empty_tables(output_of: Callable[..., str], snapshot: SnapshotAssertion) -> None:
    assert output_of("datasets", "list", *LOCAL) == snapshot


def test_documents(
    run_sutro: RunSutro, dataset_id: str, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    (tmp_path / "damaged.parquet").write_text("no parquet at all")

    def document(*arguments: str) -> str:
        printed = json.loads(run_sutro(*arguments, *LOCAL, "--json").stdout)
        return _stable(json.dumps(printed, indent=2))

    assert document("datasets", "list") == snapshot
    assert document("datasets", "files", dataset_id) == snapshot
    assert document("check", "part-0.parquet", "damaged.parquet") == snapshot
    assert document("upload", "part-0.parquet") == snapshot
    assert document("upload", "damaged.parquet") == snapshot
    assert document("upload") == snapshot


def test_a_schema_mismatch(
    output_of: Callable[..., str], tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(7):
        write_parquet(folder / f"part-{number}.parquet", score=[*NUMBERS], comment=[*TEXTS])
    numbers = pa.array([None, *NUMBERS[1:]], pa.float64())
    table = pa.table({"score": numbers, "comment": pa.nulls(len(NUMBERS))})
    pq.write_table(table, folder / "part-2.parquet")
    table = pa.table({"score": NUMBERS, "comment": TEXTS, "__index_level_0__": NUMBERS})
    pq.write_table(table, folder / "part-5.parquet")

    assert output_of("check", "data") == snapshot
    assert output_of("upload", "data", *LOCAL) == snapshot
    assert output_of("check", "data", "--on-mismatch", "cast") == snapshot


def test_a_schema_mismatch_that_a_cast_fixes(
    output_of: Callable[..., str], tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    write_parquet(tmp_path / "part-0.parquet", number=[*NUMBERS], text=[*TEXTS])
    write_parquet(tmp_path / "part-1.parquet", text=[*TEXTS], number=[*NUMBERS])

    assert output_of("check", "part-*.parquet") == snapshot
    assert output_of("check", "part-*.parquet", "--on-mismatch", "cast") == snapshot


def test_files_that_cannot_be_uploaded(
    output_of: Callable[..., str], dataset_id: str, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    (tmp_path / "damaged.parquet").write_text("no parquet at all")
    pq.write_table(pa.table({"id": [1]}), tmp_path / "packed.parquet", compression="zstd")
    (tmp_path / "empty").mkdir()

    assert output_of("check", "damaged.parquet", "packed.parquet", "gone.parquet") == snapshot
    assert output_of("upload", "packed.parquet", *LOCAL) == snapshot
    assert output_of("upload", "empty", *LOCAL) == snapshot
    assert output_of("upload", "nowhere/*.parquet", *LOCAL) == snapshot
    assert output_of("upload", "part-0.parquet", "./part-0.parquet", *LOCAL) == snapshot
    taken = ("upload", "part-1.parquet", "part-0.parquet", "--dataset", dataset_id)
    assert output_of(*taken, *LOCAL) == snapshot


def test_keys_and_services(
    output_of: Callable[..., str],
    server: sutro.LocalServer,
    holding: HoldingServer,
    folder: Path,  # noqa: ARG001 - it is sent
    snapshot: SnapshotAssertion,
) -> None:
    holding.commits = 2
    holding.refusal = (413, "the file is too large")
    held = {"SUTRO_API_KEY": holding.api_key, "SUTRO_API_URL": holding.api_url}
    right = {"SUTRO_API_KEY": server.api_key, "SUTRO_API_URL": server.api_url}
    wrong = {"SUTRO_API_KEY": "wrong-key-123", "SUTRO_API_URL": server.api_url}

    assert output_of("datasets", "list") == snapshot
    assert output_of("datasets", "list", **wrong) == snapshot
    assert output_of("login", "--api-url", "local:service") == snapshot
    assert output_of("login", "--api-url", server.api_url) == snapshot
    assert output_of("datasets", "files", "dataset-none", **right) == snapshot
    assert output_of("upload", "data", **held) == snapshot
