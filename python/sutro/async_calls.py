"""The async twins of a `Client`'s calls: same arguments, results and errors, in an event loop.

Cancelling the task cancels the call.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sutro._progress.snapshot import check_option
from sutro._run import async_jobs, calls, jobs, values

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from typing import Unpack

    from sutro import _core
    from sutro._reports.check import CheckReport
    from sutro._reports.upload import UploadReport
    from sutro._run.calls import CheckArguments
    from sutro.datasets import Dataset, DatasetFile
    from sutro.options import OnMismatch, ProgressOption
    from sutro.sources import HiveOption, NamesOption, Source


class AsyncCalls:
    """Calls for a running event loop."""

    __slots__ = ()

    _core: _core.Client

    async def upload_async(
        self,
        source: Source,
        dataset_id: str | None = None,
        *,
        concurrency: int | None = None,
        ordered: bool = True,
        names: NamesOption | None = None,
        hive: HiveOption | None = None,
        recursive: bool = False,
        exclude: str | Sequence[str] = (),
        rows_per_file: int | None = None,
        on_mismatch: OnMismatch = "error",
        recompress: bool = False,
        dry_run: bool = False,
        progress: ProgressOption = None,
    ) -> UploadReport:
        """Do the same as `upload`, in a running event loop.

        Arguments, result and errors are those of `upload`. Cancelling the task ends the upload;
        the `CancelledError` has the partial `report`.

        Examples:
            >>> import asyncio
            >>> report = asyncio.run(client.upload_async("data/*.parquet"))
            >>> len(report)
            12
        """
        check_option(progress)
        await _ask_first(self._core, source, dataset_id, dry_run=dry_run)
        upload = calls.start_upload(
            self._core,
            source,
            dataset_id,
            concurrency=concurrency,
            ordered=ordered,
            names=names,
            hive=hive,
            recursive=recursive,
            exclude=exclude,
            rows_per_file=rows_per_file,
            on_mismatch=on_mismatch,
            recompress=recompress,
            dry_run=dry_run,
        )
        return await async_jobs.result_of_upload(upload, progress)

    async def upload_to_dataset_async(
        self, dataset_id: str, file_paths: Source, *, progress: ProgressOption = None
    ) -> UploadReport:
        """Do the same as `upload_to_dataset`, in a running event loop.

        Examples:
            >>> import asyncio
            >>> dataset_id = client.create_dataset()
            >>> work = client.upload_to_dataset_async(dataset_id, ["data/cars-1970.parquet"])
            >>> asyncio.run(work)[0].status
            'uploaded'
        """
        return await self.upload_async(file_paths, dataset_id, progress=progress)

    async def check_async(
        self,
        source: Source,
        dataset_id: str | None = None,
        *,
        ordered: bool = True,
        names: NamesOption | None = None,
        hive: HiveOption | None = None,
        recursive: bool = False,
        exclude: str | Sequence[str] = (),
        rows_per_file: int | None = None,
        on_mismatch: OnMismatch = "error",
        recompress: bool = False,
    ) -> CheckReport:
        """Do the same as `check`, in a running event loop.

        Examples:
            >>> import asyncio
            >>> bool(asyncio.run(client.check_async("data/*.parquet")))
            True
        """
        return await check(
            self._core,
            source,
            dataset_id,
            ordered=ordered,
            names=names,
            hive=hive,
            recursive=recursive,
            exclude=exclude,
            rows_per_file=rows_per_file,
            on_mismatch=on_mismatch,
            recompress=recompress,
        )

    async def create_dataset_async(self, name: str | None = None) -> str:
        """Do the same as `create_dataset`, in a running event loop.

        Examples:
            >>> import asyncio
            >>> asyncio.run(client.create_dataset_async())
            'dataset-880962c5-7a06-4ca3-9253-d10b338c2969'
        """
        name = None if name is None else values.text("name", name)
        return await async_jobs.result_of(self._core.create_dataset(name))

    async def try_authentication_async(self) -> None:
        """Do the same as `try_authentication`, in a running event loop.

        Examples:
            >>> import asyncio
            >>> asyncio.run(client.try_authentication_async())
        """
        await async_jobs.result_of(self._core.try_authentication())

    async def list_datasets_async(self) -> list[Dataset]:
        """Do the same as `list_datasets`, in a running event loop.

        Examples:
            >>> import asyncio
            >>> dataset_id = client.create_dataset()
            >>> asyncio.run(client.list_datasets_async())[0].dataset_id == dataset_id
            True
        """
        return await async_jobs.result_of(self._core.list_datasets())

    async def list_dataset_files_async(self, dataset_id: str) -> list[DatasetFile]:
        """Do the same as `list_dataset_files`, in a running event loop.

        Examples:
            >>> import asyncio
            >>> report = client.upload("data/*.parquet")
            >>> files = asyncio.run(client.list_dataset_files_async(report.dataset_id))
            >>> files[0].file_name
            'cars-1970.parquet'
        """
        dataset_id = calls.checked_id(dataset_id)
        return await async_jobs.result_of_pages(
            lambda after: self._core.list_dataset_files(dataset_id, after)
        )

    async def download_from_dataset_async(
        self,
        dataset_id: str,
        files: str | Sequence[str] | None = None,
        output_path: str | os.PathLike[str] | None = None,
        *,
        concurrency: int | None = None,
        overwrite: bool = False,
    ) -> list[Path]:
        """Do the same as `download_from_dataset`, in a running event loop.

        Examples:
            >>> import asyncio
            >>> report = client.upload("data/*.parquet")
            >>> work = client.download_from_dataset_async(report.dataset_id, output_path="copy")
            >>> len(asyncio.run(work))
            12
        """
        job = calls.start_download(
            self._core,
            dataset_id,
            files,
            output_path,
            concurrency=concurrency,
            overwrite=overwrite,
        )
        return [Path(path) for path in await async_jobs.result_of(job)]


async def check(
    client: _core.Client | None,
    source: Source,
    dataset_id: str | None = None,
    **given: Unpack[CheckArguments],
) -> CheckReport:
    """Check; `client` is needed with a dataset only."""
    if client is not None:
        await _ask_first(client, source, dataset_id, dry_run=True)
    started = calls.start_check(client, source, dataset_id, **given)
    if not isinstance(started, tuple):
        return await async_jobs.result_of(started)
    checker, frames = started
    # Making files takes time that the loop does not have.
    await async_jobs.in_thread(lambda: jobs.add_all(frames, checker))
    return jobs.with_notes(await async_jobs.result_of(checker.finish(client, dataset_id)), frames)


async def _ask_first(
    client: _core.Client, source: Source, dataset_id: str | None, *, dry_run: bool
) -> None:
    question = calls.start_question(client, source, dataset_id, dry_run=dry_run)
    if question is not None:
        job, forgiven = question
        with suppress(*forgiven):
            await async_jobs.result_of(job)
