"""Ray: its own way to write, and plans whose blocks do not come in order."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

import pytest
import ray

import plans
import sutro
from faults import FaultyClient, arm, armed
from helpers.bucket import Bucket

if TYPE_CHECKING:
    from pathlib import Path

    from engines import Engine
    from helpers import s3

FEW = 30


def ids(client: sutro.Client, dataset_id: str) -> list[int]:
    rows: list[int] = client.read(dataset_id, columns=["id"]).to_arrow()[0].to_pylist()
    return rows


@pytest.mark.usefixtures("engine")
def test_blocks_that_are_finished_out_of_order_are_in_the_order_of_the_plan(
    client: sutro.Client,
) -> None:
    def dawdle(batch: dict[str, Any]) -> dict[str, Any]:
        time.sleep(random.random() / 10)
        return batch

    # Half a CPU: Ray does not fuse these tasks with those that write.
    numbers = ray.data.range(3_000, override_num_blocks=FEW).map_batches(dawdle, num_cpus=0.5)
    before = numbers.context.execution_options.preserve_order
    report = client.upload(numbers)
    assert ids(client, report.dataset_id) == list(range(3_000))
    assert numbers.context.execution_options.preserve_order == before

    shuffled = ray.data.range(3_000).random_shuffle(seed=1).sort("id", descending=True)
    report = client.upload(shuffled)
    assert ids(client, report.dataset_id) == list(reversed(range(3_000)))


def test_a_datasink_appends_exactly_once(
    engine: Engine, client: sutro.Client, faults: Path
) -> None:
    arm(faults, "staged", "kill", 4)
    arm(faults, "staged", "raise", 9)
    dataset_id = client.create_dataset()
    faulty = FaultyClient(faults, None, client.api_url)
    sink = sutro.ray.Datasink(dataset_id, client=faulty, rows_per_file=1_000)
    frame = engine.frame(faults, FEW)
    frame.context.execution_options.preserve_order = True
    frame.write_datasink(sink)
    assert armed(faults) == []
    found = client.read(dataset_id).to_arrow().cast(plans.SCHEMA)
    assert found.equals(plans.whole(FEW))
    assert sink.report is not None
    assert max(file.row_count for file in sink.report) == 1_000


@pytest.mark.usefixtures("engine")
def test_a_datasink_writes_through_a_bucket_whose_options_travel_with_the_tasks(
    one_by_one: sutro.Client, store: s3.S3Server
) -> None:
    bucket, dataset_id = Bucket(store), one_by_one.create_dataset()
    options = bucket.options()
    with pytest.raises(sutro.ConfigurationError, match="storage_options"):
        sutro.ray.Datasink(dataset_id, client=one_by_one, storage_options=options)
    numbers = ray.data.range(1_000, override_num_blocks=4)
    numbers.context.execution_options.preserve_order = True
    sink = sutro.ray.Datasink(
        dataset_id, client=one_by_one, staging=bucket.url, storage_options=options
    )
    numbers.write_datasink(sink)
    assert ids(one_by_one, dataset_id) == list(range(1_000))


@pytest.mark.usefixtures("engine")
def test_a_ray_dataset_without_rows_uploads_nothing(client: sutro.Client) -> None:
    with pytest.warns(sutro.SutroWarning, match="no rows"):
        report = client.upload(ray.data.range(10).filter(lambda _: False))
    assert len(report) == 0


@pytest.mark.usefixtures("engine")
def test_a_dataset_is_read_by_columns_and_not_without_files(client: sutro.Client) -> None:
    dataset_id = client.create_dataset()
    with pytest.raises(sutro.ConfigurationError, match="has no files"):
        sutro.ray.read(dataset_id, client=client)
    client.upload(ray.data.range(100, override_num_blocks=4), dataset_id)
    read = sutro.ray.read(dataset_id, columns=["id"], client=client)
    assert [row["id"] for row in read.iter_rows()] == list(range(100))


@pytest.mark.usefixtures("engine")
def test_workers_without_a_key_say_what_to_do(tmp_path: Path) -> None:
    # Workers have a key for another URL.
    with sutro.LocalServer(tmp_path / "other") as other:
        numbers = ray.data.range(10, override_num_blocks=2)
        with pytest.raises(sutro.MissingKeyError, match="This is a worker of an engine"):
            other.client().upload(numbers)
        with_key = sutro.Client(other.api_key, other.api_url, pickle_api_key=True)
        assert len(with_key.upload(numbers)) == 2
