"""The uploads and checks of a `Client`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sutro._progress.snapshot import check_option
from sutro._run import calls, jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sutro import _core
    from sutro._reports.check import CheckReport
    from sutro._reports.upload import UploadReport
    from sutro.options import OnMismatch, ProgressOption
    from sutro.sources import HiveOption, NamesOption, Source


class Uploads:
    """What puts files into datasets."""

    __slots__ = ("_core",)

    _core: _core.Client

    def upload(
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
                where the service needs long for each file; such an upload is resumed with
                False, too.
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
        check_option(progress)
        calls.ask_first(self._core, source, dataset_id, dry_run=dry_run)
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
        return jobs.result_of_upload(upload, progress)

    def check(
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
        """Check what `upload` would check, and send nothing.

        Reads footers only, and of the dataset, where one is given, its list of files. Frames are
        encoded, and thrown away; a generator is used up.

        Args:
            source: As for `upload`.
            dataset_id: A dataset to compare with: its names and its schema.
            ordered: As for `upload`: it says which names may be in the dataset already.
            names: As for `upload`.
            hive: As for `upload`.
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
