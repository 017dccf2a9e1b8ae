"""The calls of `Client` as functions: each reads key and URL when it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sutro._run import calls
from sutro.client import Client

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    from sutro._reports.check import CheckReport
    from sutro._reports.upload import UploadReport
    from sutro.datasets import Dataset, DatasetFile
    from sutro.options import OnMismatch, ProgressOption
    from sutro.reader import DatasetReader
    from sutro.sources import HiveOption, NamesOption, Source


def upload(
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
        concurrency: Files that are sent at the same time; default: `SUTRO_CONCURRENCY`, then 8.
        ordered: Whether the dataset must have the order of the plan. False is faster where
            the service needs long for each file; such an upload is resumed with False, too.
        names: Names in the dataset, one for each file; "path" makes them of the paths below the
            source (`2024/a.parquet` is `2024,a.parquet`), a function of each path. Default: the
            files' own, and `part-00000.parquet`, ... for frames.
        hive: Whether columns that folders tell (`year=2024/`) are written into the files on
            the way, whose names are then made of their paths. Types are int64, date or string;
            a dict has others: `{"zip": "string"}`. False uploads the files without the columns;
            None refuses files that would lose them.
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
        api_key: See `Client`.
        api_url: See `Client`.

    Returns:
        What was done: dataset id, files with their ids and times, bytes, seconds.

    Raises:
        CheckError: Files cannot be uploaded (`InvalidParquetError`, `SchemaMismatchError`,
            ...). Nothing was sent.
        FileExistsInDatasetError: Names are taken. Nothing was sent.
        UploadIncompleteError: It failed after some files; `report` says which.
        UploadInterrupted: Ctrl-C; `report` says what was done.
        SutroError: Anything else: see `sutro.errors`.

    Examples:
        >>> report = sutro.upload("data/*.parquet")
        >>> print(repr(report))
        UploadReport('dataset-...': 12 files, 12 uploaded, 67.6 kB sent in 0.3 s)
    """
    return Client(api_key, api_url).upload(
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


def check(
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
    """Check what `upload` would check, and send nothing.

    Reads footers only, and of the dataset, where one is given, its list of files. Frames are
    encoded, and thrown away; a generator is used up.

    Args:
        source: As for `upload`.
        dataset_id: A dataset to compare with: its names and its schema. Without one
            no key is needed.
        ordered: As for `upload`: it says which names may be in the dataset already.
        names: As for `upload`.
        hive: As for `upload`.
        recursive: As for `upload`.
        exclude: As for `upload`.
        rows_per_file: As for `upload`.
        on_mismatch: As for `upload`.
        recompress: As for `upload`.
        api_key: See `Client`.
        api_url: See `Client`.

    Returns:
        What was found: files, schemas, problems. It is true exactly when an upload would be
        accepted; `error` is what the upload would raise.

    Raises:
        ConfigurationError: The source names nothing, or an argument cannot be used.
        SutroError: The dataset cannot be listed, or a frame cannot be encoded.

    Examples:
        >>> report = sutro.check("data/*.parquet")
        >>> print(repr(report))
        CheckReport(12 files, 406 rows, 67.6 kB, 1 schema: an upload would be accepted)
    """
    if dataset_id is not None:
        return Client(api_key, api_url).check(
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
    return calls.check(
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


def upload_to_dataset(
    dataset_id: str,
    file_paths: Source,
    *,
    progress: ProgressOption = None,
    api_key: str | None = None,
    api_url: str | None = None,
) -> UploadReport:
    """Upload into a dataset that is there: `upload` in the words of the service's SDK.

    Args:
        dataset_id: The dataset.
        file_paths: What to upload: the `source` of `upload`.
        progress: As for `upload`.
        api_key: See `Client`.
        api_url: See `Client`.

    Returns:
        What was done; errors are those of `upload`.

    Examples:
        >>> dataset_id = sutro.create_dataset()
        >>> report = sutro.upload_to_dataset(dataset_id, ["data/cars-1970.parquet"])
        >>> report[0].status
        'uploaded'
    """
    return Client(api_key, api_url).upload_to_dataset(dataset_id, file_paths, progress=progress)


def create_dataset(
    name: str | None = None, *, api_key: str | None = None, api_url: str | None = None
) -> str:
    """Create an empty dataset and return its id.

    Args:
        name: A name for people; `list_datasets` shows it. It need not be unique.
        api_key: See `Client`.
        api_url: See `Client`.

    Returns:
        The id: `dataset-...`.

    Raises:
        AuthenticationError: The service does not accept the key.
        SutroError: Anything else: see `sutro.errors`.

    Examples:
        >>> sutro.create_dataset()
        'dataset-880962c5-7a06-4ca3-9253-d10b338c2969'
    """
    return Client(api_key, api_url).create_dataset(name)


def list_datasets(*, api_key: str | None = None, api_url: str | None = None) -> list[Dataset]:
    """List all datasets that the key may see, newest first.

    Args:
        api_key: See `Client`.
        api_url: See `Client`.

    Returns:
        Of each dataset its id, files, size in bytes, and schema.

    Raises:
        AuthenticationError: The service does not accept the key.
        SutroError: Anything else: see `sutro.errors`.

    Examples:
        >>> dataset_id = sutro.create_dataset()
        >>> newest = sutro.list_datasets()[0]
        >>> newest.dataset_id == dataset_id, newest.file_count
        (True, 0)
    """
    return Client(api_key, api_url).list_datasets()


def list_dataset_files(
    dataset_id: str, *, api_key: str | None = None, api_url: str | None = None
) -> list[DatasetFile]:
    """List a dataset's files in its order: the order in which they were uploaded.

    Args:
        dataset_id: The dataset.
        api_key: See `Client`.
        api_url: See `Client`.

    Returns:
        Of each file its name, id, size in bytes, rows, and schema.

    Raises:
        DatasetNotFoundError: There is no such dataset.

    Examples:
        >>> report = sutro.upload("data/*.parquet")
        >>> files = sutro.list_dataset_files(report.dataset_id)
        >>> files[0].file_name, files[0].row_count
        ('cars-1970.parquet', 35)
    """
    return Client(api_key, api_url).list_dataset_files(dataset_id)


def read(
    dataset_id: str,
    *,
    columns: Sequence[str] | None = None,
    files: str | Sequence[str] | None = None,
    api_key: str | None = None,
    api_url: str | None = None,
) -> DatasetReader:
    """Read a dataset back: its files' rows, in order, as one table, in bounded memory.

    Args:
        dataset_id: The dataset. It is asked for when the rows are.
        columns: Names of the columns to read, in this order; None reads all. The others are not
            decoded.
        files: Names of the files to read, in this order; None reads all.
        api_key: See `Client`.
        api_url: See `Client`.

    Returns:
        A table for every library that reads Arrow streams; see `DatasetReader`.

    Examples:
        >>> dataset_id = sutro.upload("data/*.parquet").dataset_id
        >>> sutro.read(dataset_id, columns=["name", "origin"]).to_polars().shape
        (406, 2)
    """
    return Client(api_key, api_url).read(dataset_id, columns=columns, files=files)


def download_from_dataset(
    dataset_id: str,
    files: str | Sequence[str] | None = None,
    output_path: str | os.PathLike[str] | None = None,
    *,
    concurrency: int | None = None,
    overwrite: bool = False,
    api_key: str | None = None,
    api_url: str | None = None,
) -> list[Path]:
    """Write files of a dataset into a folder. A file gets its name when it is whole.

    A file that is there already with the same content is left as it is.

    Args:
        dataset_id: The dataset.
        files: Names in the dataset; None takes all.
        output_path: The folder, made where needed; None is the current one.
        concurrency: Files that are received at the same time.
        overwrite: Whether a file of the same name and other content is replaced.
        api_key: See `Client`.
        api_url: See `Client`.

    Returns:
        The paths of the files, in the order of `files` or of the dataset.

    Raises:
        DatasetNotFoundError: There is no such dataset.
        RefusedError: A name is not in the dataset.
        LocalFileExistsError: A file of the same name has other content. Nothing was written.
        FileAccessError: A file cannot be written.

    Examples:
        >>> report = sutro.upload("data/*.parquet")
        >>> paths = sutro.download_from_dataset(report.dataset_id, output_path="copy")
        >>> len(paths), paths[0].name
        (12, 'cars-1970.parquet')
    """
    return Client(api_key, api_url).download_from_dataset(
        dataset_id, files, output_path, concurrency=concurrency, overwrite=overwrite
    )
