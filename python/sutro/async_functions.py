"""The async twins of the calls as functions: a `Client` for each call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sutro import async_calls
from sutro.client import Client

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    from sutro._reports.check import CheckReport
    from sutro._reports.upload import UploadReport
    from sutro.datasets import Dataset, DatasetFile
    from sutro.options import OnMismatch, ProgressOption
    from sutro.sources import HiveOption, NamesOption, Source


async def upload_async(
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
    api_key: str | None = None,
    api_url: str | None = None,
) -> UploadReport:
    """Do the same as `upload`, in a running event loop.

    Arguments, result and errors are those of `upload`. Cancelling the task ends the upload; the
    `CancelledError` has the partial `report`.

    Examples:
        >>> import asyncio
        >>> report = asyncio.run(sutro.upload_async("data/*.parquet"))
        >>> len(report)
        12
    """
    return await Client(api_key, api_url).upload_async(
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
        progress=progress,
    )


async def upload_to_dataset_async(
    dataset_id: str,
    file_paths: Source,
    *,
    progress: ProgressOption = None,
    api_key: str | None = None,
    api_url: str | None = None,
) -> UploadReport:
    """Do the same as `upload_to_dataset`, in a running event loop.

    Examples:
        >>> import asyncio
        >>> dataset_id = sutro.create_dataset()
        >>> work = sutro.upload_to_dataset_async(dataset_id, ["data/cars-1970.parquet"])
        >>> asyncio.run(work)[0].status
        'uploaded'
    """
    client = Client(api_key, api_url)
    return await client.upload_to_dataset_async(dataset_id, file_paths, progress=progress)


async def check_async(
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
    api_key: str | None = None,
    api_url: str | None = None,
) -> CheckReport:
    """Do the same as `check`, in a running event loop.

    Examples:
        >>> import asyncio
        >>> bool(asyncio.run(sutro.check_async("data/*.parquet")))
        True
    """
    if dataset_id is not None:
        return await Client(api_key, api_url).check_async(
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
    return await async_calls.check(
        None,
        source,
        ordered=ordered,
        names=names,
        hive=hive,
        recursive=recursive,
        exclude=exclude,
        rows_per_file=rows_per_file,
        on_mismatch=on_mismatch,
        recompress=recompress,
    )


async def create_dataset_async(
    name: str | None = None, *, api_key: str | None = None, api_url: str | None = None
) -> str:
    """Do the same as `create_dataset`, in a running event loop.

    Examples:
        >>> import asyncio
        >>> asyncio.run(sutro.create_dataset_async())
        'dataset-880962c5-7a06-4ca3-9253-d10b338c2969'
    """
    return await Client(api_key, api_url).create_dataset_async(name)


async def list_datasets_async(
    *, api_key: str | None = None, api_url: str | None = None
) -> list[Dataset]:
    """Do the same as `list_datasets`, in a running event loop.

    Examples:
        >>> import asyncio
        >>> dataset_id = sutro.create_dataset()
        >>> asyncio.run(sutro.list_datasets_async())[0].dataset_id == dataset_id
        True
    """
    return await Client(api_key, api_url).list_datasets_async()


async def list_dataset_files_async(
    dataset_id: str, *, api_key: str | None = None, api_url: str | None = None
) -> list[DatasetFile]:
    """Do the same as `list_dataset_files`, in a running event loop.

    Examples:
        >>> import asyncio
        >>> report = sutro.upload("data/*.parquet")
        >>> asyncio.run(sutro.list_dataset_files_async(report.dataset_id))[0].file_name
        'cars-1970.parquet'
    """
    return await Client(api_key, api_url).list_dataset_files_async(dataset_id)


async def download_from_dataset_async(
    dataset_id: str,
    files: str | Sequence[str] | None = None,
    output_path: str | os.PathLike[str] | None = None,
    *,
    concurrency: int | None = None,
    overwrite: bool = False,
    api_key: str | None = None,
    api_url: str | None = None,
) -> list[Path]:
    """Do the same as `download_from_dataset`, in a running event loop.

    Examples:
        >>> import asyncio
        >>> report = sutro.upload("data/*.parquet")
        >>> work = sutro.download_from_dataset_async(report.dataset_id, output_path="copy")
        >>> len(asyncio.run(work))
        12
    """
    return await Client(api_key, api_url).download_from_dataset_async(
        dataset_id, files, output_path, concurrency=concurrency, overwrite=overwrite
    )
