"""The engines, as the tests start and use them. Nothing is imported before it is used."""

from __future__ import annotations

import os
import shutil
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

import plans
import sutro
from faults import strike

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKERS = 2


class Engine:
    """An engine with two workers."""

    name = ""
    has_processes = True
    """Whether its tasks run in processes of their own."""

    def __init__(self, address: str = "") -> None:
        """Start it, or use the workers of a driver that has."""

    def stop(self) -> None:
        """End it."""

    @property
    def address(self) -> str:
        """Where another driver finds its workers."""
        return ""

    def frame(self, faults: Path, count: int = plans.PARTITIONS, shift: int = 0) -> Any:
        """A frame whose partitions are made by `plans.make`."""
        raise NotImplementedError

    def upload(
        self, client: sutro.Client, frame: Any, *given: Any, **more: Any
    ) -> sutro.UploadReport:
        """Upload as a user would who wants failed tasks to run again."""
        return client.upload(frame, *given, **more)

    def read(self, client: sutro.Client, dataset_id: str) -> pa.Table:
        """Read a dataset by tasks of the engine."""
        raise NotImplementedError


class Dask(Engine):
    name = "dask"

    def __init__(self, address: str = "") -> None:
        import dask
        import distributed

        dask.config.set({"distributed.scheduler.worker-ttl": "10s"})
        self._cluster = None
        if not address:
            self._cluster = distributed.LocalCluster(
                n_workers=WORKERS, threads_per_worker=1, dashboard_address=":0"
            )
        self._client = distributed.Client(address or self._cluster)

    def stop(self) -> None:
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()

    @property
    def address(self) -> str:
        return str(self._client.scheduler.address)

    def frame(self, faults: Path, count: int = plans.PARTITIONS, shift: int = 0) -> Any:
        import dask.dataframe as dd

        make = partial(_pandas, faults=str(faults), shift=shift)
        meta = plans.rows_of(plans.PARTITIONS // 4).slice(0, 0).to_pandas()
        return dd.from_map(make, range(count), meta=meta)

    def upload(
        self, client: sutro.Client, frame: Any, *given: Any, **more: Any
    ) -> sutro.UploadReport:
        import dask

        with dask.annotate(retries=3):
            return client.upload(frame, *given, **more)

    def read(self, client: sutro.Client, dataset_id: str) -> pa.Table:
        frame = sutro.dask.read(dataset_id, client=client)
        assert frame.npartitions == len(client.list_dataset_files(dataset_id))
        return pa.Table.from_pandas(frame.compute(), preserve_index=False)


def _pandas(number: int, faults: str, shift: int) -> Any:
    return plans.make(number, faults, shift).to_pandas()


class Ray(Engine):
    name = "ray"

    def __init__(self, address: str = "") -> None:
        import ray

        given: dict[str, Any] = {"address": address} if address else {"num_cpus": WORKERS}
        if not address:
            given["include_dashboard"] = False
        self._context = ray.init(log_to_driver=False, logging_level="ERROR", **given)
        ray.data.DataContext.get_current().enable_progress_bars = False
        # Exceptions of tasks are tried again; lost workers always are.
        ray.data.DataContext.get_current().retried_map_errors = True
        ray.data.DataContext.get_current().max_map_retries = 3

    def stop(self) -> None:
        import ray

        ray.shutdown()

    @property
    def address(self) -> str:
        return str(self._context.address_info["gcs_address"])

    def frame(self, faults: Path, count: int = plans.PARTITIONS, shift: int = 0) -> Any:
        import ray

        make = partial(_ray_table, faults=str(faults), shift=shift)
        numbers = ray.data.range(count, override_num_blocks=count)
        return numbers.map_batches(make, batch_size=None, batch_format="pyarrow")

    def read(self, client: sutro.Client, dataset_id: str) -> pa.Table:
        frame = sutro.ray.read(dataset_id, client=client)
        return pa.concat_tables(frame.iter_batches(batch_size=None, batch_format="pyarrow"))


def _ray_table(batch: pa.Table, faults: str, shift: int) -> pa.Table:
    return pa.concat_tables(
        [plans.make(number, faults, shift) for number in batch["id"].to_pylist()]
    )


class Spark(Engine):
    name = "spark"

    def __init__(self, address: str = "") -> None:
        assert not address
        os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
        from pyspark.sql import SparkSession

        # Tasks may fail three times.
        builder = SparkSession.builder.master(f"local[{WORKERS},4]")
        for name, value in {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.session.timeZone": "UTC",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
        }.items():
            builder = builder.config(name, value)
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel("OFF")
        sutro.spark.register(self.session)

    def stop(self) -> None:
        self.session.stop()

    def frame(self, faults: Path, count: int = plans.PARTITIONS, shift: int = 0) -> Any:
        make = partial(_spark_batches, faults=str(faults), shift=shift)
        numbers = self.session.range(0, count, 1, count)
        columns = "partition bigint, row bigint, text string, share double, is_even boolean"
        return numbers.mapInArrow(make, columns)

    def read(self, client: sutro.Client, dataset_id: str) -> pa.Table:
        frame = (
            self.session.read.format("sutro")
            .option("dataset_id", dataset_id)
            .option("api_url", client.api_url)
            .load()
        )
        return frame.toArrow()


def _spark_batches(
    batches: Iterator[pa.RecordBatch], faults: str, shift: int
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for number in batch["id"].to_pylist():
            yield from plans.make(number, faults, shift).to_batches(max_chunksize=10_000)


class Daft(Engine):
    name = "daft"
    has_processes = False

    def __init__(self, address: str = "") -> None:
        import daft

        assert not address
        daft.set_runner_native()

    def frame(self, faults: Path, count: int = plans.PARTITIONS, shift: int = 0) -> Any:
        import daft

        folder = faults.parent / f"parquet-{count}-{shift}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        paths = [folder / f"{number:03}.parquet" for number in range(count)]
        for number, path in enumerate(paths):
            pq.write_table(plans.rows_of(number, shift), path)
        at = str(faults)

        @daft.func.batch(return_dtype=daft.DataType.int64())  # type: ignore[untyped-decorator]
        def make(column: daft.Series) -> daft.Series:
            for number in set(column.to_pylist()):
                strike(at, "making", number - shift)
            return column

        frame = daft.read_parquet([str(path) for path in paths])
        return frame.with_column("partition", make(daft.col("partition")))

    def read(self, client: sutro.Client, dataset_id: str) -> pa.Table:
        return client.read(dataset_id).to_arrow()


class DaftOnRay(Daft):
    name = "daft_on_ray"
    has_processes = True

    def __init__(self, address: str = "") -> None:
        import daft

        self._ray = Ray(address)
        daft.set_runner_ray()

    def stop(self) -> None:
        self._ray.stop()

    @property
    def address(self) -> str:
        return self._ray.address


KINDS: dict[str, type[Engine]] = {kind.name: kind for kind in (Dask, Ray, Spark, Daft, DaftOnRay)}
