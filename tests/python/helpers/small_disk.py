"""A disk of a few hundred KiB, so that a server can fill it."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOUNT = 'mount -t tmpfs -o size="$1"k tmpfs "$0" && echo mounted && read -r _'


class SmallDisk:
    """A file system that is mounted in one process, and invisible to others.

    Attributes:
        wrapper: A command prefix that runs a program where the disk is mounted.
        folder: The path of the disk from this process.
    """

    def __init__(self, folder: Path, owner: int) -> None:
        self.wrapper = [
            *("nsenter", f"--target={owner}", "--user", "--mount", "--preserve-credentials", "--")
        ]
        self.folder = Path(f"/proc/{owner}/root") / folder.relative_to("/")
        self._ballast = self.folder / "ballast"

    def fill(self, *, leave_kib: int) -> None:
        """Fill the disk, except for some space."""
        self.free()
        with self._ballast.open("wb", buffering=0) as ballast:
            page = bytes(4096)
            try:
                while True:
                    ballast.write(page)
            except OSError:
                ballast.truncate(max(0, ballast.tell() - leave_kib * 1024))

    def free(self) -> None:
        """Release the space that `fill` took."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, kib: int) -> Iterator[SmallDisk]:
    """Mount a disk of `kib` KiB at a folder. Skip the test if mounting is not permitted."""
    folder.mkdir()
    owner = subprocess.Popen(
        [
            *("unshare", "--user", "--map-root-user", "--mount"),
            *("sh", "-c", _MOUNT, str(folder), str(kib)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert owner.stdin is not None
    assert owner.stdout is not None
    assert owner.stderr is not None
    try:
        if owner.stdout.readline() != "mounted\n":
            pytest.skip(f"a file system may not be mounted: {owner.stderr.read()}")
        yield SmallDisk(folder, owner.pid)
    finally:
        owner.communicate("\n")
