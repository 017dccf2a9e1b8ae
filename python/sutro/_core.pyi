"""The Rust core, as Python sees it.

Private: programs use `sutro`. Every call that touches the network or a disk gives a
`Job` and returns at once; the work goes on in Rust threads, which never call into Python.
Whoever holds the job polls it, so that Ctrl-C and progress stay with the calling thread.

The core builds the dataclasses of `sutro.report`, `sutro.datasets` and `sutro.progress`,
and raises the classes of `sutro.errors` as `Class(message, **fields)`.
"""

from asyncio import Future
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Generic, Self, TypeVar, final

from sutro._progress.snapshot import Progress
from sutro._reports.check import CheckedFile, CheckReport
from sutro._reports.upload import UploadedFile, UploadReport
from sutro._run.rows import Rows
from sutro.datasets import Dataset, DatasetFile, StagedFile
from sutro.options import ClientOptions, PathOptions, ServerLimits, ServerPlace, UploadOptions
from sutro.sources import ArrowStream

__all__ = [
    "MAX_COMMIT_FILES",
    "BytesSpool",
    "Cancelled",
    "Client",
    "FileCursor",
    "FoundFiles",
    "FrameChecker",
    "FrameEncoder",
    "FrameOutline",
    "FrameSchema",
    "Job",
    "LocalServer",
    "OpenStream",
    "Preflight",
    "TemporaryParquet",
    "__version__",
    "add_key",
    "check_files",
    "check_frames",
    "check_names",
    "check_report_stream",
    "defaults",
    "delete_objects",
    "differing_leaves",
    "find_files",
    "in_natural_order",
    "list_keys",
    "note_on_open_file",
    "put_object",
    "revoke_keys",
    "take_log_records",
    "upload_report_stream",
    "verify",
]

_T_co = TypeVar("_T_co", covariant=True)

__version__: str
"""Version of the package, out of Cargo.toml."""

MAX_COMMIT_FILES: int
"""Files that one commit of staged files can append."""

@final
class Cancelled(Exception):  # noqa: N818 - it is a state, not an error
    """`Job.result()` of a job that was cancelled."""

@final
class Job(Generic[_T_co]):
    """One running call. Its methods may be called from any thread."""

    def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds without the GIL; True when the job has finished."""

    def finished(self) -> Future[None]:
        """A future of the running event loop that is done when the job has finished."""

    def feed(self, name: str | None, file: TemporaryParquet, timeout: float) -> bool:
        """Give an upload a file, when it has room for it within `timeout` seconds.

        The name is that in the dataset; None numbers it. Returns whether the file was taken;
        a job that has finished takes all.
        """

    def end_feed(self) -> None:
        """Say that there are no more files."""

    def cancel(self) -> None:
        """Drop all connections. The job ends soon, and `result()` raises `Cancelled`.

        Does nothing when the job has finished.
        """

    def progress(self) -> Progress | None:
        """How far an upload is; None for other calls."""

    def result(self) -> _T_co:
        """Return the call's value, or raise its error: once, after `wait` said True."""

    def partial_report(self) -> UploadReport | None:
        """What an upload has done so far; None for other calls."""

@final
class Client:
    """Connections to one API, with one key."""

    def __new__(cls, *, api_key: str | None, api_url: str, options: ClientOptions) -> Self:
        """Connect to `api_url`.

        `local:FOLDER` uses the embedded service of this process on that folder and
        starts it where needed; it takes no key.

        Raises:
            sutro.ConfigurationError: The URL or the key cannot be used.
        """

    @property
    def api_url(self) -> str:
        """The URL as given, without a slash at its end."""

    def upload(self, files: FoundFiles, options: UploadOptions) -> Job[UploadReport]:
        """Put files into one dataset."""

    def upload_made_files(
        self, file_count: int | None, schema: FrameSchema | None, options: UploadOptions
    ) -> Job[UploadReport]:
        """Put the files that are given with `Job.feed` into one dataset.

        `file_count` and `schema` are None where they are not known.
        """

    def stage(self, files: FoundFiles, options: UploadOptions) -> Job[list[StagedFile]]:
        """Stage files for the dataset in the options."""

    def stage_made_files(
        self,
        file_count: int | None,
        schema: FrameSchema | None,
        options: UploadOptions,
        known: Preflight | None,
    ) -> Job[list[StagedFile]]:
        """Stage the files that are given with `Job.feed`.

        With `known`, nothing is asked about the dataset.
        """

    def stages(self, dataset_id: str) -> Job[bool]:
        """Tell whether the server stages files for a dataset."""

    def commit(
        self, staged: list[StagedFile], dataset_id: str, expected_file_count: int | None
    ) -> Job[UploadReport]:
        """Commit staged files, in their order."""

    def preflight(self, dataset_id: str, names: bool) -> Job[Preflight]:
        """Ask what a dataset holds; without `names` the first files are enough."""

    def preflight_of_schema(self, dataset_id: str) -> Job[Preflight]:
        """Ask for the schema of a dataset alone: the names of its files are not asked for."""

    def create_dataset(self, name: str | None) -> Job[str]:
        """Create an empty dataset; its id."""

    def list_datasets(self) -> Job[list[Dataset]]:
        """List all datasets that the key may see, newest first."""

    def list_dataset_files(
        self, dataset_id: str, after: FileCursor | None = None
    ) -> Job[tuple[list[DatasetFile], FileCursor | None]]:
        """List the next files of a dataset in its order; and where more follow."""

    def download_from_dataset(
        self,
        dataset_id: str,
        files: list[str] | None,
        output: str,
        storage_options: dict[str, str],
        concurrency: int | None,
        overwrite: bool,
    ) -> Job[list[Path] | list[str]]:
        """Write files (None: all) into a folder, or to the URL of a prefix; paths, or URLs."""

    def read(
        self, dataset_id: str, columns: list[str] | None, files: list[str] | None
    ) -> Job[Rows]:
        """List a dataset and download its first file; the rows of all files, for one use."""

    def delete_dataset(self, dataset_id: str) -> Job[None]:
        """Delete a dataset with all of its files."""

    def delete_dataset_file(self, dataset_id: str, file_name: str) -> Job[None]:
        """Delete a file of a dataset."""

    def try_authentication(self) -> Job[None]:
        """Check the key."""

