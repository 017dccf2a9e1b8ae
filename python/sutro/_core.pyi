"""The Rust core, as Python sees it.

Private: programs use `sutro`. Every call that needs the network or a disk returns a `Job` at
once. The work continues in Rust threads, which call into Python only to wake an event loop that
awaits the job. The caller waits for the job, so Ctrl-C and progress stay with its thread.

The core creates the objects of `sutro._reports`, `sutro._progress` and `sutro.datasets`, and
raises the classes of `sutro.errors` as `Class(message, **fields)`.
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
    "LOCAL_PREFIX",
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
    "queue_log_records",
    "revoke_keys",
    "take_log_records",
    "upload_report_stream",
    "verify",
]

_T_co = TypeVar("_T_co", covariant=True)

__version__: str
"""Version of the package, from Cargo.toml."""

LOCAL_PREFIX: str
"""Prefix of an API URL that selects the embedded server on a folder."""

MAX_COMMIT_FILES: int
"""The most files that one commit of staged files can append."""

@final
class Cancelled(Exception):  # noqa: N818 - it is a state, not an error
    """`Job.result()` of a job that was cancelled."""

@final
class Job(Generic[_T_co]):
    """A running call. Its methods can be called from any thread."""

    def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds without the GIL; return whether the job has finished."""

    def finished(self) -> Future[None]:
        """Return a future of the running event loop that is done when the job has finished."""

    def feed(self, name: str | None, file: TemporaryParquet, timeout: float) -> bool:
        """Pass a file to an upload if it has room for it within `timeout` seconds.

        `name` is the file's name in the dataset; None generates one. Returns whether the upload
        accepted the file. A job that has finished accepts all files.
        """

    def end_feed(self) -> None:
        """Signal that there are no more files."""

    def cancel(self) -> None:
        """Drop all connections. The job ends soon, and `result()` raises `Cancelled`.

        Does nothing if the job has finished.
        """

    def progress(self) -> Progress | None:
        """Return the progress of an upload; None for other calls."""

    def result(self) -> _T_co:
        """Return the call's value, or raise its error: once, after `wait` returned True."""

    def partial_report(self) -> UploadReport | None:
        """Return the report of an upload so far; None for other calls."""

@final
class Client:
    """Connections to one API, with one key."""

    def __new__(cls, *, api_key: str | None, api_url: str, options: ClientOptions) -> Self:
        """Connect to `api_url`.

        `local:FOLDER` uses this process's embedded server on that folder, and starts it if
        necessary. It needs no key.

        Raises:
            sutro.ConfigurationError: The URL or the key cannot be used.
        """

    @property
    def api_url(self) -> str:
        """The URL as given, without a trailing slash."""

    def upload(self, files: FoundFiles, options: UploadOptions) -> Job[UploadReport]:
        """Upload files to a dataset."""

    def upload_made_files(
        self, file_count: int | None, schema: FrameSchema | None, options: UploadOptions
    ) -> Job[UploadReport]:
        """Upload the files that are passed with `Job.feed` to a dataset.

        `file_count` and `schema` are None if they are not known.
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
        """Stage the files that are passed with `Job.feed`.

        With `known`, the dataset is not listed again.
        """

    def stages(self, dataset_id: str) -> Job[bool]:
        """Check whether the server stages files for a dataset."""

    def commit(
        self, staged: list[StagedFile], dataset_id: str, expected_file_count: int | None
    ) -> Job[UploadReport]:
        """Commit staged files, in their order."""

    def preflight(self, dataset_id: str, names: bool) -> Job[Preflight]:
        """List the files of a dataset; without `names`, only the first ones."""

    def preflight_of_schema(self, dataset_id: str) -> Job[Preflight]:
        """Get the schema of a dataset without listing its files."""

    def create_dataset(self, name: str | None) -> Job[str]:
        """Create an empty dataset; return its id."""

    def list_datasets(self) -> Job[list[Dataset]]:
        """List all datasets of the key, newest first."""

    def list_dataset_files(
        self, dataset_id: str, after: FileCursor | None = None
    ) -> Job[tuple[list[DatasetFile], FileCursor | None]]:
        """List the next files of a dataset in its order, with a cursor if more follow."""

    def download_from_dataset(
        self,
        dataset_id: str,
        files: list[str] | None,
        output: str,
        storage_options: dict[str, str],
        concurrency: int | None,
        overwrite: bool,
    ) -> Job[list[Path] | list[str]]:
        """Download files (None: all) to a folder or the URL of a prefix; return paths or URLs."""

    def read(
        self, dataset_id: str, columns: list[str] | None, files: list[str] | None
    ) -> Job[Rows]:
        """List a dataset and download its first file; return the rows of all files, for one use."""

    def delete_dataset(self, dataset_id: str) -> Job[None]:
        """Delete a dataset and all of its files."""

    def delete_dataset_file(self, dataset_id: str, file_name: str) -> Job[None]:
        """Delete a file of a dataset."""

    def try_authentication(self) -> Job[None]:
        """Check the key."""

@final
class TemporaryParquet:
    """A temporary file, deleted with this object or with the upload that received it."""

    def leaves_without_values(self) -> list[int]:
        """Return the indexes of the schema's leaves that have no values, in ascending order."""

