"""Types of options: of calls, of a client, and of a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

if TYPE_CHECKING:
    from sutro._progress.snapshot import Progress

OnMismatch: TypeAlias = Literal["error", "cast"]
"""What to do if files have different schemas: reject them, or cast them to a common one."""

Show: TypeAlias = Callable[["Progress"], None]
"""Receives a `Progress` about ten times a second."""

ProgressOption: TypeAlias = bool | Show | None
"""`True` shows a progress bar, `False` nothing, a callable receives each `Progress`. `None` shows
a bar on a terminal and in a notebook."""


class ClientOptions(TypedDict):
    """Timeouts and retries of a client, as the core expects them.

    Times are in seconds. `None` is the default.
    """

    connect_timeout: float | None
    """To open a connection."""
    progress_timeout: float | None
    """For a transfer without progress that is not waiting for its turn."""
    answer_timeout: float | None
    """For a response after the last byte of a request."""
    max_retries: int | None
    """Retries after the first attempt."""
    retry_deadline: float | None
    """No retry starts later than this after the first of several failures in a row."""
    certificates: list[str]
    """PEM files with authorities to trust in addition to those of the system."""
    state_folder: str | None
    """For a record of what was sent; `None` if there is no folder for it."""


class PathOptions(TypedDict):
    """The files to upload, as the core expects them."""

    paths: list[str]
    """Paths, globs and folders."""
    recursive: bool
    """Whether to search folders recursively."""
    exclude: list[str]
    """Globs of files to leave out."""
    is_of_a_shell: bool
    """Whether a shell expanded a glob to this list: it may have files that a folder leaves out."""
    storage_options: dict[str, str]
    """Options of the stores of URLs, such as `aws_region`."""


class UploadOptions(TypedDict):
    """The options of an upload, as the core expects them."""

    dataset_id: str | None
    """`None` creates a dataset."""
    names: list[str] | None
    """Names in the dataset; `None` uses the file names."""
    target_file_size: int | None
    """Regroup files into files of about this many bytes; `None` sends each as it is."""
    merge_row_groups: bool
    """Whether to merge small row groups in such files."""
    concurrency: int | None
    """Number of files to send at the same time, at least 1; `None` is the default."""
    ordered: bool
    """Whether to commit files in source order."""
    atomic: bool
    """Whether one commit appends all files, or none."""
    cast: bool
    """Whether to cast files to a common schema."""
    recompress: bool
    """Whether to recompress files that use a codec other than snappy."""
    hive: bool | dict[str, str] | None
    """Whether to write columns from folder names into the files, or their types; `None` rejects
    files that would lose them."""
    dry_run: bool
    """Whether to stop before anything is created or sent."""


class ServerPlace(TypedDict, total=False):
    """Where a server stores datasets, as the core expects it."""

    folder: str
    """The folder with `catalog.sqlite` and `blobs`, if `catalog` or `blobs` is not set."""
    catalog: str
    """The URL of the catalog."""
    blobs: str
    """The URL of the bytes of files."""
    blobs_options: dict[str, str]
    """Options of their store."""


class ServerLimits(TypedDict, total=False):
    """Limits of a server; missing ones have their defaults."""

    max_file_bytes: int
    """Size of the largest file; larger ones are rejected with 413. Default: 100 GiB."""
    max_json_bytes: int
    """Size of the largest JSON request; larger ones are rejected with 413. Default: 64 KiB."""
    max_datasets: int
    """Number of datasets per key; more are rejected with 403. Default: 10,000."""
    max_uploads: int
    """Number of concurrent uploads, each in about 2 MiB of memory; more are rejected with 503 and
    `Retry-After`. Default: 256."""
    stage_expiry: float
    """Seconds after which a staged file is deleted if it was not committed. Default: 86,400 (24
    hours)."""
    max_staged_files: int
    """Number of staged files per key; more are rejected with 413. With 0, the server does not
    announce staging. Default: 100,000."""
    max_staged_bytes: int
    """Size of all staged files of a key; more is rejected with 413. Default: 1 TiB."""
    upload_expiry: float
    """Seconds that an upload may take if instances share the files; longer ones are rejected with
    408. What an unfinished upload left behind is deleted after twice this time. Default: 86,400 (24
    hours)."""
    catalog_connections: int
    """Number of connections to PostgreSQL. Default: 10."""
    max_unauthenticated: int
    """Number of connections that have not sent a key; a further one closes the oldest of them. They
    never use more than a quarter of the process's file handles. Default: 1,000."""
    head_timeout: float
    """Seconds to wait for the head of a request, and for the next request of an open connection.
    Default: 30."""
    body_timeout: float
    """Seconds to wait for the next byte of a body, in either direction; then 408, or the
    connection is closed. Clients that hold an upload send a byte every 10 s. Default: 60."""
