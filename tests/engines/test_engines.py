"""Each engine writes the plan: in order, exactly once, whatever happens to its tasks."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

import plans
import sutro
from faults import FaultyClient, arm, armed, thaw
from helpers.bucket import Bucket

if TYPE_CHECKING:
    from engines import Engine
    from helpers import s3
    from server import AnyServer

FEW = 40
"""Partitions of the jobs that need not be long."""

WITH_ROWS = [number for number in range(plans.PARTITIONS) if plans.size_of(number)]

LARGE = plans.PARTITIONS // 4


def rows_in(client: sutro.Client, dataset_id: str) -> pa.Table:
    return same_types(client.read(dataset_id).to_arrow())


def same_types(table: pa.Table) -> pa.Table:
    """Whatever a library calls a text."""
    return table.replace_schema_metadata().cast(plans.SCHEMA)


def names_in(client: sutro.Client, dataset_id: str) -> list[str]:
    return [file.file_name for file in client.list_dataset_files(dataset_id)]


def arm_all(engine: Engine, faults: Path) -> None:
    """What can happen to a task; what an engine does not survive is left out."""
    third = iter(WITH_ROWS[5::9])
    arm(faults, "staged", "twice", next(third), next(third))
    if engine.has_processes:
        arm(faults, "staging", "kill-soon", LARGE, next(third))
        arm(faults, "staged", "kill", next(third), next(third))
    if engine.name in {"dask", "ray", "spark"}:
        arm(faults, "making", "kill", next(third))
        arm(faults, "making", "raise", next(third))
        arm(faults, "staged", "raise", next(third), next(third))
    if engine.name == "dask":
        # It is taken for dead, its task runs elsewhere, and then it ends as well.
        arm(faults, "staged", "freeze", next(third))
    arm(faults, "making", "mark", WITH_ROWS[len(WITH_ROWS) // 2])


def test_a_dataset_is_exactly_the_plan_despite_failures_of_tasks_and_server(
    engine: Engine, each_server: AnyServer, faults: Path
) -> None:
    arm_all(engine, faults)
    client = FaultyClient(faults, None, each_server.client().api_url)
    dataset_id = client.create_dataset()
    restarts = []
    ended = threading.Event()

    def restart() -> None:
        while not (faults / "marked").exists():
            if ended.wait(0.05):
                return
        each_server.kill_and_restart()
        restarts.append(True)

    restarting = threading.Thread(target=restart)
    restarting.start()
    try:
        report = engine.upload(client, engine.frame(faults), dataset_id)
    finally:
        thaw(faults)
        ended.set()
        restarting.join()

    assert (armed(faults), restarts) == ([], [True])
    assert rows_in(client, dataset_id).equals(plans.whole())
    assert [file.name for file in report] == names_in(client, dataset_id)
    assert {file.status for file in report} == {"uploaded"}
    assert same_types(engine.read(each_server.client(), dataset_id)).equals(plans.whole())


def test_two_jobs_into_one_dataset_at_once_are_both_complete(
    engine: Engine, client: sutro.Client, tmp_path: Path
) -> None:
    dataset_id = client.create_dataset()
    frames = [engine.frame(tmp_path / "no faults", FEW, shift) for shift in (0, 1000)]
    with ThreadPoolExecutor(2) as drivers:
        reports = list(drivers.map(lambda frame: client.upload(frame, dataset_id), frames))
    assert all({file.status for file in report} == {"uploaded"} for report in reports)
    jobs = [plans.whole(FEW, shift) for shift in (0, 1000)]
    found = rows_in(client, dataset_id)
    assert any(found.equals(pa.concat_tables(order)) for order in (jobs, jobs[::-1]))


def test_nothing_is_visible_if_a_driver_is_killed_before_its_commit(
    engine: Engine, client: sutro.Client, faults: Path
) -> None:
    dataset_id = client.create_dataset()
    arm(faults, "committing", "kill", 0)
    arguments = [engine.name, engine.address, client.api_url, dataset_id, faults, FEW]
    script = Path(__file__).with_name("drive.py")
    driver = subprocess.run(
        [sys.executable, script, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert (driver.returncode, armed(faults)) == (-9, []), driver.stderr
    assert names_in(client, dataset_id) == []

    engine.upload(client, engine.frame(faults, FEW), dataset_id)
    assert rows_in(client, dataset_id).equals(plans.whole(FEW))


def test_a_server_that_does_not_stage_is_reached_through_a_shared_folder(
    engine: Engine, one_by_one: sutro.Client, faults: Path, tmp_path: Path
) -> None:
    if engine.name in {"dask", "ray", "spark"}:
        arm(faults, "making", "kill", 13)
        arm(faults, "making", "raise", 27)
    dataset_id = one_by_one.create_dataset()
    with pytest.raises(sutro.ConfigurationError, match="staging=FOLDER"):
        engine.upload(one_by_one, engine.frame(faults, FEW), dataset_id)
    shared = tmp_path / "shared"
    frame = engine.frame(faults, FEW)
    engine.upload(one_by_one, frame, dataset_id, staging=shared)
    assert rows_in(one_by_one, dataset_id).equals(plans.whole(FEW))
    assert (armed(faults), list(shared.iterdir())) == ([], [])

    again = engine.upload(one_by_one, engine.frame(faults, FEW), dataset_id, staging=shared)
    assert {file.status for file in again} == {"skipped"}


def test_a_server_that_does_not_stage_is_reached_through_a_bucket(
    engine: Engine, one_by_one: sutro.Client, faults: Path, store: s3.S3Server
) -> None:
    if engine.name in {"dask", "ray", "spark"}:
        arm(faults, "making", "kill", 13)
        arm(faults, "making", "raise", 27)
    bucket = Bucket(store)
    dataset_id = one_by_one.create_dataset()
    where = {"staging": bucket.url, "storage_options": bucket.options()}
    engine.upload(one_by_one, engine.frame(faults, FEW), dataset_id, **where)
    assert rows_in(one_by_one, dataset_id).equals(plans.whole(FEW))
    left = [key for job in store.keys(bucket.url) for key in store.keys(f"{bucket.url}/{job}")]
    assert (armed(faults), left) == ([], [])

    again = engine.upload(one_by_one, engine.frame(faults, FEW), dataset_id, **where)
    assert {file.status for file in again} == {"skipped"}


def test_a_frame_that_differs_from_the_dataset_is_refused(
    engine: Engine, client: sutro.Client, faults: Path
) -> None:
    dataset_id = client.upload({"a.parquet": pa.table({"partition": ["text"]})}).dataset_id
    with pytest.raises(sutro.SchemaMismatchError, match="int64"):
        client.upload(engine.frame(faults, FEW), dataset_id)
    assert names_in(client, dataset_id) == ["a.parquet"]


def test_a_job_that_fails_leaves_nothing_visible_and_can_be_repeated(
    engine: Engine, client: sutro.Client, faults: Path
) -> None:
    dataset_id = client.create_dataset()
    arm(faults, "making", "always", 33)
    with pytest.raises(Exception, match="partition 33 has failed"):
        engine.upload(client, engine.frame(faults, FEW), dataset_id)
    assert names_in(client, dataset_id) == []
    (faults / "making.always.33").unlink()
    engine.upload(client, engine.frame(faults, FEW), dataset_id)
    assert rows_in(client, dataset_id).equals(plans.whole(FEW))