@final
class BytesSpool:
    """Writes bytes to a temporary file."""

    def __new__(cls, label: str) -> Self:
        """Create the file; `label` names it in errors."""

    def write(self, bytes: bytes) -> None:  # noqa: A002
        """Append bytes."""

    def finish(self, path: str | None) -> TemporaryParquet:
        """Complete the file; `path` is the file that its bytes come from, if any."""

@final
class OpenStream:
    """An open Arrow stream, for an encoder."""

    def __new__(cls, frame: object) -> Self:
        """Open the stream without reading rows."""

@final
class FrameEncoder:
    """Writes an object with `__arrow_c_stream__`, or an `OpenStream`, to Parquet files."""

    def __new__(
        cls,
        frame: object,
        label: str,
        max_rows: int | None,
        max_bytes: int | None,
        decimals_as_bytes: bool,
        drops_index: bool,
    ) -> Self:
        """Open the frame's stream; `label` names the frame in errors.

        A file has at most `max_rows` rows, and at most `max_bytes` unless a single row needs more.
        `decimals_as_bytes` writes decimals as pyarrow does, instead of as polars does.
        `drops_index` omits the index columns that the stream's `pandas` metadata names.

        Raises:
            sutro.FrameError: It is not a table, or has types that Parquet does not support.
        """

    @property
    def is_exhausted(self) -> bool:
        """Whether the last file was returned."""

    @property
    def notes(self) -> list[str]:
        """Descriptions of what the files omit: extension types."""

    @property
    def oversized_files(self) -> int:
        """Number of files so far that are larger than `max_bytes`: a single row needs more."""

    @property
    def index_columns(self) -> list[str]:
        """The columns of the pandas index that are dropped.

        Without `drops_index`, the columns that are an index without a name.
        """

    @property
    def row_count(self) -> int | None:
        """The rows read from the frame so far; None before its first batch."""

    def close(self) -> None:
        """Release the frame's stream."""

    def encode(self, seconds: float) -> TemporaryParquet | None:
        """Encode for about `seconds` without the GIL; return a file if one is complete."""

@final
class FrameChecker:
    """Checks files that are created one after the other, as an upload would."""

    def __new__(
        cls,
        options: UploadOptions,
        frames: Sequence[FrameOutline],
        preflight: Preflight | None,
    ) -> Self:
        """Start a check; `frames` are those of a list."""

    def add(self, name: str | None, file: TemporaryParquet) -> None:
        """Read the footer of a file; `name` is its name in the dataset, None to generate one."""

    def finish(self, client: Client | None, dataset_id: str | None) -> Job[CheckReport]:
        """Check whether an upload would be accepted, by the dataset if there is one."""

@final
class FoundFiles:
    """Files in the order of an upload; at least one."""

    @property
    def paths(self) -> list[str]:
        """The path or URL of each file."""

    @property
    def sources(self) -> list[int]:
        """For each file, the index of the source that it belongs to."""

    @property
    def path_names(self) -> list[str | None]:
        """Names from the paths below the source; None for a path that is not UTF-8."""

    @property
    def notes(self) -> list[str]:
        """Notes for the caller, such as files of the sources that are skipped."""

def find_files(paths: PathOptions) -> Job[FoundFiles]:
    """Find the files of paths, folders and globs.

    Raises:
        sutro.ConfigurationError: No file is found, or a folder is a table with deleted files.
        sutro.FileAccessError: A folder cannot be read.
    """

def note_on_open_file(path: str) -> str | None:
    """Return a note for a caller that passes an open file: it may be part of a table."""

def check_files(
    client: Client | None, files: FoundFiles, options: UploadOptions
) -> Job[CheckReport]:
    """Check files, and compare them with the dataset if `client` and the options name one."""

def check_names(names: list[str]) -> None:
    """Check whether names can be used, before their files are created.

    Raises:
        sutro.CheckError: A name cannot be used, or occurs twice.
    """

def add_key(place: ServerPlace, name: str, api_key: str | None) -> Job[dict[str, Any]]:
    """Add `api_key`, or a random key, to the catalog of a place.

    The result has `name`, `key_id`, `created_at` and `api_key`.
    """

