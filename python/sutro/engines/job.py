"""The work of the driver: prepares a job, and commits the files that its tasks have staged."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sutro import settings
from sutro._reports import text
from sutro._reports.upload import UploadReport
from sutro._run import stopping, values
from sutro._run.warn import warn
from sutro.engines.access import Access, only_one_process, stages
from sutro.engines.commit import Commit
from sutro.engines.place import new_place
from sutro.engines.task import Task
from sutro.errors import ConfigurationError, UploadIncompleteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa

    from sutro._reports.upload import UploadedFile
    from sutro.engines.access import Api
    from sutro.engines.options import Options
    from sutro.engines.place import Place
    from sutro.engines.task import PartFile, Partition

_MOST_NUMBERS = 5
"""Partitions that a message names."""


@dataclass(frozen=True)
class Job:
    """One upload of an engine's frame. It can be pickled, because some engines commit elsewhere."""

    task: Task
    started: float = field(default_factory=time.time)

    @contextmanager
    def cleaned_up(self) -> Iterator[Job]:
        """Delete the files of all attempts at the end."""
        try:
            yield self
        finally:
            self.clean_up()

    def clean_up(self) -> None:
        """Delete the job's place for files, if it has one. Staged files expire at the server."""
        if self.task.place is not None:
            self.task.place.clean_up()

    def refuse_schema(self, schema: pa.Schema) -> None:
        """Compare the schema of the frame with the dataset's, before anything is computed.

        Raises:
            SchemaMismatchError: They differ.
            FrameError: It has types that Parquet does not support.
        """
        client, options = self.task.access.client(), self.task.options
        empty = schema.remove_metadata().empty_table()
        report = client.check(empty, self.task.dataset_id, on_mismatch=options.on_mismatch)
        if report.error is not None:
            raise report.error

    def commit(self, results: Iterable[Partition], count: int) -> UploadReport:
        """Append the partitions to the dataset: in order, each once, all or none.

        Up to 10,000 files are appended in one step. Out of a shared folder or a bucket
        they are uploaded one after the other.

        Args:
            results: What the tasks have returned, in any order; of several results for one
                partition, the first one counts.
            count: The number of partitions.

        Raises:
            UploadIncompleteError: A partition is missing.
            SutroError: The commit has failed.
        """
        stopping.check()
        partitions = _in_order(results, count)
        files = [file for partition in partitions for file in partition.files]
        self._log("staged", files, count)
        if not files:
            warn("the frame has no rows: nothing was uploaded")
            return self._report((), ("the frame has no rows",))
        task = self.task
        if task.place is None:
            committed = Commit(task.access.client(), task.dataset_id, task.options, files).run()
            report = self._report(committed)
        else:
            report = self._uploaded(files, task.place)
        self._log("committed", files, count)
        return report

    def _uploaded(self, files: Sequence[PartFile], place: Place) -> UploadReport:
        options = self.task.options
        report = self.task.access.client().upload(
            {file.name: file.path for file in files},
            self.task.dataset_id,
            concurrency=options.concurrency,
            on_mismatch=options.on_mismatch,
            storage_options=place.storage_options,
        )
        # Its paths are those of a place that is gone.
        own = tuple(replace(file, sources=()) for file in report.files)
        return replace(report, files=own, seconds=time.time() - self.started)

    def _report(self, files: Sequence[UploadedFile], notes: tuple[str, ...] = ()) -> UploadReport:
        size = sum(file.size_bytes for file in files if file.status == "uploaded")
        seconds = time.time() - self.started
        return UploadReport(self.task.dataset_id, tuple(files), size, seconds, 0, notes, size)

    def _log(self, event: str, files: Sequence[PartFile], count: int) -> None:
        fields = {
            "dataset_id": self.task.dataset_id,
            "files": len(files),
            "partitions": count,
            "bytes": sum(file.size_bytes for file in files),
        }
        words = "".join(f" {name}={value}" for name, value in fields.items())
        extra = {"event": f"files are {event}", "fields": fields}
        logging.getLogger("sutro.engines").info("files are %s%s", event, words, extra=extra)


def begin(
    client: Api, dataset_id: str | None, options: Options, *, in_processes: bool = True
) -> Job:
    """Prepare a job. A dataset is created if there is none, so that tasks can stage for it.

    Args:
        client: The client of the driver.
        dataset_id: The dataset.
        options: How partitions become files.
        in_processes: Whether tasks run in other processes than this one.

    Raises:
        ConfigurationError: The server does not stage files, and there is no other place.
        DatasetNotFoundError: There is no such dataset.
        FileAccessError: Files cannot be written to `staging`.
        SutroError: The server cannot be reached.
    """
    if options.staging is None and in_processes and settings.is_local(client.api_url):
        raise ConfigurationError(only_one_process(client.api_url))
    dataset_id = client.create_dataset() if dataset_id is None else values.dataset_id(dataset_id)
    if options.staging is None:
        _refuse_no_staging(client, dataset_id)
    staging = options.staging
    place = None if staging is None else new_place(staging, options.storage_options)
    return Job(Task(Access(client), dataset_id, options, place))


def _refuse_no_staging(client: Api, dataset_id: str) -> None:
    if not stages(client, dataset_id):
        message = (
            f"{client.api_url} does not stage files, so workers cannot send files to it: pass "
            f"staging=FOLDER, a folder that the driver and all workers can access, or "
            f"staging='s3://BUCKET/PREFIX'. The driver then uploads from there"
        )
        raise ConfigurationError(message)


def _in_order(results: Iterable[Partition], count: int) -> list[Partition]:
    """Sort the results of tasks, one for each partition.

    Raises:
        UploadIncompleteError: One is missing, or there is one too many.
    """
    by_number: dict[int, Partition] = {}
    for partition in results:
        # A task that ran twice staged its files twice.
        by_number.setdefault(partition.number, partition)
    missing = [number for number in range(count) if number not in by_number]
    if missing or len(by_number) > count:
        named = ", ".join(map(str, missing[:_MOST_NUMBERS]))
        what = f"no result for partition {named}" if missing else "more results than partitions"
        message = (
            f"the engine returned {what}, of {text.counted(count, 'partition')}: nothing was "
            f"committed. Run the job again"
        )
        raise UploadIncompleteError(message)
    return [by_number[number] for number in range(count)]
