"""Ray Data: each write task stages its blocks, in the order of the dataset."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import ray.data
from ray.data.block import BlockAccessor

from sutro._run import values
from sutro.client import Client
from sutro.engines.access import Access, file_names
from sutro.engines.job import begin
from sutro.engines.options import checked
from sutro.errors import SutroError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence

    from sutro._reports.upload import UploadReport
    from sutro.engines.access import Api
    from sutro.engines.job import Job
    from sutro.engines.options import Options
    from sutro.engines.task import Partition
    from sutro.options import OnMismatch
    from sutro.sources import StorageOptions


class _Sink(ray.data.Datasink):
    """Stages blocks on workers, and commits them on the driver."""

    report: UploadReport | None = None
    """The report, when the write has ended."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def write(self, blocks: Iterable[Any], ctx: Any) -> Partition:
        """Stage blocks, on a worker."""
        tables = (BlockAccessor.for_block(block).to_arrow() for block in blocks)
        return self._job.task.stage(ctx.task_idx, tables)

    def on_write_complete(self, write_result: Any) -> None:
        """Commit what the tasks have staged, on the driver."""
        results: list[Partition] = write_result.write_returns
        count = len({result.number for result in results})
        with self._job.cleaned_up():
            self.report = self._job.commit(results, count)

    def on_write_failed(self, error: Exception) -> None:  # noqa: ARG002 - of the base class
        """Delete what is in the shared folder; staged files expire."""
        self._job.clean_up()

    def get_name(self) -> str:
        """The name of the write tasks in Ray's displays."""
        return "Sutro"


class Datasink(_Sink):
    """Appends a Ray dataset to a dataset: `ray_dataset.write_datasink(sutro.ray.Datasink(id))`.

    Each write task stages its blocks. When all tasks have finished, the driver commits their files
    in the order of the tasks, all or none. To keep the order of the Ray dataset, set
    `ray_dataset.context.execution_options.preserve_order = True`, as `sutro.upload` does.

    Args:
        dataset_id: The dataset.
        client: The client of the driver. Workers look up a key for its URL in their own settings,
            unless it was created with `pickle_api_key=True`. Default: `sutro.Client()`.
        staging: If the server does not stage files, a folder that the driver and all workers can
            access, or the URL of a bucket.
        storage_options: Options of the store of such a URL, as in `sutro.upload`; they are sent
            with the tasks. Default: driver and workers use their own settings.
        rows_per_file: Split the rows of each write task into files of this many rows.
        target_file_size: Split them into files of about this size (`"256MB"`, or bytes).
        on_mismatch: What to do if schemas differ: `"error"` rejects the files, `"cast"` casts them
            to the dataset's schema, if no value is lost.

    Raises:
        ConfigurationError: The server does not stage files, or an argument cannot be used.
        DatasetNotFoundError: There is no such dataset.
    """

    def __init__(
        self,
        dataset_id: str,
        *,
        client: Client | None = None,
        staging: str | os.PathLike[str] | None = None,
        storage_options: StorageOptions | None = None,
        rows_per_file: int | None = None,
        target_file_size: int | str | None = None,
        on_mismatch: OnMismatch = "error",
    ) -> None:
        options = checked(
            staging=staging,
            storage_options=storage_options,
            rows_per_file=rows_per_file,
            target_file_size=target_file_size,
            on_mismatch=on_mismatch,
        )
        used: Api = Client() if client is None else client
        super().__init__(begin(used, values.dataset_id(dataset_id), options))


def upload(client: Api, frame: Any, dataset_id: str | None, options: Options) -> UploadReport:
    """Execute a Ray dataset, and upload its blocks in order; see `sutro.upload`."""
    job = begin(client, dataset_id, options)
    schema = frame.schema(fetch_if_missing=False)
    schema = getattr(schema, "base_schema", schema)
    with job.cleaned_up(), _preserved_order(frame):
        if isinstance(schema, pa.Schema):
            job.refuse_schema(schema)
        sink = _Sink(job)
        try:
            frame.write_datasink(sink)
        except Exception as error:
            own = _own_error(error)
            if own is None or own is error:
                raise
            raise own from error
    if sink.report is None:
        message = "Ray returned no results of the write: nothing was committed"
        raise SutroError(message)
    return sink.report


def read(
    dataset_id: str, *, columns: Sequence[str] | None = None, client: Client | None = None
) -> Any:
    """Read a dataset as a Ray dataset: one task per file, in order.

    Args:
        dataset_id: The dataset.
        columns: Names of the columns to read. Default: all columns.
        client: The client that lists the dataset. Workers look up a key for its URL in their own
            settings, unless it was created with `pickle_api_key=True`. Default: `sutro.Client()`.

    Returns:
        A `ray.data.Dataset`. Each task downloads its file and decodes it batch by batch.

    Raises:
        ConfigurationError: The dataset has no files.
        SutroError: The dataset cannot be listed.
    """
    used: Api = Client() if client is None else client
    dataset_id = values.dataset_id(dataset_id)
    names = file_names(used, dataset_id)
    chosen = None if columns is None else values.texts("columns", columns)
    files = ray.data.from_items([{"file": name} for name in names], override_num_blocks=len(names))
    files.context.execution_options.preserve_order = True
    load = partial(_batches, access=Access(used), dataset_id=dataset_id, columns=chosen)
    return files.map_batches(load, batch_format="pyarrow", batch_size=None, zero_copy_batch=True)


def _batches(
    files: pa.Table, *, access: Access, dataset_id: str, columns: list[str] | None
) -> Iterator[pa.Table]:
    for name in files["file"].to_pylist():
        for batch in access.client().read(dataset_id, columns=columns, files=name):
            yield pa.Table.from_batches([batch])


@contextmanager
def _preserved_order(frame: Any) -> Iterator[None]:
    """Let Ray keep the order of blocks; otherwise they arrive as they finish."""
    options = frame.context.execution_options
    before = options.preserve_order
    options.preserve_order = True
    try:
        yield
    finally:
        options.preserve_order = before


def _own_error(error: BaseException | None) -> SutroError | None:
    """Find the error of this package that a task has failed with."""
    seen = 0
    while error is not None and seen < 10:  # noqa: PLR2004 - deeper than Ray wraps
        cause = getattr(error, "cause", None)
        if isinstance(cause, SutroError):
            return cause
        if isinstance(error, SutroError):
            return error
        error, seen = cause or error.__cause__, seen + 1
    return None
