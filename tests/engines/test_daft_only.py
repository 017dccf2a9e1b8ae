"""Daft on one machine; and a driver that dies while it uploads from a shared folder."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import daft
import pytest

import plans
from helpers.waiting import wait_for

if TYPE_CHECKING:
    import sutro
    from engines import Engine


@pytest.mark.usefixtures("engine")
def test_a_daft_frame_keeps_its_order(client: sutro.Client) -> None:
    numbers = daft.range(100_000, partitions=13).sort("id", desc=True)
    report = client.upload(numbers, target_file_size="100kB")
    found = client.read(report.dataset_id).to_arrow()["id"].to_pylist()
    assert found == list(reversed(range(100_000)))
    assert len(report) > 2


def test_an_upload_from_a_shared_folder_is_resumed_after_its_driver_was_killed(
    engine: Engine, one_by_one: sutro.Client, faults: Path, tmp_path: Path
) -> None:
    dataset_id = one_by_one.create_dataset()
    shared = tmp_path / "shared"
    arguments = [engine.name, "", one_by_one.api_url, dataset_id, faults, 120, shared]
    script = Path(__file__).with_name("drive.py")
    driver = subprocess.Popen([sys.executable, script, *map(str, arguments)])
    wait_for(lambda: len(one_by_one.list_dataset_files(dataset_id)) > 3)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    there = len(one_by_one.list_dataset_files(dataset_id))
    assert 3 < there < plans.files_of(120)

    report = one_by_one.upload(engine.frame(faults, 120), dataset_id, staging=shared)
    # The file after them may have been complete at the server.
    skipped = sum(file.status == "skipped" for file in report)
    assert there <= skipped <= there + 1
    statuses = ["skipped"] * skipped + ["uploaded"] * (len(report) - skipped)
    assert [file.status for file in report] == statuses
    found = one_by_one.read(dataset_id).to_arrow().cast(plans.SCHEMA)
    assert found.equals(plans.whole(120))
