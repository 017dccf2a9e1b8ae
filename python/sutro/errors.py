"""What can go wrong. Everything derives from `SutroError`, except Ctrl-C.

The first argument is the message: what was wrong, with which file, and what to do. It has at most
2,048 bytes; the facts are attributes, in full. All errors can be pickled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sutro._public import public
from sutro._reports import text, tracebacks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sutro._reports.differences import Difference
    from sutro._reports.upload import UploadReport


@public
class SutroError(Exception):
    """Root of all errors of this package.

    A notebook shows at most 20 lines of it. All of it:
    `import sys, traceback; traceback.print_exception(sys.last_value)`.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(text.bounded(message))

    def __init_subclass__(cls) -> None:
        if cls.__module__ == __name__:
            public(cls)

    def _render_traceback_(self) -> list[str]:
        """What IPython shows, in the place of a traceback through this package."""
        return tracebacks.short(self)


class ConfigurationError(SutroError, ValueError):
    """An argument or a setting cannot be used."""


class FolderInUseError(ConfigurationError):
    """Another process has the folder of a `local:FOLDER` open.

    Attributes:
        folder: The folder.
    """

    def __init__(self, message: str = "", *, folder: str = "") -> None:
        super().__init__(message)
        self.folder = folder


class MissingKeyError(ConfigurationError):
    """No API key was given for the API's URL. The message lists the places searched."""


class CheckError(SutroError, ValueError):
    """The check before an upload found problems. Nothing was sent, nothing was created.

    Attributes:
        problems: Each problem in words, with the file that has it.
        groups: For each schema the names of the files that have it, where there are several.
            The first group is the largest one, with which the others are compared.
        differences: Each difference from the first group, with all files that have it.
    """

    def __init__(
        self,
        message: str = "",
        *,
        problems: tuple[str, ...] = (),
        groups: tuple[tuple[str, ...], ...] = (),
        differences: tuple[Difference, ...] = (),
    ) -> None:
        super().__init__(message)
        self.problems = problems
        self.groups = groups
        self.differences = differences


class InvalidParquetError(CheckError):
    """Files are not parquet files, or damaged ones.

    Attributes:
        paths: All such files.
    """

    def __init__(
        self,
        message: str = "",
        *,
        problems: tuple[str, ...] = (),
        groups: tuple[tuple[str, ...], ...] = (),
        differences: tuple[Difference, ...] = (),
        paths: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, problems=problems, groups=groups, differences=differences)
        self.paths = paths


class SchemaMismatchError(CheckError):
    """Files do not share one schema, or not the dataset's.

    Attributes:
        groups: For each schema the names of the files that have it. The first group is the
            largest one, with which the others are compared.
        differences: Each difference from the first group, with all files that have it.
    """