@final
class TemporaryParquet:
    """A temporary file; gone with this object, or with the upload that took it."""

    def leaves_without_values(self) -> list[int]:
        """Give the places of the leaves of its schema that have no value, in rising order."""

@final
class BytesSpool:
    """Makes a temporary file of bytes."""

    def __new__(cls, label: str) -> Self:
        """Begin a file; `label` names it in errors."""

    def write(self, bytes: bytes) -> None:  # noqa: A002
        """Append bytes."""

    def finish(self, path: str | None) -> TemporaryParquet:
        """End the file; `path` is where its bytes come from, if they come from a file."""

@final
class OpenStream:
    """An Arrow stream that was opened, and is read by an encoder."""

    def __new__(cls, frame: object) -> Self:
        """Open it; no row is read."""

@final
class FrameEncoder:
    """Makes parquet files of an object with `__arrow_c_stream__`, or of an `OpenStream`."""

    def __new__(
        cls,
        frame: object,
        label: str,
        max_rows: int | None,
        max_bytes: int | None,
        decimals_as_bytes: bool,
        drops_index: bool,
    ) -> Self:
        """Begin; `label` names the frame in errors.

        A file has at most `max_rows` rows, and at most `max_bytes` unless a single row needs more.
        `decimals_as_bytes` writes decimals as pyarrow does, and not as polars does. `drops_index`
        leaves out what the stream's `pandas` metadata calls index.

        Raises:
            sutro.FrameError: It is no table, or has types that parquet does not have.
        """

    @property
    def is_exhausted(self) -> bool:
        """Whether the last file was given."""

    @property
    def notes(self) -> list[str]:
        """What the files leave out of the frame, in words: extension types."""

    @property
    def oversized_files(self) -> int:
        """Number of files so far that are larger than `max_bytes`: a single row needs more."""

    @property
    def index_columns(self) -> list[str]:
        """The columns of a pandas index that are dropped.

        Where none is to be dropped, those that have the name of an index without a name.
        """

    @property
    def row_count(self) -> int | None:
        """The rows that the frame has given; None if it has not given a batch."""

    def close(self) -> None:
        """Release the frame's stream."""

    def encode(self, seconds: float) -> TemporaryParquet | None:
        """Work for about so long without the GIL; a file when one is whole."""

@final
class FrameChecker:
    """Checks files that are made one after the other, as an upload would."""

    def __new__(
        cls,
        options: UploadOptions,
        frames: Sequence[FrameOutline],
        preflight: Preflight | None,
    ) -> Self:
        """Begin a check; `frames` are those of a list."""

    def add(self, name: str | None, file: TemporaryParquet) -> None:
        """Take a file, with its name in the dataset or None to number it; read its footer."""

    def finish(self, client: Client | None, dataset_id: str | None) -> Job[CheckReport]:
        """Say whether an upload would be accepted, by the dataset where there is one."""

@final
class FoundFiles:
    """Files in the order of an upload; never none."""

    @property
    def paths(self) -> list[str]:
        """Where they are."""

    @property
    def sources(self) -> list[int]:
        """For each file the index of the source that names it."""

    @property
    def path_names(self) -> list[str | None]:
        """Names that are made of their paths below the source; None for one that is no UTF-8."""

    @property
    def notes(self) -> list[str]:
        """What the sources name and is not taken, and what else the caller should know."""

def find_files(paths: PathOptions) -> Job[FoundFiles]:
    """Look for the files of paths, folders and globs.

    Raises:
        sutro.ConfigurationError: They name nothing, or a table of which not all files are live.
        sutro.FileAccessError: A folder cannot be read.
    """

def note_on_open_file(path: str) -> str | None:
    """What a caller should know who passes an open file: it may be a part of a table."""

def check_files(
    client: Client | None, files: FoundFiles, options: UploadOptions
) -> Job[CheckReport]:
    """Check files, against what the dataset holds where `client` and the options name one."""

