"""Made from `sutro/client.py` by `tools/generate_calls.py`: do not edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from sutro._public import public
from sutro.client import Client

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from sutro._reports.upload import UploadReport
    from sutro.datasets import Dataset, DatasetFile, StagedFile
    from sutro.sources import StorageOptions


@public
async def commit_async(
    staged: Iterable[StagedFile],
    dataset_id: str,
    *,
    expected_file_count: int | None = None,
    api_key: str | None = None,
    api_url: str | None = None,
) -> UploadReport:
    """Append staged files to their dataset, in this order: all or none.

    Runs in the current event loop without blocking it. Cancelling the task cancels the call.

    Repeating the call changes nothing: the server recognises files that it has committed.

    Args:
        staged: Files that `stage` returned, here or in other processes. More than 10,000 are
            committed in several steps, in order.
        dataset_id: The dataset that they were staged for.
        expected_file_count: Number of files that the dataset must contain before the commit. If
            several drivers pass the same number, one succeeds. Default: the current number.
        api_key: The API key. Default: the key from `set_api_key`, then `SUTRO_API_KEY`, then
            `~/.sutro/config.json`.
        api_url: The URL of the API that the key is for, or `local:FOLDER`. Default: the URL from
            the same place as the key, or the hosted API.

    Returns:
        A report of the files.

    Raises:
        ForeignWriterError: The dataset does not contain the expected number of files. Nothing
            was committed.
        RefusedError: A staged file has expired, belongs to another dataset or key, or has
            another schema. Nothing was committed.
        FileExistsInDatasetError: A name is already in use in the dataset. Nothing was
            committed.
        ConfigurationError: The server does not stage files, or a file is listed twice.
        CancelledError: The task was cancelled. Repeat the call to complete the commit.
        SutroError: Any other failure; see `sutro.errors`.

    Examples:
        >>> dataset_id = await sutro.create_dataset_async()
        >>> staged = await sutro.stage_async("data/cars-1970.parquet", dataset_id)
        >>> print(repr(await sutro.commit_async(staged, dataset_id)))
        UploadReport('dataset-...': 1 file, 1 uploaded, ... committed in 0.0 s)
    """
    return await Client(api_key, api_url).commit_async(
        staged, dataset_id, expected_file_count=expected_file_count
    )


@public
async def create_dataset_async(
    name: str | None = None, *, api_key: str | None = None, api_url: str | None = None
) -> str:
    """Create an empty dataset and return its id.

    Runs in the current event loop without blocking it. Cancelling the task cancels the call.

    Args:
        name: A human-readable name, which `list_datasets` shows. It need not be unique.
        api_key: The API key. Default: the key from `set_api_key`, then `SUTRO_API_KEY`, then
            `~/.sutro/config.json`.
        api_url: The URL of the API that the key is for, or `local:FOLDER`. Default: the URL from
            the same place as the key, or the hosted API.

    Returns:
        The id: `dataset-...`.

    Raises:
        AuthenticationError: The server does not accept the key.
        SutroError: Any other failure; see `sutro.errors`.

    Examples:
        >>> await sutro.create_dataset_async()
        'dataset-880962c5-7a06-4ca3-9253-d10b338c2969'
    """
    return await Client(api_key, api_url).create_dataset_async(name)


@public
async def list_datasets_async(
    *, api_key: str | None = None, api_url: str | None = None
) -> list[Dataset]:
    """List the datasets that the key can see, newest first.

    Runs in the current event loop without blocking it. Cancelling the task cancels the call.

    Args:
        api_key: The API key. Default: the key from `set_api_key`, then `SUTRO_API_KEY`, then
            `~/.sutro/config.json`.
        api_url: The URL of the API that the key is for, or `local:FOLDER`. Default: the URL from
            the same place as the key, or the hosted API.

    Returns:
        The datasets, each with its id, name, number of files, size in bytes and schema.

    Raises:
        AuthenticationError: The server does not accept the key.
        SutroError: Any other failure; see `sutro.errors`.

    Examples:
        >>> dataset_id = await sutro.create_dataset_async()
        >>> datasets = await sutro.list_datasets_async()
        >>> datasets[0].dataset_id == dataset_id, datasets[0].file_count
        (True, 0)
    """
    return await Client(api_key, api_url).list_datasets_async()


@public
async def delete_dataset_async(
    dataset_id: str, *, api_key: str | None = None, api_url: str | None = None
) -> None:
    """Delete a dataset with all of its files and staged files. It cannot be restored.

    Runs in the current event loop without blocking it. Cancelling the task cancels the call.

    If the server's response is lost, the call is repeated. An unknown dataset then counts as
    deleted.

    Args:
        dataset_id: The dataset.
        api_key: The API key. Default: the key from `set_api_key`, then `SUTRO_API_KEY`, then
            `~/.sutro/config.json`.
        api_url: The URL of the API that the key is for, or `local:FOLDER`. Default: the URL from
            the same place as the key, or the hosted API.

    Raises:
        DatasetNotFoundError: There is no such dataset.
        ConfigurationError: The server cannot delete datasets; `sutro serve` can.
        SutroError: Any other failure; see `sutro.errors`.

    Examples:
        >>> dataset_id = await sutro.create_dataset_async()
        >>> await sutro.delete_dataset_async(dataset_id)
        >>> datasets = await sutro.list_datasets_async()
        >>> dataset_id in [dataset.dataset_id for dataset in datasets]
        False
    """
    return await Client(api_key, api_url).delete_dataset_async(dataset_id)


@public
async def delete_dataset_file_async(
    dataset_id: str, file_name: str, *, api_key: str | None = None, api_url: str | None = None
) -> None:
    """Delete a file of a dataset. It cannot be restored.

    Runs in the current event loop without blocking it. Cancelling the task cancels the call.

    The other files keep their order, and the dataset keeps its schema. The name can be used
    again; the new file is then the last one.

    Args:
        dataset_id: The dataset.
        file_name: The name of the file in the dataset.
        api_key: The API key. Default: the key from `set_api_key`, then `SUTRO_API_KEY`, then
            `~/.sutro/config.json`.
        api_url: The URL of the API that the key is for, or `local:FOLDER`. Default: the URL from
            the same place as the key, or the hosted API.

    Raises:
        DatasetNotFoundError: There is no such dataset.
        RefusedError: The dataset has no such file.
        ConfigurationError: The server cannot delete files; `sutro serve` can.
        SutroError: Any other failure; see `sutro.errors`.

    Examples:
        >>> report = await sutro.upload_async("data/*.parquet")
        >>> await sutro.delete_dataset_file_async(report.dataset_id, "cars-1970.parquet")
        >>> files = await sutro.list_dataset_files_async(report.dataset_id)
        >>> files[0].file_name
        'cars-1971.parquet'
    """
    return await Client(api_key, api_url).delete_dataset_file_async(dataset_id, file_name)


@public
async def list_dataset_files_async(
    dataset_id: str, *, api_key: str | None = None, api_url: str | None = None
) -> list[DatasetFile]:
    """List the files of a dataset in the order in which they were uploaded.

    Runs in the current event loop without blocking it. Cancelling the task cancels the call.

    Args:
        dataset_id: The dataset.
        api_key: The API key. Default: the key from `set_api_key`, then `SUTRO_API_KEY`, then
            `~/.sutro/config.json`.
        api_url: The URL of the API that the key is for, or `local:FOLDER`. Default: the URL from
            the same place as the key, or the hosted API.

    Returns:
        The files, each with its name, id, size in bytes, rows and schema.

    Raises:
        DatasetNotFoundError: There is no such dataset.
        SutroError: Any other failure; see `sutro.errors`.

    Examples:
        >>> report = await sutro.upload_async("data/*.parquet")
        >>> files = await sutro.list_dataset_files_async(report.dataset_id)
        >>> files[0].file_name, files[0].row_count
        ('cars-1970.parquet', 35)
    """
    return await Client(api_key, api_url).list_dataset_files_async(dataset_id)


@overload
async def download_from_dataset_async(
    dataset_id: str,
    files: str | Sequence[str] | None = None,
    output_path: os.PathLike[str] | None = None,
    *,
    concurrency: int | None = None,
    overwrite: bool = False,
    storage_options: StorageOptions | None = None,
    api_key: str | None = None,
    api_url: str | None = None,
) -> list[Path]: ...


@overload
async def download_from_dataset_async(
    dataset_id: str,
    files: str | Sequence[str] | None = None,
    output_path: str | os.PathLike[str] | None = None,
    *,
    concurrency: int | None = None,
    overwrite: bool = False,
    storage_options: StorageOptions | None = None,
    api_key: str | None = None,
    api_url: str | None = None,
) -> list[Any]: ...


@public
async def download_from_dataset_async(
    dataset_id: str,
    files: str | Sequence[str] | None = None,
    output_path: str | os.PathLike[str] | None = None,
    *,
    concurrency: int | None = None,
    overwrite: bool = False,
    storage_options: StorageOptions | None = None,
    api_key: str | None = None,
    api_url: str | None = None,
) -> list[Path] | list[str]:
    """Download files of a dataset into a folder or a bucket.

    Runs in the current event loop without blocking it. Cancelling the task cancels the call.

    A file gets its name once it is complete. Existing files with the same content are kept.
    Downloads to a bucket are streamed in parts, without a temporary file. If a connection to
    the server breaks, the next one continues at the same byte.

    Args:
        dataset_id: The dataset.
        files: Names of files in the dataset. Default: all files.
        output_path: The folder, which is created if needed, or a URL such as
            `s3://BUCKET/PREFIX` (also `gs://` and `az://`). Default: the current folder.
        concurrency: Number of files to receive at the same time. Default: `SUTRO_CONCURRENCY`,
            then 8. Each download to a bucket takes about 16 MiB of memory.
        overwrite: Replace files of the same name that have other content.
        storage_options: Options of the store of such a URL, as in `upload`.
        api_key: The API key. Default: the key from `set_api_key`, then `SUTRO_API_KEY`, then
            `~/.sutro/config.json`.
        api_url: The URL of the API that the key is for, or `local:FOLDER`. Default: the URL from
            the same place as the key, or the hosted API.

    Returns:
        The paths of the files, or for a bucket their URLs as `str`, in the order of `files` or
        of the dataset.

    Raises:
        DatasetNotFoundError: There is no such dataset.
        RefusedError: A name is not in the dataset.
        LocalFileExistsError: A file or object of the same name has other content. Nothing was
            written.
        FileAccessError: A file cannot be written, or the store rejects the request or does not
            respond.
        ConfigurationError: The URL cannot be written, or an option is unknown.
        SutroError: Any other failure; see `sutro.errors`.

    Examples:
        >>> report = await sutro.upload_async("data/*.parquet")
        >>> dataset_id = report.dataset_id
        >>> paths = await sutro.download_from_dataset_async(dataset_id, output_path="copy")
        >>> len(paths), paths[0].name
        (12, 'cars-1970.parquet')
    """
    return await Client(api_key, api_url).download_from_dataset_async(
        dataset_id,
        files,
        output_path,
        concurrency=concurrency,
        overwrite=overwrite,
        storage_options=storage_options,
    )
