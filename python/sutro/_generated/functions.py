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
    from sutro.reader import DatasetReader
    from sutro.sources import StorageOptions


@public
def commit(
    staged: Iterable[StagedFile],
    dataset_id: str,
    *,
    expected_file_count: int | None = None,
    api_key: str | None = None,
    api_url: str | None = None,
) -> UploadReport:
    """Append staged files to their dataset, in this order: all or none.

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
        UploadInterrupted: Ctrl-C. Repeat the call to complete the commit.
        SutroError: Any other failure; see `sutro.errors`.

    Examples:
        >>> dataset_id = sutro.create_dataset()
        >>> staged = sutro.stage("data/cars-1970.parquet", dataset_id)
        >>> print(repr(sutro.commit(staged, dataset_id)))
        UploadReport('dataset-...': 1 file, 1 uploaded, ... committed in 0.0 s)
    """
    return Client(api_key, api_url).commit(
        staged, dataset_id, expected_file_count=expected_file_count
    )


@public
def create_dataset(
    name: str | None = None, *, api_key: str | None = None, api_url: str | None = None
) -> str:
    """Create an empty dataset and return its id.

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
        >>> sutro.create_dataset()
        'dataset-880962c5-7a06-4ca3-9253-d10b338c2969'
    """
    return Client(api_key, api_url).create_dataset(name)


@public
def list_datasets(*, api_key: str | None = None, api_url: str | None = None) -> list[Dataset]:
    """List the datasets that the key can see, newest first.

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
        >>> dataset_id = sutro.create_dataset()
        >>> datasets = sutro.list_datasets()
        >>> datasets[0].dataset_id == dataset_id, datasets[0].file_count
        (True, 0)
    """
    return Client(api_key, api_url).list_datasets()


@public
def delete_dataset(
    dataset_id: str, *, api_key: str | None = None, api_url: str | None = None
) -> None:
    """Delete a dataset with all of its files and staged files. It cannot be restored.

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
        >>> dataset_id = sutro.create_dataset()
        >>> sutro.delete_dataset(dataset_id)
        >>> datasets = sutro.list_datasets()
        >>> dataset_id in [dataset.dataset_id for dataset in datasets]
        False
    """
    return Client(api_key, api_url).delete_dataset(dataset_id)


@public
def delete_dataset_file(
    dataset_id: str, file_name: str, *, api_key: str | None = None, api_url: str | None = None
) -> None:
    """Delete a file of a dataset. It cannot be restored.

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
        >>> report = sutro.upload("data/*.parquet")
        >>> sutro.delete_dataset_file(report.dataset_id, "cars-1970.parquet")
        >>> files = sutro.list_dataset_files(report.dataset_id)
        >>> files[0].file_name
        'cars-1971.parquet'
    """
    return Client(api_key, api_url).delete_dataset_file(dataset_id, file_name)


@public
def list_dataset_files(
    dataset_id: str, *, api_key: str | None = None, api_url: str | None = None
) -> list[DatasetFile]:
    """List the files of a dataset in the order in which they were uploaded.

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
        >>> report = sutro.upload("data/*.parquet")
        >>> files = sutro.list_dataset_files(report.dataset_id)
        >>> files[0].file_name, files[0].row_count
        ('cars-1970.parquet', 35)
    """
    return Client(api_key, api_url).list_dataset_files(dataset_id)


@public
def read(
    dataset_id: str,
    *,
    columns: Sequence[str] | None = None,
    files: str | Sequence[str] | None = None,
    api_key: str | None = None,
    api_url: str | None = None,
) -> DatasetReader:
    """Read the rows of a dataset as one table, in order and in bounded memory.

    Args:
        dataset_id: The dataset. No request is made before rows are read.
        columns: Names of the columns to read, in this order. The others are not decoded.
            Default: all columns.
        files: Names of the files to read, in this order. Default: all files.
        api_key: The API key. Default: the key from `set_api_key`, then `SUTRO_API_KEY`, then
            `~/.sutro/config.json`.
        api_url: The URL of the API that the key is for, or `local:FOLDER`. Default: the URL from
            the same place as the key, or the hosted API.

    Returns:
        A `DatasetReader`: a table for every library that reads Arrow streams.

    Raises:
        ConfigurationError: An argument cannot be used.

    Examples:
        >>> dataset_id = sutro.upload("data/*.parquet").dataset_id
        >>> sutro.read(dataset_id, columns=["name", "origin"]).to_polars().shape
        (406, 2)
    """
    return Client(api_key, api_url).read(dataset_id, columns=columns, files=files)


@overload
def download_from_dataset(
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
def download_from_dataset(
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
def download_from_dataset(
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
        >>> report = sutro.upload("data/*.parquet")
        >>> dataset_id = report.dataset_id
        >>> paths = sutro.download_from_dataset(dataset_id, output_path="copy")
        >>> len(paths), paths[0].name
        (12, 'cars-1970.parquet')
    """
    return Client(api_key, api_url).download_from_dataset(
        dataset_id,
        files,
        output_path,
        concurrency=concurrency,
        overwrite=overwrite,
        storage_options=storage_options,
    )
