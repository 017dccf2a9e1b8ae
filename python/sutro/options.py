"""Types of options: of calls, of a client, and of a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

if TYPE_CHECKING:
    from sutro._progress.snapshot import Progress

OnMismatch: TypeAlias = Literal["error", "cast"]
"""What to do if files have different schemas: refuse all of them, or cast them to a common one."""

Show: TypeAlias = Callable[["Progress"], None]
"""Receives a `Progress` about ten times a second."""

ProgressOption: TypeAlias = bool | Show | None
"""`True` shows a progress bar, `False` nothing, a callable receives each `Progress`. `None` shows
a bar on a terminal and in a notebook."""


class ClientOptions(TypedDict):
    """How patient a client is. Times are in seconds."""

    connect_timeout: float
    """To open a connection."""
    progress_timeout: float
    """For a transfer that moves no byte, and does not wait for its turn."""
    answer_timeout: float
    """For an answer after the last byte of a request."""
    max_retries: int
    """Attempts after the first one."""
    retry_deadline: float
    """No attempt begins later than this after the first failure in a row."""
    certificates: list[str]
    """Files in PEM form with authorities to trust besides those of the system."""
    state_folder: str | None
    """For a record of what was sent; None where this machine has no place for it."""


class PathOptions(TypedDict):
    """Files to upload."""

    paths: list[str]
    """Paths, globs and folders."""
    recursive: bool
    """Whether the folders below a folder are taken, too."""
    exclude: list[str]
    """Globs of files to leave out."""
    is_of_a_shell: bool
    """Whether a shell made the list out of a glob: then it has what a folder leaves out."""


class UploadOptions(TypedDict):
    """How to upload."""

    dataset_id: str | None
    """None creates one."""
    names: list[str] | None
    """In the dataset; None takes the files' own."""
    concurrency: int
    """Files that are sent at the same time, at least 1."""
    ordered: bool
    """Whether the dataset must have the order of the plan."""
    cast: bool
    """Whether files of other schemas are cast to a common one."""
    recompress: bool
    """Whether files with other codecs are rewritten as snappy."""
    hive: bool | dict[str, str] | None
    """Whether the columns that folders tell are written into the files, and their types; None
    refuses files without them."""
    dry_run: bool
    """Whether to stop before anything is created or sent."""


class ServerLimits(TypedDict, total=False):
    """What a server allows; what is not given has its default."""

    max_file_bytes: int
    """Largest file; a larger one is refused with 413. Default: 100 GiB."""
    max_json_bytes: int
    """Largest JSON request; a larger one is refused with 413. Default: 64 KiB."""
    max_datasets: int
    """Most datasets of one key; one more is refused with 403. Default: 10,000."""
    max_uploads: int
    """Most uploads at a time, in about 2 MiB of memory each; one more is refused with 503 and
    `Retry-After`. Default: 256."""
    max_unauthenticated: int
    """Most connections without a request that had a key; one more closes the oldest of them. They
    never take more than a quarter of the process's file handles. Default: 1,000."""
    head_timeout: float
    """Seconds for the head of a request, and for an open connection to be used again.
    Default: 30."""
    body_timeout: float
    """Seconds for the next byte of a body, in either direction; then 408, or a closed
    connection. Clients that hold an upload send a byte every 10 s. Default: 60."""
