"""Appends staged files to a dataset, even if other jobs append at the same time."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from sutro import _core
from sutro._reports.upload import UploadedFile
from sutro._run import stopping
from sutro.datasets import StagedFile
from sutro.engines.task import is_taken
from sutro.errors import FileExistsInDatasetError, ForeignWriterError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sutro.datasets import DatasetFile
    from sutro.engines.access import Api
    from sutro.engines.options import Options
    from sutro.engines.task import PartFile

_MOST_TRIES = 1_000
"""Attempts of a commit, while other jobs append to the dataset."""

_PAUSE_SECONDS = 0.1
"""Maximum pause between two attempts, so that jobs do not collide repeatedly."""

_MOST_NAMES = 5
"""Files that a message names."""


class Commit:
    """The commit of a job's files, in their order.

    Up to 10,000 files are appended together, or none of them. Files that an earlier run of the same
    job has left in the dataset are skipped.
    """

    def __init__(
        self, client: Api, dataset_id: str, options: Options, files: Sequence[PartFile]
    ) -> None:
        self._client = client
        self._dataset_id = dataset_id
        self._is_cast = options.on_mismatch == "cast"
        self._files = files
        self._done: dict[str, UploadedFile] = {}

    def run(self) -> list[UploadedFile]:
        """Append what is missing, and return all files.

        Raises:
            FileExistsInDatasetError: Names are in use, and not by an earlier run of the job.
            SutroError: Any other failure of a commit.
        """
        if any(file.staged_id is None for file in self._files):
            self._skip()
        while missing := [file for file in self._files if file.name not in self._done]:
            self._append(missing[: _core.MAX_COMMIT_FILES])
        return [
            replace(self._done[file.name], position=position)
            for position, file in enumerate(self._files)
        ]

    def _append(self, files: Sequence[PartFile]) -> None:
        staged = [_staged(file) for file in files]
        for tries_left in reversed(range(_MOST_TRIES)):
            stopping.check()
            try:
                report = self._client.commit(staged, self._dataset_id)
            except ForeignWriterError:
                # Another job has appended its files in between; the order of jobs is open.
                if not tries_left:
                    raise
                time.sleep(random.uniform(0, _PAUSE_SECONDS))  # noqa: S311 - no secret
            except (FileExistsInDatasetError, RefusedError) as error:
                # The same job may have run at the same time, and was faster.
                if not (is_taken(error) and self._skip()):
                    raise
                return
            else:
                self._done |= {file.name: file for file in report.files}
                return

    def _skip(self) -> int:
        """Find files that are in the dataset already; the number of those that were not known.

        Raises:
            FileExistsInDatasetError: They are others, or are not where this job would put them.
        """
        listed = self._client.list_dataset_files(self._dataset_id)
        place_of = {file.file_name: place for place, file in enumerate(listed)}
        there = [file for file in self._files if file.name in place_of]
        new = [file for file in there if file.name not in self._done]
        for file in new:
            found = listed[place_of[file.name]]
            if not self._is_same(file, found):
                raise self._taken([file.name], "with other content")
            self._done[file.name] = _skipped(file, found)
        places = [place_of[file.name] for file in there]
        if there and not self._can_follow(places, len(listed)):
            raise self._taken([file.name for file in there], "at another place")
        return len(new)

    def _is_same(self, file: PartFile, found: DatasetFile) -> bool:
        if self._is_cast:
            # The dataset has it as it was cast. Its name has the fingerprint of what it was.
            return found.row_count == file.row_count
        return found.sha256 == file.sha256

    def _can_follow(self, places: Sequence[int], file_count: int) -> bool:
        """Return whether the files at these places begin the plan, where the others can follow."""
        is_run = list(places) == list(range(places[0], places[0] + len(places)))
        begins = all(file.name in self._done for file in self._files[: len(places)])
        is_whole = len(places) == len(self._files)
        return is_run and begins and (is_whole or places[-1] == file_count - 1)

    def _taken(self, names: Sequence[str], how: str) -> FileExistsInDatasetError:
        shown = ", ".join(names[:_MOST_NAMES])
        more = f" and {len(names) - _MOST_NAMES:,} more" * (len(names) > _MOST_NAMES)
        message = (
            f"{self._dataset_id} has {shown}{more} {how}. A job can be repeated until something "
            f"else is appended; after that, use another dataset"
        )
        return FileExistsInDatasetError(message, dataset_id=self._dataset_id, names=tuple(names))


def _staged(file: PartFile) -> StagedFile:
    return StagedFile(
        staged_id=file.staged_id or "",
        file_name=file.name,
        size_bytes=file.size_bytes,
        row_count=file.row_count,
        sha256=file.sha256,
        expires_at=None,
    )


def _skipped(file: PartFile, found: DatasetFile) -> UploadedFile:
    return UploadedFile(
        position=0,
        name=file.name,
        file_id=found.file_id,
        size_bytes=file.size_bytes,
        row_count=file.row_count,
        status="skipped",
        changes=(),
        attempts=0,
        started=None,
        transferred=None,
        committed=None,
    )
