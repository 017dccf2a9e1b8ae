"""Errors of an upload that has begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sutro._errors.base import SutroError
from sutro._public import public
from sutro._reports import text, tracebacks

if TYPE_CHECKING:
    from sutro._reports.upload import UploadReport


class OutcomeUnknownError(SutroError):
    """The server may or may not have stored a file, and sutro could not find out.

    Run the same upload again: it finds out whether the file was stored, and continues.

    Attributes:
        file_name: The name of the file in the dataset.
    """

    def __init__(self, message: str = "", *, file_name: str = "") -> None:
        super().__init__(message)
        self.file_name = file_name


class ForeignWriterError(SutroError):
    """Something else changed the dataset during the upload.

    Attributes:
        dataset_id: The dataset.
    """

    def __init__(self, message: str = "", *, dataset_id: str = "") -> None:
        super().__init__(message)
        self.dataset_id = dataset_id


class UploadIncompleteError(SutroError):
    """An upload failed after some files were committed; `__cause__` is the reason.

    The dataset contains the first files of the upload, in order; with `ordered=False`, any of its
    files. Run the same upload again with `dataset_id=err.report.dataset_id` to send the rest.

    Attributes:
        report: The report; files that are not in the dataset have the status `pending`.
    """

    report: UploadReport

    def __init__(self, message: str = "", *, report: UploadReport | None = None) -> None:
        from sutro._reports.upload import UploadReport  # noqa: PLC0415 - only where there is an error

        super().__init__(message)
        self.report = (
            report
            if report is not None
            else UploadReport("", files=(), bytes=0, seconds=0.0, concurrency=0)
        )

    def __reduce__(self) -> tuple[object, ...]:
        # Pickle drops the cause, which is the actual reason.
        return type(self), self.args, {**vars(self), "__cause__": self.__cause__}


@public
class UploadInterrupted(KeyboardInterrupt):
    """Ctrl-C was pressed during an upload.

    It derives from `KeyboardInterrupt` alone, so `except Exception` does not catch it. Run the
    same upload again to send the rest.

    Attributes:
        report: The report, or `None` if the transfer had not started; files that are not in the
            dataset have the status `pending`.
    """

    def __init__(self, message: str = "", *, report: UploadReport | None = None) -> None:
        super().__init__(text.bounded(message))
        self.report = report

    def _render_traceback_(self) -> list[str]:
        return tracebacks.short(self)