def check_names(names: list[str]) -> None:
    """Look whether names can be used, before anything is made of them.

    Raises:
        sutro.CheckError: Some cannot, or two are the same.
    """

def add_key(place: ServerPlace, name: str, api_key: str | None) -> Job[dict[str, Any]]:
    """Add a key to the catalog of a place: this one, or a random one.

    The result has `name`, `key_id`, `created_at` and `api_key`.
    """

def list_keys(place: ServerPlace) -> Job[list[dict[str, Any]]]:
    """List the keys in the catalog of a place: dicts with `name`, `key_id` and `created_at`."""

def revoke_keys(place: ServerPlace, name_or_id: str) -> Job[list[dict[str, Any]]]:
    """Revoke all keys of a name, or the key with an id. The result is as that of `list_keys`."""

def put_object(file: TemporaryParquet, url: str, storage_options: dict[str, str]) -> Job[None]:
    """Write a file to the URL of an object, durably; one there is replaced."""

def delete_objects(url: str, storage_options: dict[str, str]) -> Job[None]:
    """Delete all objects below the URL of a folder in a bucket."""

def verify(place: ServerPlace, upload_expiry: float) -> Job[dict[str, Any]]:
    """Compare the bytes of a place with its catalog.

    The result has `file_count`, `total_size_bytes`, `in_progress` and `findings`: dicts with
    `kind`, `file_id`, `dataset_id`, `file_name` and `problem`.
    """

@final
class LocalServer:
    """The embedded service, from construction until `stop()`."""

    def __new__(
        cls,
        place: ServerPlace,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_keys: list[str] = ...,
        allowed_hosts: list[str] = ...,
        limits: ServerLimits | None = None,
    ) -> Self:
        """Serve a place, which is made where needed.

        Port 0 takes a free one. With no keys, here or in the catalog, one is made up, on loopback
        only.
        """

    @property
    def api_url(self) -> str:
        """Where it listens, e.g. `http://127.0.0.1:41234`."""

    @property
    def api_key(self) -> str | None:
        """The first key that it accepts. None if it accepts only keys of its catalog."""

    def stop(self) -> None:
        """Finish running requests, for a few seconds. The folder is free when this is gone."""

@final
class FileCursor:
    """Where a list of files goes on."""

@final
class FrameOutline:
    """What is known of a frame that is still to be encoded."""

    def __new__(cls, frame: object, label: str, decimals_as_bytes: bool, drops_index: bool) -> Self:
        """Take its schema from `__arrow_c_schema__` or, if there is none, `__arrow_c_stream__`.

        The arguments are those of `FrameEncoder`.

        Raises:
            sutro.FrameError: It is no table, or has types that parquet does not have.
        """

    def with_values(
        self, row_count: int, looked_at: Sequence[int], without_values: Sequence[int]
    ) -> Self:
        """Add what a look at its rows has found: which leaves of the schema have no value.

        Both are places in rising order.
        """

    def without_any_value(self) -> Self:
        """Take all leaves of its schema to be without a value."""

    @staticmethod
    def of_file(file: TemporaryParquet, label: str) -> FrameOutline:
        """Take what is known of a frame whose file was made."""

def differing_leaves(
    frames: Sequence[FrameOutline], preflight: Preflight | None
) -> list[list[int]]:
    """For each frame the places of the leaves whose values may matter for a cast.

    These are the leaves of columns that not all frames have alike; where the dataset's schema is
    known, all leaves of the frames that have another one.
    """

@final
class FrameSchema:
    """The schema that all files of an upload are to have."""

@final
class Preflight:
    """What a dataset holds before an upload into it."""

    def names_there(self, names: Sequence[str], ordered: bool, is_all: bool) -> list[int]:
        """Give the positions of those names that the dataset has.

        Raises:
            sutro.FileExistsInDatasetError: No earlier run of the upload can have left them there.
                `is_all` says that it has no more files.
        """

    def check_files(
        self, files: Sequence[tuple[str, TemporaryParquet]], options: UploadOptions
    ) -> Job[None]:
        """Compare the first files of an upload with those of the dataset that have their names.

        Raises:
            sutro.FileExistsInDatasetError: One has another content.
        """

def check_frames(
    frames: Sequence[FrameOutline], cast: bool, preflight: Preflight | None
) -> FrameSchema | None:
    """Compare the schemas of frames with the dataset's, or with each other.

    Returns the schema of all, or their common one with `cast`; None where the dataset has one.

    Raises:
        sutro.SchemaMismatchError: They are not the same.
    """

def in_natural_order(paths: list[str]) -> list[str]:
    """Sort paths as those of a folder are: `part-2` before `part-10`."""

def upload_report_stream(files: Sequence[UploadedFile]) -> ArrowStream:
    """Make a table with one row for each file."""

def check_report_stream(files: Sequence[CheckedFile]) -> ArrowStream:
    """Make a table with one row for each file."""

def defaults() -> dict[str, int | float]:
    """Return the default of each option that has a number, by its name. Times are in seconds."""

def take_log_records() -> list[tuple[int, str, str, dict[str, int | str]]]:
    """Take the log records since the last call: level as in `logging`, logger, event, fields."""
