"""Spark: `write.format("sutro")` and `read.format("sutro")`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

import plans
from faults import arm, armed
from helpers.bucket import Bucket
from spark_cluster import spark_cluster
from speculate import MORE

if TYPE_CHECKING:
    import sutro
    from engines import Spark
    from helpers import s3
    from server import Server

FEW = 30


def writer(frame: Any, **options: object) -> Any:
    write = frame.write.format("sutro").mode("append")
    for name, value in options.items():
        write = write.option(name, value)
    return write


def test_a_write_in_spark_appends_exactly_once(
    engine: Spark, server: Server, faults: Path, tmp_path: Path
) -> None:
    client = server.client()
    for options in ({}, {"staging": str(tmp_path / "shared")}):
        arm(faults, "making", "kill", 13)
        arm(faults, "making", "raise", 26)
        dataset_id = client.create_dataset()
        frame = engine.frame(faults, FEW)
        writer(frame, dataset_id=dataset_id, rows_per_file="1000", **options).save()
        assert armed(faults) == []
        found = client.read(dataset_id).to_arrow().cast(plans.SCHEMA)
        assert found.equals(plans.whole(FEW))
        files = client.list_dataset_files(dataset_id)
        assert max(file.row_count or 0 for file in files) == 1_000
    assert list((tmp_path / "shared").iterdir()) == []


def test_a_write_that_fails_leaves_nothing_visible(
    engine: Spark, client: sutro.Client, faults: Path
) -> None:
    arm(faults, "making", "always", 26)
    dataset_id = client.create_dataset()
    with pytest.raises(Exception, match="partition 26 has failed"):
        writer(engine.frame(faults, FEW), dataset_id=dataset_id).save()
    assert client.list_dataset_files(dataset_id) == []


def test_a_write_goes_through_a_bucket_whose_options_are_options_of_the_write(
    engine: Spark, one_by_one: sutro.Client, store: s3.S3Server
) -> None:
    bucket, dataset_id = Bucket(store), one_by_one.create_dataset()
    options = {f"storage_options.{name}": value for name, value in bucket.options().items()}
    where = {"dataset_id": dataset_id, "api_url": one_by_one.api_url}
    frame = engine.session.range(0, 1_000, 1, 3)
    with pytest.raises(Exception, match="storage_options"):
        writer(frame, **where, **options).save()
    writer(frame, **where, staging=bucket.url, **options).save()
    found = one_by_one.read(dataset_id).to_arrow()
    assert found["id"].to_pylist() == list(range(1_000))


@pytest.mark.parametrize(
    ("options", "mode", "words"),
    [
        ({}, "append", "dataset_id"),
        ({"dataset_id": "dataset-1", "rows": "7"}, "append", "has no option rows"),
        ({"dataset_id": "dataset-1"}, "overwrite", "only supports appending"),
        ({"dataset_id": "dataset-1"}, "append", "dataset-1"),
    ],
)
@pytest.mark.usefixtures("client")
def test_a_write_with_wrong_options_says_so(
    engine: Spark, options: dict[str, str], mode: str, words: str
) -> None:
    with pytest.raises(Exception, match=words):
        writer(engine.session.range(3), **options).mode(mode).save()


def test_the_order_of_a_sorted_frame_is_kept(engine: Spark, client: sutro.Client) -> None:
    frame = engine.session.range(0, 5_000, 1, 9).orderBy("id", ascending=False)
    report = client.upload(frame)
    found = client.read(report.dataset_id).to_arrow()["id"].to_pylist()
    assert found == list(reversed(range(5_000)))


def test_a_frame_of_spark_is_read_in_order_a_partition_for_each_file(
    engine: Spark, client: sutro.Client
) -> None:
    tables = [pa.table({"x": [number], "t": [f"t{number}"]}) for number in range(8)]
    dataset_id = client.upload(tables).dataset_id
    read = engine.session.read.format("sutro").option("dataset_id", dataset_id).load()
    assert read.rdd.getNumPartitions() == 8
    assert [tuple(row) for row in read.collect()] == [(n, f"t{n}") for n in range(8)]
    empty = client.create_dataset()
    with pytest.raises(Exception, match="has no files"):
        engine.session.read.format("sutro").option("dataset_id", empty).load()


def test_a_straggler_that_spark_runs_twice_is_in_the_dataset_once(
    client: sutro.Client, tmp_path: Path
) -> None:
    straggler = next(number for number in range(4, 20) if plans.size_of(number) > 100)
    with spark_cluster(tmp_path) as master:
        for verb in ("upload", "write"):
            dataset_id = client.create_dataset()
            attempts = tmp_path / verb
            attempts.mkdir()
            script = Path(__file__).with_name("speculate.py")
            arguments = [master, dataset_id, attempts, straggler, verb]
            driver = subprocess.run(
                [sys.executable, script, *map(str, arguments)],
                capture_output=True,
                text=True,
                check=False,
            )
            assert driver.returncode == 0, driver.stderr
            assert len(list(attempts.iterdir())) == 2
            found = client.read(dataset_id).to_arrow().cast(plans.SCHEMA)
            assert found.equals(plans.whole(straggler + MORE))
