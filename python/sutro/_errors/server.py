"""Errors of the server, and of the connection to it."""

from __future__ import annotations

from sutro._errors.base import SutroError


class DatasetNotFoundError(SutroError, LookupError):
    """There is no such dataset, or the key cannot see it.

    Attributes:
        dataset_id: The requested id.
    """

    def __init__(self, message: str = "", *, dataset_id: str = "") -> None:
        super().__init__(message)
        self.dataset_id = dataset_id


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
