"""Upload Parquet files to a dataset of the Sutro API: concurrently, in order, exactly once.

>>> import sutro
>>> report = sutro.upload("data/*.parquet", api_url="local:./datasets")
>>> len(report), report[0].name, report[0].status
(12, 'cars-1970.parquet', 'uploaded')
"""

from sutro._run import forks as _forks

# Type checkers assume that this is true, and importing `typing` is slow.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from sutro._core import __version__
    from sutro._generated.async_functions import (
        commit_async,
        create_dataset_async,
        delete_dataset_async,
        delete_dataset_file_async,
        download_from_dataset_async,
        list_dataset_files_async,
        list_datasets_async,
    )
    from sutro._generated.async_upload_functions import (
        check_async,
        stage_async,
        upload_async,
        upload_to_dataset_async,
    )
    from sutro._generated.functions import (
        commit,
        create_dataset,
        delete_dataset,
        delete_dataset_file,
        download_from_dataset,
        list_dataset_files,
        list_datasets,
        read,
    )
    from sutro._generated.upload_functions import (
        check,
        stage,
        upload,
        upload_to_dataset,
    )
    from sutro._progress.snapshot import Progress
    from sutro._reports.check import CheckedFile, CheckReport
    from sutro._reports.differences import Difference
    from sutro._reports.upload import UploadedFile, UploadReport
    from sutro.client import Client
    from sutro.datasets import Dataset, DatasetFile, StagedFile
    from sutro.engines import daft as daft
    from sutro.engines import dask as dask
    from sutro.engines import ray as ray
    from sutro.engines import spark as spark
    from sutro.errors import (
        AuthenticationError,
        CertificateError,
        CheckError,
        ConfigurationError,
        DatasetNotFoundError,
        DecodeError,
        FileAccessError,
        FileChangedError,
        FileExistsInDatasetError,
        FolderInUseError,
        ForeignWriterError,
        FrameError,
        InternalError,
        InvalidParquetError,
        LocalFileExistsError,
        MissingKeyError,
        NotTheApiError,
        OutcomeUnknownError,
        RateLimitError,
        RefusedError,
        RewriteError,
        SchemaMismatchError,
        ServerError,
        SutroError,
        SutroWarning,
        TransferError,
        TransferTimeoutError,
        UploadIncompleteError,
        UploadInterrupted,
    )
    from sutro.local import LocalServer
    from sutro.reader import DatasetReader
    from sutro.settings import set_api_key

__all__ = [
    "AuthenticationError",
    "CertificateError",
    "CheckError",
    "CheckReport",
    "CheckedFile",
    "Client",
    "ConfigurationError",
    "Dataset",
    "DatasetFile",
    "DatasetNotFoundError",
    "DatasetReader",
    "DecodeError",
    "Difference",
    "FileAccessError",
    "FileChangedError",
    "FileExistsInDatasetError",
    "FolderInUseError",
    "ForeignWriterError",
    "FrameError",
    "InternalError",
    "InvalidParquetError",
    "LocalFileExistsError",
    "LocalServer",
    "MissingKeyError",
    "NotTheApiError",
    "OutcomeUnknownError",
    "Progress",
    "RateLimitError",
    "RefusedError",
    "RewriteError",
    "SchemaMismatchError",
    "ServerError",
    "StagedFile",
    "SutroError",
    "SutroWarning",
    "TransferError",
    "TransferTimeoutError",
    "UploadIncompleteError",
    "UploadInterrupted",
    "UploadReport",
    "UploadedFile",
    "__version__",
    "check",
    "check_async",
    "commit",
    "commit_async",
    "create_dataset",
    "create_dataset_async",
    "delete_dataset",
    "delete_dataset_async",
    "delete_dataset_file",
    "delete_dataset_file_async",
    "download_from_dataset",
    "download_from_dataset_async",
    "list_dataset_files",
    "list_dataset_files_async",
    "list_datasets",
    "list_datasets_async",
    "read",
    "set_api_key",
    "stage",
    "stage_async",
    "upload",
    "upload_async",
    "upload_to_dataset",
    "upload_to_dataset_async",
]

_MODULES = {
    "__version__": "_core",
    "Client": "client",
    "Dataset": "datasets",
    "DatasetFile": "datasets",
    "StagedFile": "datasets",
    "DatasetReader": "reader",
    "LocalServer": "local",
    "Progress": "_progress.snapshot",
    "set_api_key": "settings",
    **dict.fromkeys(("CheckReport", "CheckedFile"), "_reports.check"),
    **dict.fromkeys(("UploadReport", "UploadedFile"), "_reports.upload"),
    "Difference": "_reports.differences",
    **dict.fromkeys(
        ("check", "stage", "upload", "upload_to_dataset"), "_generated.upload_functions"
    ),
    **dict.fromkeys(
        ("check_async", "stage_async", "upload_async", "upload_to_dataset_async"),
        "_generated.async_upload_functions",
    ),
    **dict.fromkeys(
        (
            "commit_async",
            "create_dataset_async",
            "delete_dataset_async",
            "delete_dataset_file_async",
            "download_from_dataset_async",
            "list_dataset_files_async",
            "list_datasets_async",
        ),
        "_generated.async_functions",
    ),
    **dict.fromkeys(
        (
            "commit",
            "create_dataset",
            "delete_dataset",
            "delete_dataset_file",
            "download_from_dataset",
            "list_dataset_files",
            "list_datasets",
            "read",
        ),
        "_generated.functions",
    ),
}
"""The modules of public names that are not errors."""

_SUBMODULES = frozenset({"errors", "options", "settings", "sources"})
"""Modules that can be used after `import sutro` alone."""

_ENGINES = frozenset({"daft", "dask", "ray", "spark"})
"""Modules for engines, which import them."""


if not TYPE_CHECKING:  # otherwise, type checkers would assume that every name exists

    def __getattr__(name: str) -> object:
        """Import a name when it is first used, so that `import sutro` is fast."""
        if name in _SUBMODULES:
            # Without the lock: modules import each other here while Python holds its import locks.
            return __import__(f"sutro.{name}", fromlist=[name])
        if name in _ENGINES:
            return __import__("sutro.engines", fromlist=["load"]).load(name)
        if name not in __all__:
            message = f"module 'sutro' has no attribute {name!r}"
            raise AttributeError(message)
        with _forks.moment:
            module = __import__(f"sutro.{_MODULES.get(name, 'errors')}", fromlist=[name])
        found: object = getattr(module, name)
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__, *_SUBMODULES})


del TYPE_CHECKING
