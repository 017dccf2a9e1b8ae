"""The report of an upload."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, overload

from sutro import _core
from sutro._public import public
from sutro._reports import html, text
from sutro._reports.timeline import Timeline

_HEADER = ("#", "file", "status", "rows", "size", "file id")
_RIGHT = ("#", "rows", "size")

_WHOLE = "polars.DataFrame(report)"
"""Code that shows all files, if a notebook would get too long."""


@public
@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file of an upload."""

    position: int
    """Position in the upload, from 0. With `ordered=True`, the dataset has this order."""
    name: str
    """Name in the dataset."""
    file_id: str | None
    """Id assigned by the server; `None` if it reported none."""
    size_bytes: int
    """Size in bytes."""
    row_count: int
    """Number of rows."""
    status: Literal["uploaded", "skipped", "pending"]
    """`uploaded` by this run, `skipped` (already there) or, if the upload did not finish,
    `pending`."""
    changes: tuple[Literal["cast", "hive", "recompressed", "merged"], ...]
    """Changes during the upload: `cast`, `hive` (columns from folder names were added),
    `recompressed`, `merged` (small row groups were merged). Your own file does not change."""
    attempts: int
    """Number of times it was sent; 0 if it was skipped."""
    started: datetime | None
    """Start of the last transfer, in UTC."""
    transferred: datetime | None
    """Time when everything but the held tail was sent, or when the file was staged, in UTC."""
    committed: datetime | None
    """Time when the server acknowledged it, in UTC."""
    sources: tuple[str, ...] = field(default=(), repr=False)
    """Paths of its source files, in order: several if `target_file_size` packed them, none for a
    frame."""


@public
@dataclass(frozen=True, slots=True, repr=False)
class UploadReport:
    """The result of an upload: iterate over its files, index it, print it.

    It is also a table: `polars.DataFrame(report)` and `pyarrow.table(report)` work.

    Examples:
        >>> report = sutro.upload("data/*.parquet")
        >>> len(report), report[0].name, report[0].file_id
        (12, 'cars-1970.parquet', 'file_5370de1acbef4d8fb014274b0ce4adfa')
        >>> [file.name for file in report if file.status != "uploaded"]
        []
    """

    dataset_id: str
    """The dataset with the files."""
    files: tuple[UploadedFile, ...]
    """All files, in upload order."""
    bytes: int
    """Sizes of the files that this run has committed, in bytes."""
    seconds: float
    """Duration of this run in seconds."""
    concurrency: int
    """The largest number of files in transfer at the same time. It is lower than the argument
    `concurrency` if the server serves fewer connections."""
    notes: tuple[str, ...] = ()
    """Notes: files of the source that were not uploaded, and more."""
    bytes_sent: int = 0
    """Bytes that this run has sent. More than `bytes` if a transfer broke off, because incomplete
    files do not count there."""

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
        """Return the report as plain dicts and lists; times stay `datetime`."""
        report = asdict(self)
        report["files"] = list(report["files"])
        report["notes"] = list(report["notes"])
        return report

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return a row per file, for every library that reads Arrow streams.

        `requested_schema` is passed on; the Arrow PyCapsule interface lets producers ignore it.
        """
        return _core.upload_report_stream(self.files).__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"UploadReport({self._dataset()!r}: {self._counts()}, {self._sent()})"

    def __str__(self) -> str:
        table = text.table(_HEADER, [_cells(file) for file in self.files], right=_RIGHT)
        return "\n".join(
            [
                f"{self._dataset()}: {self._counts()}",
                self._sent(),
                text.folded(table),
                *self.notes,
            ]
        )

    def _repr_html_(self) -> str:
        """Show the report in a notebook, with a timeline of transfers."""
        dataset = html.strong(self._dataset())
        totals = html.Markup(f"{dataset}: {self._counts()}<br>{self._pace()}")
        rows = [_html_cells(file) for file in self.files]
        timeline = Timeline.of(self.files, self.seconds)
        if timeline is None:
            table = html.table(_HEADER, rows, right=_RIGHT, whole=_WHOLE)
        else:
            *header, file_id = _HEADER
            bars = map(timeline.bar, self.files)
            with_bars = [(*row, bar, id_) for (*row, id_), bar in zip(rows, bars, strict=True)]
            columns = (*header, timeline.heading(), file_id)
            table = html.table(columns, with_bars, right=_RIGHT, whole=_WHOLE)
            table = timeline.around(table, column=len(_HEADER))
        return html.report(html.paragraph(totals), table, *map(html.paragraph, self.notes))

    def _dataset(self) -> str:
        return self.dataset_id or "no dataset"

    def _sent(self) -> str:
        """`1.2 GB sent in 12.0 s`; of a run that broke off, `1.0 GB committed` before that."""
        if self._only_committed():
            return f"{text.size(self.bytes)} committed in {self.seconds:.1f} s"
        is_cut_off = any(file.started and not file.committed for file in self.files)
        committed = f"{text.size(self.bytes)} committed, " if is_cut_off else ""
        return f"{committed}{text.size(self._bytes_sent())} sent in {self.seconds:.1f} s"

    def _bytes_sent(self) -> int:
        """At least what was committed, also in reports of other processes."""
        return 0 if self._only_committed() else max(self.bytes_sent, self.bytes)

    def _only_committed(self) -> bool:
        """Return whether other processes sent the files."""
        return self.bytes > 0 and not any(file.attempts for file in self.files)

    def _pace(self) -> str:
        """Return `1.2 GB sent in 12.0 s, 100.0 MB/s, up to 8 files at the same time`."""
        pace = self._sent()
        if self._bytes_sent() and self.seconds:
            pace += f", {text.size(int(self._bytes_sent() / self.seconds))}/s"
        if self.concurrency > 1:
            pace += f", up to {self.concurrency:,} files at the same time"
        return pace

    def _counts(self) -> str:
        """Return `40 files, 28 uploaded, 12 already there`, without zeros."""
        states = (("uploaded", "uploaded"), ("skipped", "already there"), ("pending", "not there"))
        counts = (
            (sum(file.status == status for file in self.files), words) for status, words in states
        )
        parts = [text.counted(len(self.files), "file")]
        parts += [f"{count:,} {words}" for count, words in counts if count]
        return ", ".join(parts)


def _cells(file: UploadedFile) -> tuple[str, ...]:
    """Return a row under `_HEADER`."""
    status: list[str] = [file.status, *file.changes]
    if file.attempts > 1:
        status.append(f"{file.attempts} attempts")
    return (
        str(file.position + 1),
        file.name,
        ", ".join(status),
        f"{file.row_count:,}",
        text.size(file.size_bytes),
        file.file_id or "",
    )


def _html_cells(file: UploadedFile) -> tuple[str, ...]:
    """Return a row whose name has a tooltip, if the name does not show the sources of the file."""
    number, name, *others = _cells(file)
    if len(file.sources) > 1:
        title = f"{len(file.sources):,} files: {file.sources[0]} to {file.sources[-1]}"
    elif file.sources and not file.sources[0].endswith(file.name):
        title = f"of {file.sources[0]}"
    else:
        return (number, name, *others)
    return (number, html.cell(name, title=title), *others)
