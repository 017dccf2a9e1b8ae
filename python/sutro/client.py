"""The calls of the dataset API as methods of a `Client`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sutro import settings
from sutro._public import public
from sutro._run import calls, jobs, logs, values
from sutro._run.connect import connected
from sutro.async_calls import AsyncCalls
from sutro.reader import DatasetReader
from sutro.uploads import Uploads

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from sutro.datasets import Dataset, DatasetFile


@public
class Client(Uploads, AsyncCalls):
    """Calls one dataset API with one key. Threads may share it.

    Args:
        api_key: The key. Default: `set_api_key`, then `SUTRO_API_KEY`, then
            `~/.sutro/config.json`.
        api_url: The API's URL, from the same place as the key; default: the hosted API.
            `local:FOLDER` runs the embedded service on that folder, without a key; where
            another process has the folder open, it waits up to 10 s for its end.
        connect_timeout: Seconds to open a connection; default 30.
        progress_timeout: Seconds in which a transfer moves no byte, and does not wait for
            its turn, before it is started again; default: `SUTRO_TIMEOUT`, then 60.
        answer_timeout: Seconds for an answer after the last byte of a request; default:
            `SUTRO_TIMEOUT`, then 120. Nothing bounds the time of a whole upload.
        max_retries: Attempts after the first one; default: `SUTRO_MAX_RETRIES`, then 8.
        retry_deadline: No attempt begins later than so many seconds after the first failure
            in a row; default 600.
        pickle_api_key: Whether a pickle of the client holds the key. Without it, the process
            that unpickles it looks for a key for the same URL in its own settings.

    Raises:
        MissingKeyError: No key was found for the URL.
        FolderInUseError: Another process has the folder of `local:FOLDER` open.
        ConfigurationError: The key, the URL or a setting cannot be used.

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
        options = settings.client_options(
            connect_timeout=connect_timeout,
            progress_timeout=progress_timeout,
            answer_timeout=answer_timeout,
            max_retries=max_retries,
            retry_deadline=retry_deadline,
        )
        self._core = connected(key, url, options)
        # The options as they were given: those that were not are the other process's.
        self._recipe = partial(
            Client,
            key if pickle_api_key else None,
            url,
            connect_timeout=connect_timeout,
            progress_timeout=progress_timeout,
            answer_timeout=answer_timeout,
            max_retries=max_retries,
            retry_deadline=retry_deadline,
            pickle_api_key=pickle_api_key,
        )

    def __reduce__(self) -> tuple[Callable[[], Client], tuple[()]]:
        return self._recipe, ()

    @property
    def api_url(self) -> str:
        """The URL of the API."""
        return self._core.api_url

    def __repr__(self) -> str:
        return f"Client(api_url={self.api_url!r})"

    def create_dataset(self, name: str | None = None) -> str:
        """Create an empty dataset and return its id.

        Args:
            name: A name for people; `list_datasets` shows it. It need not be unique.

        Examples:
            >>> client.create_dataset()
            'dataset-880962c5-7a06-4ca3-9253-d10b338c2969'
        """
        name = None if name is None else values.text("name", name)
        return jobs.result_of(self._core.create_dataset(name))

    def try_authentication(self) -> None:
        """Ask the API whether it knows the key.

        Raises:
            AuthenticationError: It does not.

        Examples:
            >>> client.try_authentication()
        """
        jobs.result_of(self._core.try_authentication())

    def list_datasets(self) -> list[Dataset]:
        """List all datasets that the key may see, newest first.

        Examples:
            >>> dataset_id = client.create_dataset()
            >>> newest = client.list_datasets()[0]
            >>> newest.dataset_id == dataset_id, newest.file_count
            (True, 0)
        """
        return jobs.result_of(self._core.list_datasets())

    def list_dataset_files(self, dataset_id: str) -> list[DatasetFile]:
        """List a dataset's files in its order: the order in which they were uploaded.

        Raises:
            DatasetNotFoundError: There is no such dataset.

        Examples:
            >>> report = client.upload("data/*.parquet")
            >>> files = client.list_dataset_files(report.dataset_id)
            >>> files[0].file_name, files[0].row_count
            ('cars-1970.parquet', 35)
        """
        dataset_id = calls.checked_id(dataset_id)
        return jobs.result_of_pages(lambda after: self._core.list_dataset_files(dataset_id, after))

    def read(
        self,
        dataset_id: str,
        *,
        columns: Sequence[str] | None = None,
        files: str | Sequence[str] | None = None,
    ) -> DatasetReader:
        """Read a dataset back: its files' rows, in order, as one table, in bounded memory.

        Args:
            dataset_id: The dataset. It is asked for when the rows are.
            columns: Names of the columns to read, in this order; None reads all. The others are
                not decoded.
            files: Names of the files to read, in this order; None reads all.

        Returns:
            A table for every library that reads Arrow streams; see `DatasetReader`.

        Examples:
            >>> dataset_id = client.upload("data/*.parquet").dataset_id
            >>> client.read(dataset_id, columns=["name", "origin"]).to_polars().shape
            (406, 2)
        """
        return DatasetReader(self._core, calls.checked_id(dataset_id), columns, files)

    def download_from_dataset(
        self,
        dataset_id: str,
        files: str | Sequence[str] | None = None,
        output_path: str | os.PathLike[str] | None = None,
        *,
        concurrency: int | None = None,
        overwrite: bool = False,
    ) -> list[Path]:
        """Write files of a dataset into a folder. A file gets its name when it is whole.

        A file that is there already with the same content is left as it is.

        Args:
            dataset_id: The dataset.
            files: Names in the dataset; None takes all.
            output_path: The folder, made where needed; None is the current one.
            concurrency: Files that are received at the same time.
            overwrite: Whether a file of the same name and other content is replaced.

        Returns:
            The paths of the files, in the order of `files` or of the dataset.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            RefusedError: A name is not in the dataset.
            LocalFileExistsError: A file of the same name has other content. Nothing was written.
            FileAccessError: A file cannot be written.

        Examples:
            >>> report = client.upload("data/*.parquet")
            >>> paths = client.download_from_dataset(report.dataset_id, output_path="copy")
            >>> len(paths), paths[0].name
            (12, 'cars-1970.parquet')
        """
        job = calls.start_download(
            self._core,
            dataset_id,
            files,
            output_path,
            concurrency=concurrency,
            overwrite=overwrite,
        )
        return [Path(path) for path in jobs.result_of(job)]
