"""Faults that strike the tasks of an engine: each once, in whichever process comes to its place.

A fault is armed by a file. Who deletes the file first is struck.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sutro

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class TaskFailedError(Exception):
    """A task has failed, in code that is not ours."""


def arm(folder: Path, place: str, what: str, *numbers: int) -> None:
    """Let something happen at a place, to these partitions."""
    folder.mkdir(exist_ok=True)
    for number in numbers:
        (folder / f"{place}.{what}.{number}").touch()


def armed(folder: Path) -> list[str]:
    """The faults that have not struck yet."""
    return sorted(path.name for path in folder.glob("*.*.*"))


def strike(folder: Path | str, place: str, number: int) -> set[str]:
    """Suffer what is armed for a partition at a place; what the caller has to do itself."""
    for path in Path(folder).glob(f"{place}.*.{number}"):
        try:
            if ".always." not in path.name:
                path.unlink()
        except FileNotFoundError:
            continue
        what = path.name.split(".")[1]
        if what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif what == "freeze":
            (Path(folder) / "frozen").write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGSTOP)
        elif what == "mark":
            (Path(folder) / "marked").touch()
        elif what in {"raise", "always"}:
            message = f"partition {number} has failed at {place}"
            raise TaskFailedError(message)
        else:
            return {what}
    return set()


class FaultyClient(sutro.Client):
    """A client whose calls come to the places `staging`, `staged` and `committing`."""

    __slots__ = ("_faults",)

    def __init__(self, faults: Path | str, api_key: str | None = None, api_url: str = "") -> None:
        super().__init__(api_key, api_url)
        self._faults = str(faults)

    def __reduce__(self) -> tuple[Callable[[], sutro.Client], tuple[()]]:
        return partial(FaultyClient, self._faults, None, self.api_url), ()

    def stage(self, source: Any, dataset_id: str, **options: Any) -> list[sutro.StagedFile]:
        number = int(next(iter(source)).split("-")[1])
        with _maybe_killed(strike(self._faults, "staging", number)):
            staged = super().stage(source, dataset_id, **options)
        if "twice" in strike(self._faults, "staged", number):
            # As if a straggler had come to its end as well.
            staged = super().stage(source, dataset_id, **options)
        return staged

    def commit(self, staged: Any, dataset_id: str, **options: Any) -> sutro.UploadReport:
        if staged[0].row_count:
            strike(self._faults, "committing", 0)
        return super().commit(staged, dataset_id, **options)


@contextmanager
def _maybe_killed(what: set[str]) -> Iterator[None]:
    """Kill this process while it sends, where that is armed."""
    if "kill-soon" not in what:
        yield
        return
    timer = threading.Timer(0.003, os.kill, (os.getpid(), signal.SIGKILL))
    timer.start()
    yield
    timer.join()


def thaw(folder: Path) -> bool:
    """Let a frozen process go on, if there is one."""
    frozen = folder / "frozen"
    if not frozen.exists():
        return False
    with suppress(ProcessLookupError):
        os.kill(int(frozen.read_text()), signal.SIGCONT)
    return True