def list_keys(place: ServerPlace) -> Job[list[dict[str, Any]]]:
    """List the keys in the catalog of a place: dicts with `name`, `key_id` and `created_at`."""

def revoke_keys(place: ServerPlace, name_or_id: str) -> Job[list[dict[str, Any]]]:
    """Revoke all keys of a name, or the key with an id. Returns them as `list_keys` does."""

def put_object(file: TemporaryParquet, url: str, storage_options: dict[str, str]) -> Job[None]:
    """Write a file durably to the URL of an object; replaces an existing one."""

def delete_objects(url: str, storage_options: dict[str, str]) -> Job[None]:
    """Delete all objects below the URL of a folder in a bucket."""

def verify(place: ServerPlace, upload_expiry: float) -> Job[dict[str, Any]]:
    """Compare the bytes of a place with its catalog.

    The result has `file_count`, `total_size_bytes`, `in_progress` and `findings`: dicts with
    `kind`, `file_id`, `dataset_id`, `file_name` and `problem`.
    """

@final
class LocalServer:
    """The embedded server, from construction until `stop()`."""

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
        """Serve a place, which is created if necessary.

        Port 0 selects a free port. Without keys, here or in the catalog, the server generates
        one, on loopback only.
        """

    @property
    def api_url(self) -> str:
        """The URL that it listens on, such as `http://127.0.0.1:41234`."""

    @property
    def api_key(self) -> str | None:
        """The first key that it accepts. None if it accepts only keys of its catalog."""

    def stop(self) -> None:
        """Wait a few seconds for running requests. Dropping the object releases the folder."""

@final
class FileCursor:
    """The position at which a listing continues."""

@final
class FrameOutline:
    """What is known about a frame that is not encoded yet."""

    def __new__(cls, frame: object, label: str, decimals_as_bytes: bool, drops_index: bool) -> Self:
        """Read the schema from `__arrow_c_schema__` or, without it, from `__arrow_c_stream__`.

        The arguments are those of `FrameEncoder`.

        Raises:
            sutro.FrameError: It is not a table, or has types that Parquet does not support.
        """

    def with_values(
        self, row_count: int, looked_at: Sequence[int], without_values: Sequence[int]
    ) -> Self:
        """Add the results of a look at the rows: which of the leaves `looked_at` have no values.

        Both lists have indexes in ascending order.
        """

    def at_best(self) -> Self:
        """Return the outline in the best case: leaves not looked at have no values."""

    @staticmethod
    def of_file(file: TemporaryParquet, label: str) -> FrameOutline:
        """Return the outline of a frame that was encoded to this file."""

def differing_leaves(
    frames: Sequence[FrameOutline], preflight: Preflight | None
) -> list[list[int]]:
    """Return, for each frame, the indexes of the leaves whose values may matter for a cast.

    If the dataset's schema is known, these are all leaves of frames with another schema.
    Otherwise, they are the leaves of columns that differ between frames.
    """

@final
class FrameSchema:
    """The schema that all files of an upload get."""

@final
class Preflight:
    """The contents of a dataset before an upload."""

    def names_there(self, names: Sequence[str], ordered: bool, is_all: bool) -> list[int]:
        """Return the positions of the names that are in the dataset.

        Raises:
            sutro.FileExistsInDatasetError: An earlier run of the upload cannot have added them.
                `is_all` means that the upload has no other files.
        """

    def check_files(
        self, files: Sequence[tuple[str, TemporaryParquet]], options: UploadOptions
    ) -> Job[None]:
        """Compare the first files of an upload with the dataset's files of the same names.

        Raises:
            sutro.FileExistsInDatasetError: A file has other content.
        """

def check_frames(
    frames: Sequence[FrameOutline], cast: bool, preflight: Preflight | None
) -> FrameSchema | None:
    """Compare the schemas of frames with the dataset's, or with each other.

    Returns the schema of all frames, or with `cast` their common one; None if the dataset has one.

    Raises:
        sutro.SchemaMismatchError: The schemas differ.
    """

def in_natural_order(paths: list[str]) -> list[str]:
    """Sort paths in natural order: `part-2` before `part-10`."""

def upload_report_stream(files: Sequence[UploadedFile]) -> ArrowStream:
    """Return a table with one row per file."""

def check_report_stream(files: Sequence[CheckedFile]) -> ArrowStream:
    """Return a table with one row per file."""

def defaults() -> dict[str, int | float]:
    """Return the defaults of numeric options, by name. Times are in seconds."""

def queue_log_records(level: int) -> None:
    """Queue only records of at least this level of `logging` from now on."""

def take_log_records() -> list[tuple[int, str, str, dict[str, int | str]]]:
    """Return the log records since the last call: level of `logging`, logger, event, fields."""
