"""The calls of the dataset API, as methods of a `Client`.

`tools/generate_calls.py` makes the functions and the async twins from these methods.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, overload

from sutro import settings
from sutro._generated.async_methods import AsyncCalls
from sutro._generated.async_upload_methods import AsyncUploads
from sutro._public import public
from sutro._run import calls, logs, uploads, values
from sutro._run.connect import connected
from sutro._run.driver import here
from sutro.reader import DatasetReader
from sutro.uploads import Uploads

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from sutro._reports.upload import UploadReport
    from sutro.datasets import Dataset, DatasetFile, StagedFile
    from sutro.sources import StorageOptions


@public
class Client(Uploads, AsyncUploads, AsyncCalls):
    """Calls one dataset API with one key. Threads can share a client.

    Args:
        api_key: The API key. Default: the key from `set_api_key`, then `SUTRO_API_KEY`, then
            `~/.sutro/config.json`.
        api_url: The URL of the API. It comes from the same place as the key; default: the hosted
            API. `local:FOLDER` runs the embedded server on a folder, without a key. If another
            process has the folder open, the client waits up to 10 s for it to end.
        connect_timeout: Seconds to open a connection. Default: 30.
        progress_timeout: Restart a transfer after this many seconds without progress. Time spent
            waiting for earlier files does not count. Default: `SUTRO_TIMEOUT`, then 60.
        answer_timeout: Seconds to wait for a response after the last byte of a request. Default:
            `SUTRO_TIMEOUT`, then 120. There is no timeout for a whole upload.
        max_retries: Number of retries after the first attempt. Default: `SUTRO_MAX_RETRIES`,
            then 8.
        retry_deadline: Do not start a retry later than this many seconds after the first of several
            failures in a row. Default: 600.
        pickle_api_key: Include the key in pickles of the client. Otherwise the process that
            unpickles it looks up a key for the same URL in its own settings.

    Raises:
        MissingKeyError: No key was found for the URL.
        FolderInUseError: Another process has the folder of `local:FOLDER` open.
        ConfigurationError: The key, the URL or a setting is invalid.

    Examples:
        >>> client = sutro.Client(api_url="local:./datasets")
        >>> report = client.upload("data/*.parquet")
        >>> len(client.list_dataset_files(report.dataset_id))
        12
    """

    __slots__ = ("_recipe",)

    def __init__(
        self,
        api_key: str | None = None,
        api_url: str | None = None,
        *,
        connect_timeout: float | None = None,
        progress_timeout: float | None = None,
        answer_timeout: float | None = None,
        max_retries: int | None = None,
        retry_deadline: float | None = None,
        pickle_api_key: bool = False,
    ) -> None:
        logs.prepare()
        key, url = settings.resolve(api_key, api_url)
        given = settings.Patience(
            connect_timeout=connect_timeout,
            progress_timeout=progress_timeout,
            answer_timeout=answer_timeout,
            max_retries=max_retries,
            retry_deadline=retry_deadline,
        )
        self._core = connected(key, url, settings.client_options(**given))
        # Only the options that were passed: the other process has its own defaults.
        kept_key = key if pickle_api_key else None
        self._recipe = partial(Client, kept_key, url, **given, pickle_api_key=pickle_api_key)

    def __reduce__(self) -> tuple[Callable[[], Client], tuple[()]]:
        return self._recipe, ()

    @property
    def api_url(self) -> str:
        """The URL of the API."""
        return self._core.api_url

    def __repr__(self) -> str:
        return f"Client(api_url={self.api_url!r})"

    def commit(
        self,
        staged: Iterable[StagedFile],
        dataset_id: str,
        *,
        expected_file_count: int | None = None,
    ) -> UploadReport:
        """Append staged files to their dataset, in this order: all or none.

        Repeating the call changes nothing: the server recognises files that it has committed.

        Args:
            staged: Files that `stage` returned, here or in other processes. More than 10,000 are
                committed in several steps, in order.
            dataset_id: The dataset that they were staged for.
            expected_file_count: Number of files that the dataset must contain before the commit. If
                several drivers pass the same number, one succeeds. Default: the current number.

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
            >>> dataset_id = client.create_dataset()
            >>> staged = client.stage("data/cars-1970.parquet", dataset_id)
            >>> print(repr(client.commit(staged, dataset_id)))
            UploadReport('dataset-...': 1 file, 1 uploaded, ... committed in 0.0 s)
        """
        return here(uploads.commit, self._core, staged, dataset_id, expected_file_count)

    def create_dataset(self, name: str | None = None) -> str:
        """Create an empty dataset and return its id.

        Args:
            name: A human-readable name, which `list_datasets` shows. It need not be unique.

        Returns:
            The id: `dataset-...`.

        Raises:
            AuthenticationError: The server does not accept the key.
            SutroError: Any other failure; see `sutro.errors`.

        Examples:
            >>> client.create_dataset()
            'dataset-880962c5-7a06-4ca3-9253-d10b338c2969'
        """
        return here(calls.create_dataset, self._core, name)

    def try_authentication(self) -> None:
        """Check that the server accepts the API key.

        Raises:
            AuthenticationError: The server rejects the key.
            SutroError: Any other failure; see `sutro.errors`.

        Examples:
            >>> client.try_authentication()
        """
        here(calls.try_authentication, self._core)

    def list_datasets(self) -> list[Dataset]:
        """List the datasets that the key can see, newest first.

        Returns:
            The datasets, each with its id, name, number of files, size in bytes and schema.

        Raises:
            AuthenticationError: The server does not accept the key.
            SutroError: Any other failure; see `sutro.errors`.

        Examples:
            >>> dataset_id = client.create_dataset()
            >>> datasets = client.list_datasets()
            >>> datasets[0].dataset_id == dataset_id, datasets[0].file_count
            (True, 0)
        """
        return here(calls.list_datasets, self._core)

    def delete_dataset(self, dataset_id: str) -> None:
        """Delete a dataset with all of its files and staged files. It cannot be restored.

        If the server's response is lost, the call is repeated. An unknown dataset then counts as
        deleted.

        Args:
            dataset_id: The dataset.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            ConfigurationError: The server cannot delete datasets; `sutro serve` can.
            SutroError: Any other failure; see `sutro.errors`.

        Examples:
            >>> dataset_id = client.create_dataset()
            >>> client.delete_dataset(dataset_id)
            >>> datasets = client.list_datasets()
            >>> dataset_id in [dataset.dataset_id for dataset in datasets]
            False
        """
        here(calls.delete_dataset, self._core, dataset_id)

    def delete_dataset_file(self, dataset_id: str, file_name: str) -> None:
        """Delete a file of a dataset. It cannot be restored.

        The other files keep their order, and the dataset keeps its schema. The name can be used
        again; the new file is then the last one.

        Args:
            dataset_id: The dataset.
            file_name: The name of the file in the dataset.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            RefusedError: The dataset has no such file.
            ConfigurationError: The server cannot delete files; `sutro serve` can.
            SutroError: Any other failure; see `sutro.errors`.

        Examples:
            >>> report = client.upload("data/*.parquet")
            >>> client.delete_dataset_file(report.dataset_id, "cars-1970.parquet")
            >>> files = client.list_dataset_files(report.dataset_id)
            >>> files[0].file_name
            'cars-1971.parquet'
        """
        here(calls.delete_dataset_file, self._core, dataset_id, file_name)

    def list_dataset_files(self, dataset_id: str) -> list[DatasetFile]:
        """List the files of a dataset in the order in which they were uploaded.

        Args:
            dataset_id: The dataset.

        Returns:
            The files, each with its name, id, size in bytes, rows and schema.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            SutroError: Any other failure; see `sutro.errors`.

        Examples:
            >>> report = client.upload("data/*.parquet")
            >>> files = client.list_dataset_files(report.dataset_id)
            >>> files[0].file_name, files[0].row_count
            ('cars-1970.parquet', 35)
        """
        return here(calls.list_dataset_files, self._core, dataset_id)

    def read(
        self,
        dataset_id: str,
        *,
        columns: Sequence[str] | None = None,
        files: str | Sequence[str] | None = None,
    ) -> DatasetReader:
        """Read the rows of a dataset as one table, in order and in bounded memory.

        Args:
            dataset_id: The dataset. No request is made before rows are read.
            columns: Names of the columns to read, in this order. The others are not decoded.
                Default: all columns.
            files: Names of the files to read, in this order. Default: all files.

        Returns:
            A `DatasetReader`: a table for every library that reads Arrow streams.

        Raises:
            ConfigurationError: An argument cannot be used.

        Examples:
            >>> dataset_id = client.upload("data/*.parquet").dataset_id
            >>> client.read(dataset_id, columns=["name", "origin"]).to_polars().shape
            (406, 2)
        """
        return DatasetReader(self._core, values.dataset_id(dataset_id), columns, files)

    @overload
    def download_from_dataset(
        self,
        dataset_id: str,
        files: str | Sequence[str] | None = None,
        output_path: os.PathLike[str] | None = None,
        *,
        concurrency: int | None = None,
        overwrite: bool = False,
        storage_options: StorageOptions | None = None,
    ) -> list[Path]: ...

    @overload
    def download_from_dataset(
        self,
        dataset_id: str,
        files: str | Sequence[str] | None = None,
        output_path: str | os.PathLike[str] | None = None,
        *,
        concurrency: int | None = None,
        overwrite: bool = False,
        storage_options: StorageOptions | None = None,
    ) -> list[Any]: ...  # Path in a folder, str in a bucket: the text decides

    def download_from_dataset(
        self,
        dataset_id: str,
        files: str | Sequence[str] | None = None,
        output_path: str | os.PathLike[str] | None = None,
        *,
        concurrency: int | None = None,
        overwrite: bool = False,
        storage_options: StorageOptions | None = None,
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
            >>> report = client.upload("data/*.parquet")
            >>> dataset_id = report.dataset_id
            >>> paths = client.download_from_dataset(dataset_id, output_path="copy")
            >>> len(paths), paths[0].name
            (12, 'cars-1970.parquet')
        """
        return here(
            calls.download_from_dataset,
            self._core,
            dataset_id,
            files,
            output_path,
            concurrency=concurrency,
            overwrite=overwrite,
            storage_options=storage_options,
        )


def client_for_check(dataset_id: object, api_key: str | None, api_url: str | None) -> Client:
    """Make a client. A check without a dataset sends nothing, so its client needs no key."""
    return Client.__new__(Client) if dataset_id is None else Client(api_key, api_url)
