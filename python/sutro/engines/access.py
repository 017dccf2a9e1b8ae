"""How a task gets its connection to the server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

from sutro import settings
from sutro._run import uploads
from sutro._run.driver import here
from sutro.errors import ConfigurationError, MissingKeyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sutro import _core
    from sutro._reports.check import CheckReport
    from sutro._reports.upload import UploadReport
    from sutro.datasets import DatasetFile, StagedFile
    from sutro.reader import DatasetReader


class Api(Protocol):
    """What the modules of engines use of a `Client`."""

    _core: _core.Client

    @property
    def api_url(self) -> str:
        """The URL of the API."""

    def create_dataset(self) -> str:
        """Create an empty dataset."""

    def list_dataset_files(self, dataset_id: str) -> list[DatasetFile]:
        """List a dataset."""

    def upload(self, *arguments: Any, **options: Any) -> UploadReport:
        """Upload files."""

    def check(self, *arguments: Any, **options: Any) -> CheckReport:
        """Compare a frame with a dataset."""

    def stage(self, *arguments: Any, **options: Any) -> list[StagedFile]:
        """Stage files."""

    def commit(self, staged: Iterable[StagedFile], dataset_id: str) -> UploadReport:
        """Commit staged files."""

    def read(self, *arguments: Any, **options: Any) -> DatasetReader:
        """Read files of a dataset."""


class Access:
    """A client that can be sent with a task of an engine.

    The pickle has no key, unless the client was created with `pickle_api_key=True`: a worker looks
    one up in its own settings. It does so when it connects, so that a missing key is an error of
    the task and not of its pickle.
    """

    __slots__ = ("_client", "_pid", "_recipe", "_url")

    def __init__(self, client: Api) -> None:
        made: Any = client.__reduce__()
        self._recipe: Callable[[], Api] = made[0]
        self._url = client.api_url
        self._client: Api | None = client
        self._pid = os.getpid()

    def __getstate__(self) -> tuple[Callable[[], Api], str, int]:
        return self._recipe, self._url, self._pid

    def __setstate__(self, state: tuple[Callable[[], Api], str, int]) -> None:
        self._recipe, self._url, self._pid = state
        self._client = None

    def client(self) -> Api:
        """Connect, or use the connection that there is.

        Raises:
            MissingKeyError: The worker has no key for the URL.
            ConfigurationError: Only the driver's process can use the URL.
        """
        if self._client is None:
            self._client = self._connected()
        return self._client

    def _connected(self) -> Api:
        if settings.is_local(self._url) and self._pid != os.getpid():
            raise ConfigurationError(only_one_process(self._url))
        try:
            return self._recipe()
        except MissingKeyError as error:
            message = (
                f"{error}\nThis is a worker of an engine: set SUTRO_API_KEY and SUTRO_API_URL in "
                f"the environment of all workers, or upload with "
                f"sutro.Client(..., pickle_api_key=True)"
            )
            raise MissingKeyError(message) from None


def stages(client: Api, dataset_id: str) -> bool:
    """Return whether the server stages files.

    Raises:
        DatasetNotFoundError: There is no such dataset.
        SutroError: The server cannot be reached, or fails.
    """
    core: _core.Client = client._core  # noqa: SLF001 - of this package
    return here(uploads.stages, core, dataset_id)


def file_names(client: Api, dataset_id: str) -> list[str]:
    """List the names of a dataset's files, which tasks read one by one.

    Raises:
        ConfigurationError: The dataset has no files.
        SutroError: The dataset cannot be listed.
    """
    names = [file.file_name for file in client.list_dataset_files(dataset_id)]
    if not names:
        message = f"{dataset_id} has no files, so its columns are unknown"
        raise ConfigurationError(message)
    return names


def only_one_process(url: str) -> str:
    """Return the message that workers cannot use the embedded server."""
    return (
        f"{url} can be open in only one process, and the workers of this engine are other "
        f"processes: run `sutro serve --data FOLDER`, or pass staging=FOLDER, a folder that they "
        f"share"
    )
