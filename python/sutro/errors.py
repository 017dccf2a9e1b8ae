"""The errors of this package. All derive from `SutroError`, except Ctrl-C.

The first argument is the message: what failed, for which file, and what to do. It has at most
2,048 bytes; the attributes have all details in full. All errors can be pickled.
"""

from sutro._errors.base import (
    InternalError,
    SutroError,
    SutroWarning,
)
from sutro._errors.server import (
    AuthenticationError,
    CertificateError,
    DatasetNotFoundError,
    FileExistsInDatasetError,
    NotTheApiError,
    RateLimitError,
    RefusedError,
    ServerError,
    TransferError,
    TransferTimeoutError,
)
from sutro._errors.settings import (
    ConfigurationError,
    FolderInUseError,
    MissingKeyError,
)
from sutro._errors.sources import (
    CheckError,
    DecodeError,
    FileAccessError,
    FileChangedError,
    FrameError,
    InvalidParquetError,
    LocalFileExistsError,
    RewriteError,
    SchemaMismatchError,
)
from sutro._errors.upload import (
    ForeignWriterError,
    OutcomeUnknownError,
    UploadIncompleteError,
    UploadInterrupted,
)

__all__ = [
    "AuthenticationError",
    "CertificateError",
    "CheckError",
    "ConfigurationError",
    "DatasetNotFoundError",
    "DecodeError",
    "FileAccessError",
    "FileChangedError",
    "FileExistsInDatasetError",
    "FolderInUseError",
    "ForeignWriterError",
    "FrameError",
    "InternalError",
    "InvalidParquetError",
    "LocalFileExistsError",
    "MissingKeyError",
    "NotTheApiError",
    "OutcomeUnknownError",
    "RateLimitError",
    "RefusedError",
    "RewriteError",
    "SchemaMismatchError",
    "ServerError",
    "SutroError",
    "SutroWarning",
    "TransferError",
    "TransferTimeoutError",
    "UploadIncompleteError",
    "UploadInterrupted",
]
