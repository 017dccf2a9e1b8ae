"""Made from `sutro/uploads.py` by `tools/generate_calls.py`: do not edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sutro._public import public
from sutro.client import Client, client_for_check

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from sutro._reports.check import CheckReport
    from sutro._reports.upload import UploadReport
    from sutro.datasets import StagedFile
    from sutro.options import OnMismatch, ProgressOption
    from sutro.sources import EngineFrame, HiveOption, NamesOption, Source, StorageOptions


@public
def upload(
    source: Source | EngineFrame,
    dataset_id: str | None = None,
    *,
    concurrency: int | None = None,
    ordered: bool = True,
    atomic: bool = False,
    names: NamesOption | None = None,
    hive: HiveOption | None = None,
    recursive: bool = False,
    exclude: str | Sequence[str] = (),
    storage_options: StorageOptions | None = None,
    rows_per_file: int | None = None,
    target_file_size: int | str | None = None,
    merge_row_groups: bool = False,
    on_mismatch: OnMismatch = "error",
    recompress: bool = False,
    dry_run: bool = False,
    staging: str | os.PathLike[str] | None = None,
    progress: ProgressOption = None,
    api_key: str | None = None,
    api_url: str | None = None,
) -> UploadReport:
    """Upload Parquet files or frames to a dataset: concurrently, in order, exactly once.

    All files are checked before anything is created or sent. If an upload fails midway, the
    dataset contains its first files, in order. Run the same call again to upload the rest.

    Args:
        source: A path, glob, folder or URL, or a list of them; or a frame (pandas, polars,
            pyarrow, ...), or a list or generator of frames. A dict also names them. Lists keep
            their order; globs and folders are in natural order (`part-2` before `part-10`).
            Generators are consumed lazily, as upload slots free up. Or one frame of Dask, Ray,
            Spark or Daft, whose workers send its partitions.
        dataset_id: The dataset to upload to. Default: a new dataset.
        concurrency: Number of files to send at the same time. Default: `SUTRO_CONCURRENCY`,
            then 8.
        ordered: Commit files in source order. `False` is faster if the server takes long to
            acknowledge each file. Resume such an upload with `False`, too.
        atomic: Commit all files together when the last one has arrived, or none. Needs a
            server that stages files, such as `sutro serve`; at most 10,000 files.
        names: File names in the dataset: a list with one name per file; `"path"` to derive them
            from the paths below the source (`2024/a.parquet` becomes `2024,a.parquet`); or a
            function from a path to a name. Default: the names of the files; for frames,
            `part-00000`, ... with a fingerprint of the content.
        hive: What to do with columns in folder names (`year=2024/`). `True` writes them into
            the files, as int64, date or string, and derives file names from the paths. A dict
            does the same with other types (`{"zip": "string"}`). `False` leaves the columns
            out. `None` rejects files that would lose them.
        recursive: Search folders recursively.
        exclude: Globs of files to leave out: `tmp-*` matches names, `tmp/*` ends of paths.
        storage_options: Options of the stores of `s3://`, `gs://` and `az://` URLs, such as
            `aws_region` and `account_name`. Default: the environment and the configuration
            files of the clouds' tools.
        rows_per_file: Split each frame into files of this many rows, in order.
        target_file_size: Pack neighbouring files, and split large ones, into files of at most
            about this size (`"256MB"`, or bytes), in order and without decoding them. A row
            group is never split. The files are named `part-00000`, ... with a fingerprint of
            their sources, which the report lists. Split each frame into files that are never
            larger, unless a single row is. With `rows_per_file`, whichever limit is reached
            first applies.
        merge_row_groups: With `target_file_size`, merge neighbouring row groups of less than
            1 MB by encoding them again. Larger ones are copied as they are.
        on_mismatch: What to do if schemas differ. `"error"` rejects the upload. `"cast"` casts
            the files to a common schema during the upload, if no value is lost (order of
            columns, wider numbers, columns without values, nullability, time units). Your own
            files do not change.
        recompress: During the upload, recompress files that use a codec other than snappy.
        dry_run: Stop before anything is created or sent. The report lists the files that are
            already there (`skipped`) and those that would be sent (`pending`).
        staging: For a frame of Dask, Ray, Spark or Daft, if the server does not stage files: a
            folder that all workers can access, or the URL of a bucket. `storage_options` are
            then sent with the tasks.
        progress: `True` shows a progress bar, `False` nothing, `None` a bar on a terminal and
            in a notebook. A callable receives a `Progress` about ten times a second.
        api_key: The API key. Default: the key from `set_api_key`, then `SUTRO_API_KEY`, then
            `~/.sutro/config.json`.
        api_url: The URL of the API that the key is for, or `local:FOLDER`. Default: the URL from
            the same place as the key, or the hosted API.

    Returns:
        A report: the dataset id, each file with its id and times, bytes and seconds.

    Raises:
        CheckError: Files cannot be uploaded (`InvalidParquetError`, `SchemaMismatchError`,
            ...). Nothing was sent.
        FileExistsInDatasetError: Names are already in use in the dataset. Nothing was sent.
        UploadIncompleteError: The upload failed after some files; `report` lists them.
        UploadInterrupted: Ctrl-C; `report` lists what was uploaded.
        SutroError: Any other failure; see `sutro.errors`.

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
        atomic=atomic,
        names=names,
        hive=hive,
        recursive=recursive,
        exclude=exclude,
        storage_options=storage_options,
        rows_per_file=rows_per_file,
        target_file_size=target_file_size,
        merge_row_groups=merge_row_groups,
        on_mismatch=on_mismatch,
        recompress=recompress,
        dry_run=dry_run,
        staging=staging,
        progress=progress,
    )


