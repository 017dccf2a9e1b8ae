"""Backups of the catalog and of the bytes are restored as `docs/service.md` says."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from conftest import large_parquet_bytes
from helpers import postgres
from helpers.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunSutro
    from helpers.s3 import S3Server
    from helpers.shared_place import SharedPlace


def run_postgres(program: str, *options: str) -> None:
    binaries = postgres.binaries()
    if binaries is None or not (binaries / program).exists():
        pytest.skip(f"{program} is not installed")
    ran = subprocess.run(
        [binaries / program, *options], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.timeout(180)
def test_a_catalog_from_before_the_bytes_is_restored_and_verify_names_what_changed_between(
    run_sutro: RunSutro, folder: Path, tmp_path: Path, place: SharedPlace, store: S3Server
) -> None:
    catalog = urlsplit(place.options()[1])
    dump = tmp_path / "catalog.dump"
    later = tmp_path / "later.parquet"
    later.write_bytes(large_parquet_bytes(1))
    with place.serve() as served:
        client = served.client()
        large = tmp_path / "large.parquet"
        large.write_bytes(large_parquet_bytes())
        dataset_id = client.upload([large, folder]).dataset_id
        run_postgres("pg_dump", "-Fc", f"--file={dump}", catalog.geturl())
        deleted, *kept = client.list_dataset_files(dataset_id)
        client.delete_dataset_file(dataset_id, deleted.file_name)
        wait_for(lambda: deleted.file_id not in place.objects())
        other = client.upload(later).dataset_id
        (lost,) = client.list_dataset_files(other)
    restored = catalog._replace(path="/postgres").geturl()
    run_postgres("pg_restore", "-d", restored, "--clean", "--if-exists", "--create", str(dump))

    found = run_sutro(
        *("verify", "--json", "--upload-expiry=0.001", *place.options()),
        environment=store.environment(),
    )
    assert found.returncode == 1, found.stderr
    assert {
        (finding["kind"], finding["file_id"]) for finding in json.loads(found.stdout)["findings"]
    } == {("missing", deleted.file_id), ("orphan", lost.file_id)}

    with place.serve() as served:
        client = served.client()
        assert client.list_dataset_files(dataset_id) == [deleted, *kept]
        client.delete_dataset_file(dataset_id, deleted.file_name)
        assert client.list_dataset_files(dataset_id) == kept
    place.delete_object(lost.file_id or "")
    sound = run_sutro(
        *("verify", "--upload-expiry=0.001", *place.options()), environment=store.environment()
    )
    assert sound.returncode == 0, sound.stdout