class FileExistsInDatasetError(SutroError, FileExistsError):
    """Names are taken in the dataset, and not by an earlier run of the same upload.

    Attributes:
        dataset_id: The dataset.
        names: The names that are taken.
    """

    def __init__(
        self, message: str = "", *, dataset_id: str = "", names: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.dataset_id = dataset_id
        self.names = names


class DatasetNotFoundError(SutroError, LookupError):
    """There is no such dataset, or the key may not see it.

    Attributes:
        dataset_id: The id that was asked for.
    """

    def __init__(self, message: str = "", *, dataset_id: str = "") -> None:
        super().__init__(message)
        self.dataset_id = dataset_id


class AuthenticationError(SutroError, PermissionError):
    """The service does not accept the API key.

    Attributes:
        status: HTTP status, 401 or 403.
    """

    def __init__(self, message: str = "", *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class RefusedError(SutroError):
    """The service, or something before it, refused for good: the same again is of no use.

    Attributes:
        status: HTTP status.
        file_name: Name of the file in the dataset, where the refusal is about one.
    """

    def __init__(
        self, message: str = "", *, status: int | None = None, file_name: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.file_name = file_name


class ServerError(SutroError):
    """The service failed again and again. Trying later may help.

    Attributes:
        status: HTTP status.
        retry_after: Seconds that the service asked to wait.
        file_name: Name of the file in the dataset, where the request was about one.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        retry_after: float | None = None,
        file_name: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.file_name = file_name


class RateLimitError(ServerError):
    """The service asked again and again to slow down (HTTP 429)."""


class TransferError(SutroError, ConnectionError):
    """No connection to the service, or it broke again and again.

    Attributes:
        file_name: Name of the file in the dataset, where the request was about one.
    """

    def __init__(self, message: str = "", *, file_name: str | None = None) -> None:
        super().__init__(message)
        self.file_name = file_name


class CertificateError(TransferError):
    """The certificate of the service cannot be trusted. Nothing was sent."""


class NotTheApiError(TransferError):
    """What answers at the URL is not the dataset API: the URL is wrong, or a proxy answers."""


class TransferTimeoutError(TransferError, TimeoutError):
    """The service took no bytes, or gave no answer, for too long."""


class FileChangedError(SutroError, OSError):
    """A file changed between its check and the end of its upload.

    Attributes:
        path: The file.
    """

    def __init__(self, message: str = "", *, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class FileAccessError(SutroError, OSError):
    """A file on this machine cannot be read or written.

    Attributes:
        path: The file.
    """

    def __init__(self, message: str = "", *, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class LocalFileExistsError(FileAccessError, FileExistsError):
    """A download would replace files on this machine that have other content.

    Attributes:
        path: The first of them.
        paths: All of them; they are as they were.
    """

    def __init__(self, message: str = "", *, path: str = "", paths: Sequence[str] = ()) -> None:
        super().__init__(message, path=path)
        self.paths = tuple(paths)


class FrameError(SutroError, ValueError):
    """A frame cannot be made into a parquet file.

    Attributes:
        frame: Its name, or its place in the source.
        column: The column at fault; a field inside of one is `person.address`, a list's element
            `tags.element`. None if no single column is.
        data_type: The Arrow type of that column, in words.
    """

    def __init__(
        self,
        message: str = "",
        *,
        frame: str = "",
        column: str | None = None,
        data_type: str | None = None,
    ) -> None:
        super().__init__(message)
        self.frame = frame
        self.column = column
        self.data_type = data_type


class RewriteError(SutroError, ValueError):
    """A file cannot be cast or recompressed: it is damaged, or a value would be lost.

    Attributes:
        path: The file, which is as it was.
    """

    def __init__(self, message: str = "", *, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class DecodeError(SutroError, ValueError):
    """A file of a dataset was downloaded and cannot be decoded: its pages are damaged.

    Attributes:
        dataset_id: The dataset.
        file_name: The file's name in it.
    """

    def __init__(self, message: str = "", *, dataset_id: str = "", file_name: str = "") -> None:
        super().__init__(message)
        self.dataset_id = dataset_id
        self.file_name = file_name


class OutcomeUnknownError(SutroError):
    """It could not be learned whether the service has one file.

    Running the same upload again finds out, and continues.

    Attributes:
        file_name: The file's name in the dataset.
    """

    def __init__(self, message: str = "", *, file_name: str = "") -> None:
        super().__init__(message)
        self.file_name = file_name


class ForeignWriterError(SutroError):
    """The dataset changed during the upload, and not by it.

    Attributes:
        dataset_id: The dataset.
    """

    def __init__(self, message: str = "", *, dataset_id: str = "") -> None:
        super().__init__(message)
        self.dataset_id = dataset_id


class UploadIncompleteError(SutroError):
    """An upload failed after some files were in the dataset; `__cause__` says why.

    What is there is a prefix of the upload, in order; with `ordered=False` it may be any of its
    files. Running the same upload again with `dataset_id=err.report.dataset_id` sends the rest.

    Attributes:
        report: What was done; files that are not in the dataset have the status "pending".
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
        # Unlike other errors this one says nothing without its cause, which pickle drops.
        return type(self), self.args, {**vars(self), "__cause__": self.__cause__}


class InternalError(SutroError):
    """A defect of this package. Please report it."""


@public
class UploadInterrupted(KeyboardInterrupt):
    """Ctrl-C during an upload.

    It derives from `KeyboardInterrupt` alone, so that `except Exception` does not swallow
    it. The same upload again sends the rest.

    Attributes:
        report: What was done, or None where the transfer had not begun; files that are not
            in the dataset have the status "pending".
    """

    def __init__(self, message: str = "", *, report: UploadReport | None = None) -> None:
        super().__init__(text.bounded(message))
        self.report = report

    def _render_traceback_(self) -> list[str]:
        return tracebacks.short(self)


@public
class SutroWarning(UserWarning):
    """Something was ignored or decided that you may want to know of."""

    def __init__(self, message: str = "") -> None:
        super().__init__(text.bounded(message))
