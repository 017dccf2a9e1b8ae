"""A driver of Spark with speculation: a task that is slow is run by the other worker, too."""

from __future__ import annotations

import os
import sys
import time
import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import plans
import sutro

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

MORE = 6
"""Partitions from the straggler on: Spark repeats a task when half of them have ended."""

SPECULATION = {
    "spark.speculation": "true",
    "spark.speculation.interval": "100ms",
    "spark.speculation.multiplier": "1.1",
    "spark.speculation.quantile": "0.5",
    "spark.speculation.minTaskRuntime": "100ms",
    "spark.task.reaper.enabled": "false",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.executor.memory": "512m",
}


def make(
    batches: Iterator[pa.RecordBatch], folder: str, straggler: int
) -> Iterator[pa.RecordBatch]:
    """Make partitions. The first attempt of one of them waits until there is a second one."""
    for batch in batches:
        for number in batch["id"].to_pylist():
            if number == straggler:
                (Path(folder) / f"attempt-{uuid.uuid4()}").touch()
                _wait_for_another(folder)
            yield from plans.rows_of(number).to_batches(max_chunksize=10_000)


def _wait_for_another(folder: str) -> None:
    while len(list(Path(folder).glob("attempt-*"))) < 2:
        time.sleep(0.05)


def main(master: str, dataset_id: str, folder: str, straggler: int, verb: str) -> None:
    """Upload the plan with the function, or with Spark's own way to write."""
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(master)
    for name, value in SPECULATION.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    count = straggler + MORE
    numbers = spark.range(0, count, 1, count)
    columns = "partition bigint, row bigint, text string, share double, is_even boolean"
    frame = numbers.mapInArrow(partial(make, folder=folder, straggler=straggler), columns)
    if verb == "upload":
        sutro.upload(frame, dataset_id)
    else:
        sutro.spark.register(spark)
        frame.write.format("sutro").option("dataset_id", dataset_id).mode("append").save()
    spark.stop()


if __name__ == "__main__":
    given = sys.argv[1:]
    main(given[0], given[1], given[2], int(given[3]), given[4])
