"""Where the files of a job are, if the server does not stage them: a shared folder, or a bucket."""

from __future__ import annotations

import logging
import shutil
import tempfile
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from sutro import _core
from sutro._run.driver import POLL_SECONDS, here, start, take_result
from sutro._sources.binary import copied
from sutro.engines.options import is_in_bucket
from sutro.errors import FileAccessError, SutroError

if TYPE_CHECKING:
    from sutro._run.driver import Driver


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of one job. Files are made in it."""

    path: str

    @property
    def storage_options(self) -> dict[str, str] | None:
        """Options for the upload from here."""
        return None

    def new_file(self, number: int) -> BinaryIO:
        """Open a file for rows of a partition."""
        return Path(self.path, _new_name(number)).open("xb")

    def keep(self, _number: int, file: BinaryIO) -> str:
        """Return the path of a complete file."""
        return str(file.name)

    def clean_up(self) -> None:
        """Delete the files of all attempts."""
        shutil.rmtree(self.path, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prefix of one job in a bucket. Files are made in temporary ones, and sent there."""

    url: str
    storage_options: dict[str, str] | None = field(repr=False)
    """Travels with the tasks. `None`: each worker has its own settings."""

    def new_file(self, _number: int) -> BinaryIO:
        """Open a file for rows of a partition; it is gone with the process."""
        return temporary_file()

    def keep(self, number: int, file: BinaryIO) -> str:
        """Send a complete file, and return its URL.

        Raises:
            FileAccessError: The store refuses, or does not respond.
        """
        # Each attempt has a key of its own: what the driver uploads is never replaced.
        url = f"{self.url}/{_new_name(number)}"
        here(_put, file, url, self.storage_options or {})
        return url

    def probe(self) -> None:
        """Find out whether files can be written here.

        Raises:
            ConfigurationError: There are no credentials, or an option is not known.
            FileAccessError: There is no such bucket, or it cannot be written.
        """
        with temporary_file() as file:
            here(_put, file, f"{self.url}/probe", self.storage_options or {})
        self.clean_up()

    def clean_up(self) -> None:
        """Delete the files of all attempts. Those that cannot be deleted are in the log."""
        try:
            job = start(lambda: _core.delete_objects(f"{self.url}/", self.storage_options or {}))
            # Also after Ctrl-C.
            while not job.wait(POLL_SECONDS):
                pass
            take_result(job)
        except SutroError as error:
            logging.getLogger("sutro.engines").warning(
                "cannot delete %s; delete it yourself: %s", self.url, error
            )


Place: TypeAlias = Folder | Prefix


def new_place(staging: str, storage_options: dict[str, str] | None) -> Place:
    """Create a folder or prefix for one job, so that jobs do not collide in the shared one.

    Raises:
        ConfigurationError: The store of a URL cannot be opened.
        FileAccessError: Files cannot be written there.
    """
    name = f"sutro-{uuid.uuid4().hex}"
    if is_in_bucket(staging):
        prefix = Prefix(f"{staging.rstrip('/')}/{name}", storage_options)
        prefix.probe()
        return prefix
    folder = Path(staging, name).absolute()
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        message = f"cannot create {folder}: {error.strerror}; pass staging= a folder to write to"
        raise FileAccessError(message, path=str(folder)) from error
    return Folder(str(folder))


def temporary_file() -> BinaryIO:
    """Open a file without a name: it disappears with the process, even after a kill."""
    return tempfile.TemporaryFile(prefix="sutro-")


def _new_name(number: int) -> str:
    return f"{number:05}-{uuid.uuid4().hex}.parquet"


async def _put(driver: Driver, file: BinaryIO, url: str, storage_options: dict[str, str]) -> None:
    file.seek(0)
    made = [step for step in copied(None, file, url) if step is not None]
    ((_, spooled),) = made
    await driver.result_of(lambda: _core.put_object(spooled, url, storage_options))
