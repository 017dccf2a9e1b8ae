"""What the core is told about an upload."""

from __future__ import annotations

from typing import TypedDict


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


class PathOptions(TypedDict):
    """Files to upload."""

    paths: list[str]
    """Paths, globs and folders."""
    recursive: bool
    """Whether the folders below a folder are taken, too."""
    exclude: list[str]
    """Globs of files to leave out."""


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
    dry_run: bool
    """Whether to stop before anything is created or sent."""