@public
def check(
    source: Source,
    dataset_id: str | None = None,
    *,
    ordered: bool = True,
    names: NamesOption | None = None,
    hive: HiveOption | None = None,
    recursive: bool = False,
    exclude: str | Sequence[str] = (),
    storage_options: StorageOptions | None = None,
    rows_per_file: int | None = None,
    target_file_size: int | str | None = None,
    merge_row_groups: bool = False,
    on_mismatch: OnMismatch = "error",
    recompress: bool = False,
    api_key: str | None = None,
    api_url: str | None = None,
) -> CheckReport:
    """Check files or frames as `upload` does, without sending anything.

    Reads only the footers of files and, if `dataset_id` is set, the dataset's file list. Frames
    are encoded and discarded; generators are consumed.

    Args:
        source: A path, glob, folder or URL, or a list of them; or a frame (pandas, polars,
            pyarrow, ...), or a list or generator of frames. A dict also names them.
        dataset_id: The dataset whose names and schema to compare with. Default: none.
        ordered: Check for an upload in source order. With `False`, names that are already in
            the dataset may be anywhere in it.
        names: File names in the dataset, as in `upload`: a list, `"path"`, or a function from a
            path to a name. Default: the names of the files; for frames, generated ones.
        hive: What an upload would do with columns in folder names (`year=2024/`): `True` or a
            dict of types (`{"zip": "string"}`) writes them into the files, `False` leaves them
            out, `None` rejects files that would lose them.
        recursive: Search folders recursively.
        exclude: Globs of files to leave out: `tmp-*` matches names, `tmp/*` ends of paths.
        storage_options: Options of the stores of URLs, as in `upload`.
        rows_per_file: Split each frame into files of this many rows, in order.
        target_file_size: Check for an upload that packs and splits files, or splits frames, to
            this size (`"256MB"`, or bytes). For files, a note in the report says how many there
            will be.
        merge_row_groups: With `target_file_size`, merge neighbouring row groups of less than
            1 MB. The note says how many.
        on_mismatch: What an upload would do if schemas differ: `"error"` rejects it, `"cast"`
            casts the files to a common schema, if no value is lost.
        recompress: Accept files that use a codec other than snappy: an upload would recompress
            them.
        api_key: The API key. Default: the key from `set_api_key`, then `SUTRO_API_KEY`, then
            `~/.sutro/config.json`.
        api_url: The URL of the API that the key is for, or `local:FOLDER`. Default: the URL from
            the same place as the key, or the hosted API.

    Returns:
        A report that is true exactly if an upload would be accepted. It lists files, schemas
        and problems; `error` is what the upload would raise.

    Raises:
        ConfigurationError: The source names nothing, or an argument cannot be used.
        SutroError: The dataset cannot be listed, or a frame cannot be encoded.

    Examples:
        >>> report = sutro.check("data/*.parquet")
        >>> print(repr(report))
        CheckReport(12 files, 406 rows, 67.6 kB, 1 schema: an upload would be accepted)
    """
    return client_for_check(dataset_id, api_key, api_url).check(
        source,
        dataset_id,
        ordered=ordered,
        names=names,
        hive=hive,
        recursive=recursive,
        exclude=exclude,
        storage_options=storage_options,
        rows_per_file=rows_per_file,
        target_file_size=target_file_size,
        merge_row_groups=merge_row_groups,
        on_mismatch=on_mismatch,
        recompress=recompress,
    )


