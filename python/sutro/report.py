"""What an upload did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, overload

from sutro import text

if TYPE_CHECKING:
    from collections.abc import Iterator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file of an upload."""

    position: int
    """Its place in the upload, from 0. With `ordered=True` the dataset has this order."""
    name: str
    """Its name in the dataset."""
    file_id: str | None
    """The service's id of the file; None where the service told none."""
    size_bytes: int
    """Its size in bytes."""
    row_count: int
    """Its rows."""
    status: str
    """`uploaded` by this run, `skipped` (it was there already), or, in the report of an
    upload that did not finish, `pending`."""
    changes: tuple[str, ...]
    """What was changed of it on the way: `cast`, `recompressed`. Your file stays as it was."""
    attempts: int
    """How often it was sent; 0 where it was skipped."""
    started: datetime | None
    """When its last transfer began, in UTC."""
    transferred: datetime | None
    """When all but its held tail was sent, in UTC."""
    committed: datetime | None
    """When the service confirmed it, in UTC."""


@dataclass(frozen=True, slots=True, repr=False)
class UploadReport:
    """What an upload did: iterate over it, index it, print it.

    It is a table, too: `polars.DataFrame(report)` and `pyarrow.table(report)` work.

    Examples:
        >>> report = sutro.upload("data/*.parquet")
        >>> len(report), report[0].name, report[0].file_id
        (12, 'cars-1970.parquet', 'file_5370de1acbef4d8fb014274b0ce4adfa')
        >>> [file.name for file in report if file.status != "uploaded"]
        []
    """

    dataset_id: str
    """The dataset that holds the files."""
    files: tuple[UploadedFile, ...]
    """All files, in the order of the upload."""
    bytes: int
    """Sizes of the files that this run has put there, in bytes."""
    seconds: float
    """Duration of this run."""
    concurrency: int
    """Most files that were in transfer at the same time: lower than what was asked for where
    the service serves fewer connections."""

    def __iter__(self) -> Iterator[UploadedFile]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, index: int) -> UploadedFile: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[UploadedFile, ...]: ...
    def __getitem__(self, index: int | slice) -> UploadedFile | tuple[UploadedFile, ...]:
        return self.files[index]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain dicts and lists; times stay `datetime`."""
        report = asdict(self)
        report["files"] = list(report["files"])
        return report

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """One row for each file, for every library that reads Arrow streams.

        `requested_schema` is passed on; the Arrow PyCapsule interface leaves it to the
        producer whether to follow it.
        """
        from sutro import _core  # noqa: PLC0415 - the core imports this module

        rows = [
            (
                file.position,
                file.name,
                file.file_id,
                file.size_bytes,
                file.row_count,
                file.status,
                list(file.changes),
                file.attempts,
                _microseconds(file.started),
                _microseconds(file.transferred),
                _microseconds(file.committed),
            )
            for file in self.files
        ]
        stream: Any = _core.upload_report_stream(rows)
        return stream.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return (
            f"UploadReport({self.dataset_id!r}: {self._counts()}, "
            f"{text.size(self.bytes)} sent in {self.seconds:.1f} s)"
        )

    def __str__(self) -> str:
        rows = [
            (
                str(number),
                file.name,
                ", ".join((file.status, *file.changes)),
                f"{file.row_count:,}",
                text.size(file.size_bytes),
                file.file_id or "",
            )
            for number, file in enumerate(self.files, start=1)
        ]
        table = text.table(
            ("#", "file", "status", "rows", "size", "file id"), rows, right="# rows size"
        )
        return "\n".join(
            [
                f"{self.dataset_id}: {self._counts()}",
                f"{text.size(self.bytes)} sent in {self.seconds:.1f} s",
                text.folded(table),
            ]
        )

    def _counts(self) -> str:
        """`40 files, 28 uploaded, 12 already there`: what is zero is left out."""
        states = (("uploaded", "uploaded"), ("skipped", "already there"), ("pending", "not there"))
        counts = (
            (sum(file.status == status for file in self.files), words) for status, words in states
        )
        parts = [text.counted(len(self.files), "file")]
        parts += [f"{count:,} {words}" for count, words in counts if count]
        return ", ".join(parts)


def _microseconds(time: datetime | None) -> int | None:
    """Since the epoch, as Arrow stores timestamps."""
    return None if time is None else (time - _EPOCH) // timedelta(microseconds=1)
