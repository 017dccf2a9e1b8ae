"""The report of a check."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, overload

from sutro import _core
from sutro._errors.base import SutroError
from sutro._public import public
from sutro._reports import html, text


@public
@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file of a check, as its footer describes it."""

    name: str
    """Name in the dataset."""
    path: str
    """Path of the file, or name of the frame."""
    size_bytes: int
    """Size in bytes."""
    row_count: int
    """Number of rows."""
    row_groups: int
    """Number of row groups."""
    codecs: tuple[str, ...]
    """Codecs of the pages."""
    schema_group: int
    """Index of the schema in `CheckReport.schemas`; 0 is the most common one."""


_HEADER = ("#", "file", "rows", "size", "row groups", "codecs", "schema")
_RIGHT = ("#", "rows", "size", "row groups", "schema")


@public
@dataclass(frozen=True, slots=True, repr=False)
class CheckReport:
    """The result of a check. It is true exactly if an upload would be accepted.

    It is also a table: `polars.DataFrame(report)` and `pyarrow.table(report)` work.

    Examples:
        >>> report = sutro.check("data/*.parquet")
        >>> if not report:
        ...     print(report.error)
        >>> sum(file.row_count for file in report)
        406
    """

    dataset_id: str | None
    """The dataset that the files were compared with, if any."""
    files: tuple[CheckedFile, ...]
    """The readable files, in upload order."""
    schemas: tuple[tuple[tuple[str, str], ...], ...]
    """The schemas of the files, the most common one first: columns with their types."""
    problems: tuple[str, ...]
    """The problems of single files."""
    error: SutroError | None
    """The error that an upload would raise; `None` if it would be accepted."""
    notes: tuple[str, ...] = ()
    """Notes: files of the source that would not be uploaded, and more."""

    def __bool__(self) -> bool:
        return self.error is None

    def __iter__(self) -> Iterator[CheckedFile]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, index: int) -> CheckedFile: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[CheckedFile, ...]: ...
    def __getitem__(self, index: int | slice) -> CheckedFile | tuple[CheckedFile, ...]:
        return self.files[index]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain dicts, lists and tuples, with the error as text."""
        return {
            "dataset_id": self.dataset_id,
            "accepted": bool(self),
            "files": [asdict(file) for file in self.files],
            "schemas": [dict(columns) for columns in self.schemas],
            "problems": list(self.problems),
            "notes": list(self.notes),
            "error": None if self.error is None else str(self.error),
        }

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return a row per file, for every library that reads Arrow streams."""
        return _core.check_report_stream(self.files).__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"CheckReport({self._summary()})"

    def __str__(self) -> str:
        parts = [self._summary()]
        if self.error is not None:
            parts.append(str(self.error))
        if self.files:
            parts.append(text.folded(text.table(_HEADER, self._rows(), right=_RIGHT)))
        parts += self.notes
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        """Show the report in a notebook."""
        verdict = html.paragraph(html.strong(self._summary()))
        refusal = [] if self.error is None else [html.preformatted(str(self.error))]
        table = (
            [html.table(_HEADER, self._rows(), right=_RIGHT, whole="report.files")]
            if self.files
            else []
        )
        return html.report(verdict, *refusal, *table, *map(html.paragraph, self.notes))

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                str(number),
                file.name,
                f"{file.row_count:,}",
                text.size(file.size_bytes),
                f"{file.row_groups:,}",
                ", ".join(file.codecs),
                str(file.schema_group),
            )
            for number, file in enumerate(self.files, start=1)
        ]

    def _summary(self) -> str:
        rows = text.counted(sum(file.row_count for file in self.files), "row")
        size = text.size(sum(file.size_bytes for file in self.files))
        schemas = text.counted(len(self.schemas), "schema")
        verdict = "would be accepted" if self else "would be rejected"
        files = text.counted(len(self.files), "file")
        return f"{files}, {rows}, {size}, {schemas}: an upload {verdict}"