@public
def stage(
    source: Source,
    dataset_id: str,
    *,
    concurrency: int | None = None,
    names: NamesOption | None = None,
    hive: HiveOption | None = None,
    recursive: bool = False,
    exclude: str | Sequence[str] = (),
    storage_options: StorageOptions | None = None,
    rows_per_file: int | None = None,
    target_file_size: int | str | None = None,
    merge_row_groups: bool = False,
    on_mismatch: OnMismatch = "error",
    recompress: bool = False,
    progress: ProgressOption = None,
    api_key: str | None = None,
    api_url: str | None = None,
) -> list[StagedFile]:
    """Send files or frames to a server that holds them until `commit` appends them.

    For several workers that upload parts of one dataset: each stages its part, and one driver
    commits all of them in order. Staged files are not visible, and the server deletes them
    after a day. Needs a server that stages files, such as `sutro serve`.

    Checks files as `upload` does, but does not list the dataset: the server rejects a name that
    is in use when it receives the file. Staging is not resumed: a second call stages the files
    again.

    Args:
        source: A path, glob, folder or URL, or a list of them; or a frame (pandas, polars,
            pyarrow, ...), or a list or generator of frames. A dict also names them.
        dataset_id: The dataset that the files are for.
        concurrency: Number of files to send at the same time. Default: `SUTRO_CONCURRENCY`,
            then 8.
        names: File names in the dataset, as in `upload`: a list, `"path"`, or a function from a
            path to a name. Default: the names of the files; for frames, generated ones.
        hive: What to do with columns in folder names (`year=2024/`), as in `upload`.
        recursive: Search folders recursively.
        exclude: Globs of files to leave out: `tmp-*` matches names, `tmp/*` ends of paths.
        storage_options: Options of the stores of URLs, as in `upload`.
        rows_per_file: Split each frame into files of this many rows, in order.
        target_file_size: Pack neighbouring files, and split large ones, into files of at most
            about this size (`"256MB"`, or bytes). Split each frame into files that are never
            larger, unless a single row is.
        merge_row_groups: With `target_file_size`, merge neighbouring row groups of less than
            1 MB by encoding them again.
        on_mismatch: What to do if schemas differ: `"error"` rejects the files, `"cast"` casts
            them to a common schema during the upload, if no value is lost.
        recompress: During the upload, recompress files that use a codec other than snappy.
        progress: `True` shows a progress bar, `False` nothing, `None` a bar on a terminal and
            in a notebook. A callable receives a `Progress` about ten times a second.
        api_key: The API key. Default: the key from `set_api_key`, then `SUTRO_API_KEY`, then
            `~/.sutro/config.json`.
        api_url: The URL of the API that the key is for, or `local:FOLDER`. Default: the URL from
            the same place as the key, or the hosted API.

    Returns:
        The staged files, in the order of the source.

    Raises:
        CheckError: Files cannot be uploaded. Nothing was sent.
        DatasetNotFoundError: There is no such dataset.
        FileExistsInDatasetError: A name is already in use in the dataset.
        ConfigurationError: The server does not stage files, or an argument cannot be used.
        UploadInterrupted: Ctrl-C. The dataset has not changed.
        SutroError: Any other failure; see `sutro.errors`. The dataset has not changed.

    Examples:
        >>> dataset_id = sutro.create_dataset()
        >>> staged = sutro.stage("data/cars-197?.parquet", dataset_id)
        >>> staged[0].file_name
        'cars-1970.parquet'
        >>> report = sutro.commit(staged, dataset_id)
        >>> len(report) == len(staged)
        True
    """
    return Client(api_key, api_url).stage(
        source,
        dataset_id,
        concurrency=concurrency,
        names=names,
        hive=hive,
        recursive=recursive,
        exclude=exclude,
        storage_options=storage_options,
        rows_per_file=rows_per_file,
        target_file_size=target_file_size,
        merge_row_groups=merge_row_groups,
        on_mismatch=on_mismatch,
        recompress=recompress,
        progress=progress,
    )


@public
def upload_to_dataset(
    dataset_id: str,
    file_paths: Source,
    *,
    progress: ProgressOption = None,
    api_key: str | None = None,
    api_url: str | None = None,
) -> UploadReport:
    """Upload to an existing dataset: `upload` with the arguments of the official SDK.

    Args:
        dataset_id: The dataset to upload to.
        file_paths: A path, glob or folder, or a list of them; or a frame (pandas, polars,
            pyarrow, duckdb, ...), or a list or generator of frames.
        progress: `True` shows a progress bar, `False` nothing, `None` a bar on a terminal and
            in a notebook. A callable receives a `Progress` about ten times a second.
        api_key: The API key. Default: the key from `set_api_key`, then `SUTRO_API_KEY`, then
            `~/.sutro/config.json`.
        api_url: The URL of the API that the key is for, or `local:FOLDER`. Default: the URL from
            the same place as the key, or the hosted API.

    Returns:
        A report: the dataset id, each file with its id and times, bytes and seconds.

    Raises:
        CheckError: Files cannot be uploaded. Nothing was sent.
        DatasetNotFoundError: There is no such dataset.
        UploadIncompleteError: The upload failed after some files; `report` lists them.
        UploadInterrupted: Ctrl-C; `report` lists what was uploaded.
        SutroError: Any other failure; see `sutro.errors`.

    Examples:
        >>> dataset_id = sutro.create_dataset()
        >>> paths = ["data/cars-1970.parquet"]
        >>> report = sutro.upload_to_dataset(dataset_id, paths)
        >>> report[0].status
        'uploaded'
    """
    return Client(api_key, api_url).upload_to_dataset(dataset_id, file_paths, progress=progress)
