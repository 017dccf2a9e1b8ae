"""`sutro verify` names what is damaged, missing or an orphan, and changes nothing."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

import sutro
from conftest import large_parquet_bytes, parquet_bytes
from helpers.raw_client import RawClient
from helpers.server_process import API_KEY, ServerProcess

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunSutro
    from helpers import s3
    from helpers.shared_place import SharedPlace

STRAY = "file_" + "0" * 32


def findings(run_sutro: RunSutro, *options: object, code: int = 1) -> list[dict[str, Any]]:
    verified = run_sutro("verify", *options, "--json")
    assert verified.returncode == code, verified.stderr
    found: list[dict[str, Any]] = json.loads(verified.stdout)["findings"]
    return found


def blob(server: sutro.LocalServer, dataset_id: str, name: str, data: Path) -> Path:
    files = server.client().list_dataset_files(dataset_id)
    (file_id,) = [file.file_id for file in files if file.file_name == name]
    assert file_id is not None
    return data / "blobs" / file_id


def test_a_sound_place_has_no_findings_while_a_server_runs(
    run_sutro: RunSutro, server: sutro.LocalServer, folder: Path, tmp_path: Path
) -> None:
    server.client().upload(folder)
    verified = run_sutro("verify", "--data", tmp_path / "service")
    assert (verified.returncode, verified.stderr) == (0, "")
    assert "12 files" in verified.stdout
    assert "no problems" in verified.stdout


@pytest.fixture
def large_files(tmp_path: Path) -> Path:
    """A folder of files that a server stores as blobs."""
    folder = tmp_path / "large"
    folder.mkdir()
    for number in range(4):
        (folder / f"part-{number}.parquet").write_bytes(large_parquet_bytes(number))
    return folder


def test_damaged_and_missing_bytes_in_the_catalog_are_named(
    run_sutro: RunSutro, tmp_path: Path, folder: Path
) -> None:
    data = tmp_path / "service"
    with sutro.LocalServer(data) as server:
        dataset_id = server.client().upload(folder).dataset_id
        files = server.client().list_dataset_files(dataset_id)
    flipped, gone = files[0].file_id, files[1].file_id
    with closing(sqlite3.connect(data / "catalog.sqlite")) as catalog, catalog:
        (content,) = catalog.execute(
            "SELECT bytes FROM small_blobs WHERE file_id = ?", [flipped]
        ).fetchone()
        changed = bytearray(content)
        changed[len(changed) // 2] ^= 1
        catalog.execute("UPDATE small_blobs SET bytes = ? WHERE file_id = ?", [changed, flipped])
        catalog.execute("DELETE FROM small_blobs WHERE file_id = ?", [gone])
        catalog.execute("INSERT INTO small_blobs (file_id, bytes) VALUES (?, x'00')", [STRAY])
    found = {finding["file_id"]: finding for finding in findings(run_sutro, "--data", data)}
    assert {file_id: finding["kind"] for file_id, finding in found.items()} == {
        flipped: "damaged",
        gone: "missing",
        STRAY: "orphan",
    }
    assert "SHA-256" in found[flipped]["problem"]


def test_each_kind_of_damage_is_named(
    run_sutro: RunSutro, server: sutro.LocalServer, large_files: Path, tmp_path: Path
) -> None:
    data = tmp_path / "service"
    dataset_id = server.client().upload(large_files).dataset_id
    flipped, cut, gone = (
        blob(server, dataset_id, f"part-{number}.parquet", data) for number in (1, 2, 3)
    )
    content = bytearray(flipped.read_bytes())
    content[len(content) // 2] ^= 1
    flipped.write_bytes(content)
    cut.write_bytes(cut.read_bytes()[:-1])
    gone.unlink()
    stray, young = data / "blobs" / STRAY, data / "blobs" / STRAY.replace("0", "1")
    for orphan in (stray, young, data / "blobs" / "notes.txt"):
        orphan.write_bytes(b"7 bytes")
    two_days_ago = time.time() - 2 * 86_400
    os.utime(stray, (two_days_ago, two_days_ago))
    before = sorted(path.name for path in (data / "blobs").iterdir())

    found = {finding["file_id"]: finding for finding in findings(run_sutro, "--data", data)}

    assert {
        (finding["kind"], finding["file_name"], finding["dataset_id"]) for finding in found.values()
    } == {
        ("damaged", "part-1.parquet", dataset_id),
        ("damaged", "part-2.parquet", dataset_id),
        ("missing", "part-3.parquet", dataset_id),
        ("orphan", None, None),
    }
    assert "SHA-256" in found[flipped.name]["problem"]
    assert "bytes instead of" in found[cut.name]["problem"]
    assert found[stray.name]["problem"] == "7 bytes belong to no file"
    assert sorted(path.name for path in (data / "blobs").iterdir()) == before
    shown = run_sutro("verify", "--data", data)
    assert shown.returncode == 1
    assert "4 problems" in shown.stderr
    assert "1 uploads or deletions may be in progress" in shown.stderr
    assert STRAY in shown.stdout


def test_a_catalog_that_contradicts_itself_or_the_footers_is_damaged(
    run_sutro: RunSutro, tmp_path: Path, folder: Path
) -> None:
    data = tmp_path / "service"
    with sutro.LocalServer(data) as server:
        dataset_id = server.client().upload(folder).dataset_id
    with closing(sqlite3.connect(data / "catalog.sqlite")) as catalog, catalog:
        catalog.execute("UPDATE datasets SET file_count = 13")
        catalog.execute("UPDATE files SET row_count = 99 WHERE file_name = 'part-0.parquet'")
    found = findings(run_sutro, "--data", data)
    assert {finding["kind"] for finding in found} == {"damaged"}
    assert [finding["dataset_id"] for finding in found] == [dataset_id] * 2
    problems = [finding["problem"] for finding in found]
    assert problems[0].startswith("the catalog counts 13 files")
    assert problems[1] == "it has 1 rows instead of 99"


def test_staged_files_are_compared_too(run_sutro: RunSutro, tmp_path: Path) -> None:
    data = tmp_path / "service"
    with ServerProcess(data) as served:
        client = RawClient(served.api_url, API_KEY)
        dataset_id = client.create_dataset()
        assert client.stage(dataset_id, "small.parquet", parquet_bytes()).status == 200
        staged = client.stage(dataset_id, "a.parquet", large_parquet_bytes()).body["staged_id"]
        assert findings(run_sutro, "--data", data, code=0) == []
        (data / "blobs" / staged).unlink()
        (finding,) = findings(run_sutro, "--data", data)
        assert (finding["kind"], finding["file_id"]) == ("missing", staged)


def test_a_place_without_a_catalog_is_reported_and_not_created(
    run_sutro: RunSutro, tmp_path: Path
) -> None:
    verified = run_sutro("verify", "--data", tmp_path / "nowhere")
    assert verified.returncode == 2
    assert "catalog" in verified.stderr
    assert not (tmp_path / "nowhere").exists()
    assert run_sutro("verify").returncode == 2


@pytest.mark.timeout(180)
def test_postgresql_and_s3_are_compared_while_servers_run(
    run_sutro: RunSutro, large_files: Path, folder: Path, place: SharedPlace, store: s3.S3Server
) -> None:
    with place.serve() as served:
        served.client().upload(folder)
        dataset_id = served.client().upload(large_files).dataset_id
        sound = run_sutro("verify", *place.options(), environment=store.environment())
        assert (sound.returncode, sound.stderr) == (0, "")
        files = served.client().list_dataset_files(dataset_id)
        first, second = (file.file_id or "" for file in files[:2])
        place.delete_object(first)
        place.rename_object(second, STRAY)
        found = run_sutro(
            *("verify", "--json", "--upload-expiry=0.001", *place.options()),
            environment=store.environment(),
        )
        assert found.returncode == 1
        assert {
            (finding["kind"], finding["file_id"])
            for finding in json.loads(found.stdout)["findings"]
        } == {("missing", first), ("missing", second), ("orphan", STRAY)}
