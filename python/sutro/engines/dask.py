"""Dask: each partition of a frame is staged by a task of its own."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import dask
import pyarrow as pa

from sutro._run import values
from sutro._run.warn import warn
from sutro._sources.words import in_words
from sutro.client import Client
from sutro.engines.access import Access, file_names
from sutro.engines.job import begin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sutro._reports.upload import UploadReport
    from sutro.engines.access import Api
    from sutro.engines.options import Options
    from sutro.engines.task import Partition, Task


def upload(client: Api, frame: Any, dataset_id: str | None, options: Options) -> UploadReport:
    """Compute a frame, and upload its partitions in order; see `sutro.upload`."""
    if not hasattr(frame, "columns") or frame.ndim != 2:  # noqa: PLR2004 - rows and columns
        message = f"expected a frame, not a dask {type(frame).__name__}: call to_frame() first"
        raise TypeError(message)
    _warn_of_index(frame)
    job = begin(client, dataset_id, options, in_processes=_is_distributed())
    with job.cleaned_up():
        schema = _known_schema(frame)
        if schema is not None:
            job.refuse_schema(schema)
        parts = _delayed(frame)
        # Not pure: a task that runs again stages its files again.
        stage = dask.delayed(_stage, pure=False, traverse=False)
        task = dask.delayed(job.task, traverse=False)
        results = dask.compute(*(stage(task, number, part) for number, part in enumerate(parts)))
        return job.commit(results, len(parts))


def read(
    dataset_id: str, *, columns: Sequence[str] | None = None, client: Client | None = None
) -> Any:
    """Read a dataset as a Dask frame: one partition per file, in order.

    Args:
        dataset_id: The dataset.
        columns: Names of the columns to read. Default: all columns.
        client: The client that lists the dataset. Workers look up a key for its URL in their own
            settings, unless it was created with `pickle_api_key=True`. Default: `sutro.Client()`.

    Returns:
        A `dask.dataframe.DataFrame`. Each task downloads its file and holds its rows.

    Raises:
        ConfigurationError: The dataset has no files.
        SutroError: The dataset cannot be listed.
    """
    import dask.dataframe as dd  # noqa: PLC0415 - slow to import

    used: Api = Client() if client is None else client
    dataset_id = values.dataset_id(dataset_id)
    names = file_names(used, dataset_id)
    chosen = None if columns is None else values.texts("columns", columns)
    access = Access(used)
    meta = _read(names[0], access, dataset_id, chosen).iloc[:0]
    return dd.from_map(
        _read, names, access=access, dataset_id=dataset_id, columns=chosen, meta=meta
    )


def _read(name: str, access: Access, dataset_id: str, columns: list[str] | None) -> Any:
    return access.client().read(dataset_id, columns=columns, files=name).to_pandas()


def _delayed(frame: Any) -> list[Any]:
    """Return the partitions. Annotations such as retries are those of the tasks that stage them."""
    with warnings.catch_warnings():
        # Dask warns that frames have no annotations.
        warnings.filterwarnings("ignore", "Dask annotations")
        partitions: list[Any] = frame.to_delayed()
    return partitions


def _stage(task: Task, number: int, frame: Any) -> Partition:
    with in_words(frame, f"partition {number}"):
        table = pa.Table.from_pandas(frame, preserve_index=False)
    return task.stage(number, [table])


def _is_distributed() -> bool:
    """Return whether tasks leave this process: threads are the default of a frame."""
    name = dask.config.get("scheduler", None)
    if name is not None:
        return name not in {"threads", "threading", "sync", "synchronous", "single-threaded"}
    return dask.base.get_scheduler() is not None


def _known_schema(frame: Any) -> pa.Schema | None:
    """The schema, if Dask knows the types of all columns: an object may be anything."""
    meta = frame._meta  # noqa: SLF001 - Dask has no other way to tell types
    if any(str(dtype) in {"object", "category"} for dtype in meta.dtypes):
        return None
    return pa.Schema.from_pandas(meta, preserve_index=False)


def _warn_of_index(frame: Any) -> None:
    name = frame._meta.index.name  # noqa: SLF001 - Dask has no other way to tell without a frame
    if name is not None:
        warn(
            f"the index {name} of a Dask frame is not uploaded; reset_index() makes it "
            f"a column, reset_index(drop=True) silences this warning"
        )
