"""Made from `sutro/client.py` by `tools/generate_calls.py`: do not edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from sutro._run import calls, uploads
from sutro._run.driver import in_loop

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from sutro import _core
    from sutro._reports.upload import UploadReport
    from sutro.datasets import Dataset, DatasetFile, StagedFile
    from sutro.sources import StorageOptions


class AsyncCalls:
    """Async twins of calls."""

    __slots__ = ()

    _core: _core.Client

    async def commit_async(
        self,
        staged: Iterable[StagedFile],
        dataset_id: str,
        *,
        expected_file_count: int | None = None,
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
            >>> dataset_id = await client.create_dataset_async()
            >>> staged = await client.stage_async("data/cars-1970.parquet", dataset_id)
            >>> print(repr(await client.commit_async(staged, dataset_id)))
            UploadReport('dataset-...': 1 file, 1 uploaded, ... committed in 0.0 s)
        """
        return await in_loop(uploads.commit, self._core, staged, dataset_id, expected_file_count)

    async def create_dataset_async(self, name: str | None = None) -> str:
        """Create an empty dataset and return its id.

        Runs in the current event loop without blocking it. Cancelling the task cancels the call.

        Args:
            name: A human-readable name, which `list_datasets` shows. It need not be unique.

        Returns:
            The id: `dataset-...`.

        Raises:
            AuthenticationError: The server does not accept the key.
            SutroError: Any other failure; see `sutro.errors`.

        Examples:
            >>> await client.create_dataset_async()
            'dataset-880962c5-7a06-4ca3-9253-d10b338c2969'
        """
        return await in_loop(calls.create_dataset, self._core, name)

    async def try_authentication_async(self) -> None:
        """Check that the server accepts the API key.

        Runs in the current event loop without blocking it. Cancelling the task cancels the call.

        Raises:
            AuthenticationError: The server rejects the key.
            SutroError: Any other failure; see `sutro.errors`.

        Examples:
            >>> await client.try_authentication_async()
        """
        await in_loop(calls.try_authentication, self._core)

    async def list_datasets_async(self) -> list[Dataset]:
        """List the datasets that the key can see, newest first.

        Runs in the current event loop without blocking it. Cancelling the task cancels the call.

        Returns:
            The datasets, each with its id, name, number of files, size in bytes and schema.

        Raises:
            AuthenticationError: The server does not accept the key.
            SutroError: Any other failure; see `sutro.errors`.

        Examples:
            >>> dataset_id = await client.create_dataset_async()
            >>> datasets = await client.list_datasets_async()
            >>> datasets[0].dataset_id == dataset_id, datasets[0].file_count
            (True, 0)
        """
        return await in_loop(calls.list_datasets, self._core)

    async def delete_dataset_async(self, dataset_id: str) -> None:
        """Delete a dataset with all of its files and staged files. It cannot be restored.

        Runs in the current event loop without blocking it. Cancelling the task cancels the call.

        If the server's response is lost, the call is repeated. An unknown dataset then counts as
        deleted.

        Args:
            dataset_id: The dataset.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            ConfigurationError: The server cannot delete datasets; `sutro serve` can.
            SutroError: Any other failure; see `sutro.errors`.

        Examples:
            >>> dataset_id = await client.create_dataset_async()
            >>> await client.delete_dataset_async(dataset_id)
            >>> datasets = await client.list_datasets_async()
            >>> dataset_id in [dataset.dataset_id for dataset in datasets]
            False
        """
        await in_loop(calls.delete_dataset, self._core, dataset_id)

    async def delete_dataset_file_async(self, dataset_id: str, file_name: str) -> None:
        """Delete a file of a dataset. It cannot be restored.

        Runs in the current event loop without blocking it. Cancelling the task cancels the call.

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
            >>> report = await client.upload_async("data/*.parquet")
            >>> await client.delete_dataset_file_async(report.dataset_id, "cars-1970.parquet")
            >>> files = await client.list_dataset_files_async(report.dataset_id)
            >>> files[0].file_name
            'cars-1971.parquet'
        """
        await in_loop(calls.delete_dataset_file, self._core, dataset_id, file_name)

    async def list_dataset_files_async(self, dataset_id: str) -> list[DatasetFile]:
        """List the files of a dataset in the order in which they were uploaded.

        Runs in the current event loop without blocking it. Cancelling the task cancels the call.

        Args:
            dataset_id: The dataset.

        Returns:
            The files, each with its name, id, size in bytes, rows and schema.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            SutroError: Any other failure; see `sutro.errors`.

        Examples:
            >>> report = await client.upload_async("data/*.parquet")
            >>> files = await client.list_dataset_files_async(report.dataset_id)
            >>> files[0].file_name, files[0].row_count
            ('cars-1970.parquet', 35)
        """
        return await in_loop(calls.list_dataset_files, self._core, dataset_id)

    @overload
    async def download_from_dataset_async(
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
    async def download_from_dataset_async(
        self,
        dataset_id: str,
        files: str | Sequence[str] | None = None,
        output_path: str | os.PathLike[str] | None = None,
        *,
        concurrency: int | None = None,
        overwrite: bool = False,
        storage_options: StorageOptions | None = None,
    ) -> list[Any]: ...

    async def download_from_dataset_async(
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
            >>> report = await client.upload_async("data/*.parquet")
            >>> dataset_id = report.dataset_id
            >>> paths = await client.download_from_dataset_async(dataset_id, output_path="copy")
            >>> len(paths), paths[0].name
            (12, 'cars-1970.parquet')
        """
        return await in_loop(
            calls.download_from_dataset,
            self._core,
            dataset_id,
            files,
            output_path,
            concurrency=concurrency,
            overwrite=overwrite,
            storage_options=storage_options,
        )
