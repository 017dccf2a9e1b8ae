"""Datasets and their files, as the server lists them."""

from dataclasses import dataclass, field

from sutro._public import public


@public
@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset, as returned by `list_datasets`."""

    dataset_id: str
    """`dataset-...`"""
    name: str | None
    """A human-readable name; `None` if it has none."""
    created_at: str | None
    """Time of creation: RFC 3339, UTC."""
    file_count: int
    """Number of files."""
    total_size_bytes: int
    """Sum of the sizes of the files, in bytes."""
    schema: tuple[tuple[str, str], ...] | None
    """Name and type of each column; `None` before the first file."""


@public
@dataclass(frozen=True, slots=True)
class DatasetFile:
    """A file of a dataset, as returned by `list_dataset_files`.

    Some servers list only the names; then everything else is `None`.
    """

    file_name: str
    """Name, unique in the dataset."""
    file_id: str | None
    """Id assigned by the server."""
    uploaded_at: str | None
    """Time of the commit: RFC 3339, UTC."""
    size_bytes: int | None
    """Size in bytes."""
    row_count: int | None
    """Number of rows."""
    sha256: str | None
    """SHA-256 of the bytes, in hexadecimal. `None` if the server stores none, as for files that
    an older release of `sutro serve` received."""
    schema: tuple[tuple[str, str], ...] | None
    """Name and type of each column."""


@public
@dataclass(frozen=True, slots=True)
class StagedFile:
    """A staged file: a server stores it for a dataset, but shows it only after a commit.

    `stage` returns it, `commit` appends it. Workers can pickle it and send it to a driver.
    """

    staged_id: str
    """Id assigned by the server. It becomes the file's id when it is committed."""
    file_name: str
    """Name in the dataset."""
    size_bytes: int
    """Size in bytes."""
    row_count: int
    """Number of rows."""
    sha256: str = field(repr=False)
    """SHA-256 of the bytes, in hexadecimal."""
    expires_at: str | None
    """When the server deletes the file if it was not committed: RFC 3339, UTC."""
