"""A FUSE mount on which some requests never return.

Run as `python hanging_mount.py MOUNT FOLDER HANGS`. It shows the files of FOLDER. `open` hangs from
the second file on, or `read` from the second 100 kB of a file on.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT = 1, 2, 3, 14, 15, 18, 25, 26
INTERRUPT, DESTROY, BATCH_FORGET = 36, 38, 42
NEVER_ANSWERED = (FORGET, INTERRUPT, DESTROY, BATCH_FORGET)
ENOENT, ENOSYS = 2, 38
DIRECT_IO = 1
DETACH = 2
STEP = 100_000


@contextmanager
def hanging_mount(mount: Path, folder: Path, hangs: str) -> Iterator[None]:
    """Mount FOLDER, and release everything that waits for it at the end of the block."""
    mount.mkdir()
    command = [sys.executable, __file__, str(mount), str(folder), hangs]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "mounted\n"
            yield
        finally:
            # Its end of the connection is closed: whoever waits gets an error.
            server.kill()
            server.wait()
            _libc().umount2(bytes(mount), DETACH)


def is_possible() -> bool:
    """Return whether this process may mount."""
    return sys.platform == "linux" and os.geteuid() == 0 and Path("/dev/fuse").exists()


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _attributes(node: int, file: Path | None) -> bytes:
    size = file.stat().st_size if file else 0
    mode = stat.S_IFREG | 0o644 if file else stat.S_IFDIR | 0o755
    return struct.pack("<6Q10I", node, size, 1, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


class _Files:
    def __init__(self, folder: Path, hangs: str) -> None:
        self.paths = sorted(folder.iterdir())
        self.hangs = hangs
        self.opened = 0

    def answer(self, operation: int, node: int, body: bytes) -> bytes | int | None:
        """Return the response, an error number, or None to send no response."""
        known: dict[int, Callable[[], bytes | int | None]] = {
            INIT: lambda: struct.pack(
                "<4I2H2I2H8I", 7, 31, 0, 0, 16, 12, 1 << 17, 1, 1, 0, *[0] * 8
            ),
            GETATTR: lambda: struct.pack("<QII", 0, 0, 0) + _attributes(node, self._file(node)),
            LOOKUP: lambda: self._look_up(os.fsdecode(body.rstrip(b"\0"))),
            OPEN: self._open,
            READ: lambda: self._read(node, body),
            RELEASE: bytes,
            FLUSH: bytes,
            **dict.fromkeys(NEVER_ANSWERED, lambda: None),
        }
        return known.get(operation, lambda: ENOSYS)()

    def _file(self, node: int) -> Path | None:
        return self.paths[node - 2] if node > 1 else None

    def _look_up(self, name: str) -> bytes | int:
        names = [path.name for path in self.paths]
        if name not in names:
            return ENOENT
        node = names.index(name) + 2
        return struct.pack("<4Q2I", node, 0, 0, 0, 0, 0) + _attributes(node, self._file(node))

    def _open(self) -> bytes | None:
        self.opened += 1
        is_answered = self.hangs != "open" or self.opened == 1
        return struct.pack("<QII", 0, DIRECT_IO, 0) if is_answered else None

    def _read(self, node: int, body: bytes) -> bytes | None:
        _handle, offset, size = struct.unpack_from("<QQI", body)
        if self.hangs == "read" and STEP <= offset < 2 * STEP:
            return None
        return self.paths[node - 2].read_bytes()[offset : offset + size]


def _serve(mount: str, folder: str, hangs: str) -> None:
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,max_read=65536"
    if _libc().mount(b"fuse", mount.encode(), b"fuse", 0, options.encode()) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    print("mounted", flush=True)
    files = _Files(Path(folder), hangs)
    while True:
        request = os.read(device, 1 << 18)
        _length, operation, unique, node = struct.unpack_from("<IIQQ", request)
        answer = files.answer(operation, node, request[40:])
        if answer is not None:
            error, body = (-answer, b"") if isinstance(answer, int) else (0, answer)
            os.write(device, struct.pack("<IiQ", 16 + len(body), error, unique) + body)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
