"""Spark: each task stages its partition; `write.format("sutro")` and `read.format("sutro")`."""

from __future__ import annotations

import pickle
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql.datasource import (
    DataSource,
    DataSourceArrowWriter,
    DataSourceReader,
    InputPartition,
    WriterCommitMessage,
)
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from sutro.client import Client
from sutro.engines.access import Access, file_names
from sutro.engines.job import begin
from sutro.engines.options import checked
from sutro.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

    from sutro._reports.upload import UploadReport
    from sutro.engines.access import Api
    from sutro.engines.job import Job
    from sutro.engines.options import Options
    from sutro.engines.task import Partition, Task

_OPTIONS = frozenset(
    {"dataset_id", "api_url", "staging", "rows_per_file", "target_file_size", "on_mismatch"}
)
_STORAGE = "storage_options."
"""Begins the options of the store of `staging`."""


def register(spark: SparkSession) -> None:
    """Register the format `sutro` with a session, for `write` and `read`.

    Options are `dataset_id`, `api_url`, and for `write` also `staging`, `storage_options.KEY`,
    `rows_per_file`, `target_file_size` and `on_mismatch`, as in `sutro.upload`. The API key
    is not an option: it comes from the settings of driver and executors.

    Args:
        spark: The session.
    """
    spark.dataSource.register(SutroSource)


def upload(client: Api, frame: Any, dataset_id: str | None, options: Options) -> UploadReport:
    """Compute a Spark frame, and upload its partitions in order; see `sutro.upload`."""
    if hasattr(frame, "to_spark"):
        frame = frame.to_spark()
    job = begin(client, dataset_id, options)
    with job.cleaned_up():
        job.refuse_schema(to_arrow_schema(frame.schema))
        rows = frame.mapInArrow(partial(_stage, job.task), "result binary").collect()
        results: list[Partition] = [pickle.loads(row.result) for row in rows]  # noqa: S301 - own
        return job.commit(results, len({result.number for result in results}))


def _stage(task: Task, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    partition = task.stage(_partition_id(), batches)
    yield pa.RecordBatch.from_pydict({"result": [pickle.dumps(partition)]})


def _partition_id() -> int:
    context = TaskContext.get()
    if context is None:
        message = "this function runs only in tasks of Spark"
        raise RuntimeError(message)
    number: int = context.partitionId()
    return number


class SutroSource(DataSource):
    """The format `sutro`."""

    options: Mapping[str, str]

    @classmethod
    def name(cls) -> str:
        """The name for `format`."""
        return "sutro"

    def schema(self) -> StructType:
        """The columns of the dataset, as Spark's types."""
        client, dataset_id = self._client(), self._dataset_id()
        names = file_names(client, dataset_id)
        rows = client.read(dataset_id, files=names[0])
        return from_arrow_schema(pa.RecordBatchReader.from_stream(rows).schema)

    def reader(self, schema: StructType) -> _Reader:
        """Read: a task for each file."""
        return _Reader(Access(self._client()), self._dataset_id(), schema)

    def writer(self, schema: StructType, overwrite: bool) -> _Writer:  # noqa: FBT001 - of Spark
        """Write: each task stages, the driver commits."""
        if overwrite:
            message = "a dataset only supports appending: use .mode('append'), or a new dataset"
            raise ConfigurationError(message)
        given: dict[str, Any] = dict(self.options)
        rows = given.get("rows_per_file")
        stores = {
            name[len(_STORAGE) :]: value
            for name, value in given.items()
            if name.lower().startswith(_STORAGE)
        }
        options = checked(
            staging=given.get("staging"),
            storage_options=stores,
            rows_per_file=None if rows is None else int(rows),
            target_file_size=given.get("target_file_size"),
            on_mismatch=given.get("on_mismatch", "error"),
        )
        job = begin(self._client(), self._dataset_id(), options)
        job.refuse_schema(to_arrow_schema(schema))
        return _Writer(job)

    def _client(self) -> Client:
        unknown = sorted(
            name
            for name in self.options
            if name.lower() not in _OPTIONS and not name.lower().startswith(_STORAGE)
        )
        if unknown:
            known = [*sorted(_OPTIONS), f"{_STORAGE}KEY"]
            message = f"the format sutro has no option {', '.join(unknown)}: {known}"
            raise ConfigurationError(message)
        return Client(api_url=self.options.get("api_url"))

    def _dataset_id(self) -> str:
        dataset_id = self.options.get("dataset_id")
        if not dataset_id:
            message = "pass .option('dataset_id', sutro.create_dataset())"
            raise ConfigurationError(message)
        return dataset_id


class _Staged(WriterCommitMessage):
    def __init__(self, partition: Partition) -> None:
        self.partition = partition


class _Writer(DataSourceArrowWriter):
    def __init__(self, job: Job) -> None:
        self._job = job

    def write(self, iterator: Iterator[pa.RecordBatch]) -> _Staged:
        return _Staged(self._job.task.stage(_partition_id(), iterator))

    def commit(self, messages: Sequence[_Staged | None]) -> None:
        results = [message.partition for message in messages if message is not None]
        with self._job.cleaned_up():
            self._job.commit(results, len(messages))

    def abort(self, messages: Sequence[_Staged | None]) -> None:  # noqa: ARG002 - of Spark
        self._job.clean_up()


class _File(InputPartition):
    """A file of the dataset."""


class _Reader(DataSourceReader):
    def __init__(self, access: Access, dataset_id: str, schema: StructType) -> None:
        self._access = access
        self._dataset_id = dataset_id
        self._schema = to_arrow_schema(schema)

    def partitions(self) -> Sequence[_File]:
        files = self._access.client().list_dataset_files(self._dataset_id)
        return [_File(file.file_name) for file in files]

    def read(self, partition: _File) -> Iterator[pa.RecordBatch]:
        rows = self._access.client().read(self._dataset_id, columns=None, files=partition.value)
        for batch in rows:
            yield batch.cast(self._schema)
