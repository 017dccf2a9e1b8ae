"""The calls of the dataset API as methods of a `Client`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sutro import _core, calls, forks, jobs, logs, settings
from sutro.reader import DatasetReader

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from sutro.calls import OnMismatch
    from sutro.checks import CheckReport
    from sutro.datasets import Dataset, DatasetFile
    from sutro.progress import ProgressOption
    from sutro.report import UploadReport
    from sutro.sources import NamesOption, Source


class Client:
    """Calls one dataset API with one key. Threads may share it.

    Args:
        api_key: The key. Default: `set_api_key`, then `SUTRO_API_KEY`, then
            `~/.sutro/config.json`.
        api_url: The API's URL, from the same place as the key; default: the hosted API.
            `local:FOLDER` runs the embedded service on that folder, without a key.
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
        ConfigurationError: The key, the URL or a setting cannot be used.

    Examples:
        >>> client = sutro.Client(api_url="local:./datasets")
        >>> report = client.upload("data/*.parquet")
        >>> len(client.list_dataset_files(report.dataset_id))
        12
    """

    __slots__ = ("_core", "_recipe")

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
        with forks.moment:
            self._core = _core.Client(api_key=key, api_url=url, options=options)
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

    def upload(
        self,
        source: Source,
        dataset_id: str | None = None,
        *,
        concurrency: int | None = None,
        ordered: bool = True,
        names: NamesOption | None = None,
        recursive: bool = False,
        exclude: str | Sequence[str] = (),
        rows_per_file: int | None = None,
        on_mismatch: OnMismatch = "error",
        recompress: bool = False,
        dry_run: bool = False,
        progress: ProgressOption = None,
    ) -> UploadReport:
        """Put parquet files into one dataset: at the same time, in order, each once.

        All files are checked before anything is sent or created. When an upload does not
        finish, the dataset holds a prefix of it; the same call again sends the rest.

        Args:
            source: A path, a glob, a folder, or a list of them; or a frame (pandas, polars,
                pyarrow, duckdb, ...), or a list or generator of frames; a dict gives names.
                A list is taken in the order given, a glob or folder in natural order
                (`part-2` before `part-10`). A generator is asked for a frame when there is
                room for it.
            dataset_id: The dataset; None creates one.
            concurrency: Files that are sent at the same time; default: `SUTRO_CONCURRENCY`,
                then 8.
            ordered: Whether the dataset must have the order of the plan. False is faster
                where the service needs long for each file.
            names: Names in the dataset, one for each file; "path" makes them of the paths below the
                source (`2024/a.parquet` is `2024,a.parquet`), a function of each path. Default: the
                files' own, and `part-00000.parquet`, ... for frames.
            recursive: Whether the folders below a folder are taken, too.
            exclude: Globs of files to leave out: `tmp-*` by name, `tmp/*` by the end of the path.
            rows_per_file: Cuts each frame into files of so many rows, in order.
            on_mismatch: What to do with files of another schema: "error" refuses the upload;
                "cast" rewrites them on the way to a common schema, where that loses nothing
                (order of columns, wider numbers, columns without values, nullability, units of
                times). Your files stay as they are.
            recompress: Whether files with other codecs than snappy are rewritten on the way.
            dry_run: Stop before anything is created or sent: the report says what is there already
                (`skipped`) and what would be sent (`pending`). See `check`, too.
            progress: None shows a bar on a terminal and in a notebook; True, False; or a
                callable that takes a `Progress` about ten times a second.

        Returns:
            What was done: dataset id, files with their ids and times, bytes, seconds.

        Raises:
            CheckError: Files cannot be uploaded (`InvalidParquetError`,
                `SchemaMismatchError`, ...). Nothing was sent.
            FileExistsInDatasetError: Names are taken. Nothing was sent.
            UploadIncompleteError: It failed after some files; `report` says which.
            UploadInterrupted: Ctrl-C; `report` says what was done.
            SutroError: Anything else: see `sutro.errors`.

        Examples:
            >>> report = client.upload("data/*.parquet")
            >>> print(repr(report))
            UploadReport('dataset-...': 12 files, 12 uploaded, 67.6 kB sent in 0.3 s)
        """
        calls.ask_first(self._core, source, dataset_id, dry_run=dry_run)
        job, resolved = calls.start_upload(
            self._core,
            source,
            dataset_id,
            concurrency=concurrency,
            ordered=ordered,
            names=names,
            recursive=recursive,
            exclude=exclude,
            rows_per_file=rows_per_file,
            on_mismatch=on_mismatch,
            recompress=recompress,
            dry_run=dry_run,
        )
        return jobs.result_of_upload(job, resolved, progress)

    async def upload_async(
        self,
        source: Source,
        dataset_id: str | None = None,
        *,
        concurrency: int | None = None,
        ordered: bool = True,
        names: NamesOption | None = None,
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
        ask = partial(calls.ask_first, self._core, source, dataset_id, dry_run=dry_run)
        await jobs.in_thread(ask)
        job, resolved = calls.start_upload(
            self._core,
            source,
            dataset_id,
            concurrency=concurrency,
            ordered=ordered,
            names=names,
            recursive=recursive,
            exclude=exclude,
            rows_per_file=rows_per_file,
            on_mismatch=on_mismatch,
            recompress=recompress,
            dry_run=dry_run,
        )
        return await jobs.result_of_upload_async(job, resolved, progress)

    def check(
        self,
        source: Source,
        dataset_id: str | None = None,
        *,
        names: NamesOption | None = None,
        recursive: bool = False,
        exclude: str | Sequence[str] = (),
        rows_per_file: int | None = None,
        on_mismatch: OnMismatch = "error",
        recompress: bool = False,
    ) -> CheckReport:
        """Check what `upload` would check, and send nothing.

        Reads footers only, and of the dataset, where one is given, its list of files. Frames are
        encoded, and thrown away; a generator is used up.

        Args:
            source: As for `upload`.
            dataset_id: A dataset to compare with: its names and its schema.
            names: As for `upload`.
            recursive: As for `upload`.
            exclude: As for `upload`.
            rows_per_file: As for `upload`.
            on_mismatch: As for `upload`.
            recompress: As for `upload`.

        Returns:
            What was found: files, schemas, problems. It is true exactly when an upload would be
            accepted; `error` is what the upload would raise.

        Raises:
            ConfigurationError: The source names nothing, or an argument cannot be used.
            SutroError: The dataset cannot be listed, or a frame cannot be encoded.

        Examples:
            >>> report = client.check("data/*.parquet")
            >>> print(repr(report))
            CheckReport(12 files, 406 rows, 67.6 kB, 1 schema: an upload would be accepted)
        """
        return calls.check(
            self._core,
            source,
            dataset_id,
            names=names,
            recursive=recursive,
            exclude=exclude,
            rows_per_file=rows_per_file,
            on_mismatch=on_mismatch,
            recompress=recompress,
        )

    def upload_to_dataset(
        self, dataset_id: str, file_paths: Source, *, progress: ProgressOption = None
    ) -> UploadReport:
        """Upload into a dataset that is there: `upload` in the words of the service's SDK.

        Args:
            dataset_id: The dataset.
            file_paths: What to upload: the `source` of `upload`.
            progress: As for `upload`.

        Returns:
            What was done; errors are those of `upload`.

        Examples:
            >>> dataset_id = client.create_dataset()
            >>> report = client.upload_to_dataset(dataset_id, ["data/cars-1970.parquet"])
            >>> report[0].status
            'uploaded'
        """
        return self.upload(file_paths, dataset_id, progress=progress)

    def create_dataset(self) -> str:
        """Create an empty dataset and return its id.

        Examples:
            >>> client.create_dataset()
            'dataset-880962c5-7a06-4ca3-9253-d10b338c2969'
        """
        return jobs.result_of(self._core.create_dataset())

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
        return jobs.result_of(self._core.list_dataset_files(dataset_id))

    def read(self, dataset_id: str) -> DatasetReader:
        """Read a dataset back: its files' rows, in order, as one table, in bounded memory.

        Args:
            dataset_id: The dataset. It is asked for when the rows are.

        Returns:
            A table for every library that reads Arrow streams; see `DatasetReader`.

        Examples:
            >>> import polars as pl
            >>> dataset_id = client.upload("data/*.parquet").dataset_id
            >>> pl.DataFrame(client.read(dataset_id)).height
            406
        """
        return DatasetReader(self._core, calls.checked_id(dataset_id))

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
        names = [files] if isinstance(files, str) else files
        paths = jobs.result_of(
            self._core.download_from_dataset(
                dataset_id,
                None if names is None else list(names),
                str(Path(output_path or ".").expanduser()),
                settings.concurrency(concurrency),
                overwrite,
            )
        )
        return [Path(path) for path in paths]
