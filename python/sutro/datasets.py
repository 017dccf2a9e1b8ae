"""What the service tells of datasets and their files."""

from dataclasses import dataclass

from sutro._public import public


@public
@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset, as `list_datasets` gives it."""

    dataset_id: str
    """`dataset-...`"""
    name: str | None
    """A name for people, where one was given."""
    created_at: str | None
    """When it was created: RFC 3339, UTC."""
    file_count: int
    """Files in it."""
    total_size_bytes: int
    """Sum of their sizes in bytes."""
    schema: tuple[tuple[str, str], ...] | None
    """Name and type of each column; None while the dataset is empty."""


@public
@dataclass(frozen=True, slots=True)
class DatasetFile:
    """One file of a dataset, as `list_dataset_files` gives it.

    Some services tell the name only: the rest is None there.
    """

    file_name: str
    """Unique in the dataset."""
    file_id: str | None
    """The service's id of the file."""
    uploaded_at: str | None
    """When it was committed: RFC 3339, UTC."""
    size_bytes: int | None
    """Its size in bytes."""
    row_count: int | None
    """Its rows."""
    sha256: str | None
    """SHA-256 of its bytes, in hexadecimal. None where the service keeps none; ours keeps it
    for each file that it received since it has this field."""
    schema: tuple[tuple[str, str], ...] | None
    """Name and type of each column."""
