"""The errors of this package. All derive from `SutroError`, except Ctrl-C.

The first argument is the message: what failed, for which file, and what to do. It has at most
2,048 bytes; the attributes have all details in full. All errors can be pickled.
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
    """Base class of all errors of this package.

    A notebook shows at most 20 lines of an error. To see all of it, run
    `import sys, traceback; traceback.print_exception(sys.last_value)`.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(text.bounded(message))

    def __init_subclass__(cls) -> None:
        if cls.__module__ == __name__:
            public(cls)

    def _render_traceback_(self) -> list[str]:
        """Show this in IPython instead of a traceback through this package."""
        return tracebacks.short(self)


class ConfigurationError(SutroError, ValueError):
    """An argument or a setting is invalid."""


class FolderInUseError(ConfigurationError):
    """Another process has the folder of `local:FOLDER` open.

    Attributes:
        folder: The folder.
    """

    def __init__(self, message: str = "", *, folder: str = "") -> None:
        super().__init__(message)
        self.folder = folder


class MissingKeyError(ConfigurationError):
    """No API key was found for the URL. The message lists the places searched."""


class CheckError(SutroError, ValueError):
    """The check before an upload found problems. Nothing was created or sent.

    Attributes:
        problems: A message for each problem, with its file.
        groups: If schemas differ, the names of the files of each schema. The first group is the
            largest one; the others are compared with it.
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
    """Files are not Parquet files, or are damaged.

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
    """Files have different schemas, or differ from the schema of the dataset.

    Attributes:
        groups: The names of the files of each schema. The first group is the largest one; the
            others are compared with it.
        differences: Each difference from the first group, with all files that have it.
    """


class FileExistsInDatasetError(SutroError, FileExistsError):
    """Names are already in use in the dataset, but not by an earlier run of the same upload.

    Attributes:
        dataset_id: The dataset.
        names: The names that are in use.
    """

    def __init__(
        self, message: str = "", *, dataset_id: str = "", names: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.dataset_id = dataset_id
        self.names = names


class DatasetNotFoundError(SutroError, LookupError):
    """There is no such dataset, or the key cannot see it.

    Attributes:
        dataset_id: The requested id.
    """

    def __init__(self, message: str = "", *, dataset_id: str = "") -> None:
        super().__init__(message)
        self.dataset_id = dataset_id


class AuthenticationError(SutroError, PermissionError):
    """The server does not accept the API key.

    Attributes:
        status: HTTP status, 401 or 403.
    """

    def __init__(self, message: str = "", *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class RefusedError(SutroError):
    """The server, or a proxy, rejected a request; a retry would fail too.

    Attributes:
        status: HTTP status.
        file_name: Name in the dataset of the rejected file; `None` for other requests.
    """

    def __init__(
        self, message: str = "", *, status: int | None = None, file_name: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.file_name = file_name


class ServerError(SutroError):
    """The server failed repeatedly. Try again later.

    Attributes:
        status: HTTP status.
        retry_after: Seconds to wait, as requested by the server.
        file_name: Name in the dataset of the file being sent; `None` for other requests.
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
    """The server repeatedly asked to slow down (HTTP 429)."""


class TransferError(SutroError, ConnectionError):
    """The connection to the server failed repeatedly, or could not be opened.

    Attributes:
        file_name: Name in the dataset of the file being sent; `None` for other requests.
    """

    def __init__(self, message: str = "", *, file_name: str | None = None) -> None:
        super().__init__(message)
        self.file_name = file_name


class CertificateError(TransferError):
    """The certificate of the server is not trusted. Nothing was sent."""


class NotTheApiError(TransferError):
    """The URL is not that of a dataset API: it is wrong, or a proxy responded."""


class TransferTimeoutError(TransferError, TimeoutError):
    """The server accepted no bytes, or sent no response, for too long."""


class FileChangedError(SutroError, OSError):
    """A file changed between its check and the end of its upload.

    Attributes:
        path: The file.
    """

    def __init__(self, message: str = "", *, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class FileAccessError(SutroError, OSError):
    """A file, here or in a store, cannot be read or written.

    Attributes:
        path: The file.
    """

    def __init__(self, message: str = "", *, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class LocalFileExistsError(FileAccessError, FileExistsError):
    """A download would replace local files that have other content. Nothing was written.

    Attributes:
        path: The first of these files.
        paths: All of these files.
    """

    def __init__(self, message: str = "", *, path: str = "", paths: Sequence[str] = ()) -> None:
        super().__init__(message, path=path)
        self.paths = tuple(paths)


class FrameError(SutroError, ValueError):
    """A frame cannot be converted to a Parquet file.

    Attributes:
        frame: Its name, or its position in the source.
        column: The column that fails; nested ones are `person.address` or `tags.element`. `None`
            if it is not a single column.
        data_type: The Arrow type of that column.
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
        path: The file. It was not changed.
    """

    def __init__(self, message: str = "", *, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class DecodeError(SutroError, ValueError):
    """A file of a dataset cannot be decoded: its pages are damaged.

    Attributes:
        dataset_id: The dataset.
        file_name: The name of the file in the dataset.
    """

    def __init__(self, message: str = "", *, dataset_id: str = "", file_name: str = "") -> None:
        super().__init__(message)
        self.dataset_id = dataset_id
        self.file_name = file_name


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


class InternalError(SutroError):
    """A bug in this package. Please report it."""


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


@public
class SutroWarning(UserWarning):
    """Something was left out of an upload, or chosen for you."""

    def __init__(self, message: str = "") -> None:
        super().__init__(text.bounded(message))
