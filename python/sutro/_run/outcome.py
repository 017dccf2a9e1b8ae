"""Converts the end of an upload to notes, warnings, and errors with a report."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from sutro._hints import same_dataset
from sutro._reports import text
from sutro._run.warn import warn
from sutro._sources.frames import Frames
from sutro.errors import SutroError, UploadIncompleteError, UploadInterrupted

if TYPE_CHECKING:
    from sutro._reports.upload import UploadReport
    from sutro._sources.files import Files

_T = TypeVar("_T")
_E = TypeVar("_E", bound=BaseException)


def noted(report: UploadReport, source: Files | Frames) -> UploadReport:
    """Warn about the notes of an upload, and add the notes of its source.

    Notes about files were already shown as warnings before the upload.
    """
    known = () if isinstance(source, Frames) else source.found.notes
    for note in report.notes:
        if note not in known:
            warn(note)
    return with_notes(report, source)


def with_notes(report: _T, source: Files | Frames) -> _T:
    """Add the notes of a source to a report."""
    notes = source.notes() if isinstance(source, Frames) else ()
    if not notes:
        return report
    of_any_kind: Any = report
    with_more: _T = replace(of_any_kind, notes=(*of_any_kind.notes, *notes))
    return with_more


class Ending(ABC):
    """The errors of a call that has not finished."""

    all_or_none = False
    """Whether nothing may be committed of a source that has failed."""

    @abstractmethod
    def interrupted(self, report: UploadReport | None) -> UploadInterrupted:
        """Return the error after Ctrl-C."""

    def failure_of_source(self, failure: Exception, report: UploadReport | None) -> Exception:  # noqa: ARG002
        """Return what to raise if the source has failed."""
        return failure

    def with_report(self, error: _E, report: UploadReport | None) -> _E:
        """Add the report to an error that is not ours, and say how to continue."""
        error.add_note(str(self.interrupted(report)))
        # Callers find a report even if the upload had not started.
        error.report = report or UploadIncompleteError().report  # type: ignore[attr-defined]
        return error


@dataclass(frozen=True, slots=True)
class Uploading(Ending):
    """An upload that commits files as they arrive."""

    ordered: bool

    def failure_of_source(self, failure: Exception, report: UploadReport | None) -> Exception:
        """Return the source's error, if nothing was uploaded."""
        if report is None or not any(file.status == "uploaded" for file in report):
            return failure
        there = sum(file.status != "pending" for file in report)
        with_these = same_dataset(report.dataset_id, ordered=self.ordered)
        advice = (
            f"Fix this, then run the upload again with {with_these} to resume"
            if isinstance(failure, SutroError | TypeError)
            else f"Run the same upload again with {with_these} to resume"
        )
        in_order = ", in order" if self.ordered else ""
        incomplete = UploadIncompleteError(
            f"the source failed after {text.counted(there, 'file')}, which "
            f"{'is' if there == 1 else 'are'} in {report.dataset_id}{in_order}: "
            f"{str(failure).rstrip('.')}. {advice}",
            report=report,
        )
        incomplete.__cause__ = failure
        return incomplete

    def interrupted(self, report: UploadReport | None) -> UploadInterrupted:
        if report is None or not report.dataset_id:
            return UploadInterrupted("interrupted: nothing was sent")
        there = sum(file.status != "pending" for file in report)
        in_order = ", in order" if self.ordered else ""
        again = same_dataset(report.dataset_id, ordered=self.ordered)
        return UploadInterrupted(
            f"interrupted: {there} of {len(report)} files are in {report.dataset_id}{in_order}. "
            f"Run the same upload with {again} to send the rest",
            report=report,
        )


class AtomicUploading(Ending):
    """An upload that commits all files together."""

    all_or_none = True

    def interrupted(self, report: UploadReport | None) -> UploadInterrupted:
        if report is None or not report.dataset_id:
            return UploadInterrupted("interrupted: nothing was sent")
        left = [file for file in report if file.status == "pending"]
        dataset_id, again = report.dataset_id, same_dataset(report.dataset_id, ordered=True)
        if all(file.transferred for file in left):
            # The commit may have been requested.
            message = (
                f"interrupted: either all files are in {dataset_id}, or none. Run the same upload "
                f"with {again} to find out and complete it"
            )
        else:
            files = text.counted(len(left), "file")
            message = (
                f"interrupted: none of {files} is in {dataset_id}. Run the same upload with "
                f"{again} to send them again"
            )
        return UploadInterrupted(message, report=report)


class Staging(Ending):
    """A call of `stage`: the dataset never changes."""

    all_or_none = True

    def interrupted(self, report: UploadReport | None) -> UploadInterrupted:
        return UploadInterrupted(
            "interrupted: the dataset has not changed; the server deletes the staged files when "
            "they expire",
            report=report,
        )


class Committing(Ending):
    """A call of `commit`."""

    def interrupted(self, report: UploadReport | None) -> UploadInterrupted:
        return UploadInterrupted(
            "interrupted: the files may be in the dataset. Run the same commit again to find out "
            "and complete it",
            report=report,
        )
