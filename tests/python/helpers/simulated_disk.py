"""The possible states of a disk after a power cut, computed from a trace of system calls.

This is the pessimistic reading of POSIX. Bytes are durable once their file is synced, and names
once their folder is synced. Any part of the rest may be lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

TRACED = "openat,write,pwrite64,lseek,fsync,fdatasync,rename,unlink,ftruncate,writev"
_STRING = r'"((?:\\x[0-9a-f]{2})*)"'
_FILE = r"(\d+)<((?:\\x[0-9a-f]{2})+)>"
_CALLS = {
    "open": re.compile(rf"openat\(AT_FDCWD[^,]*, {_STRING}, (\S+?)(?:, \d+)?\) = (\d+)<"),
    "write": re.compile(rf"write\({_FILE}, {_STRING}, \d+\) = \d+"),
    "pwrite": re.compile(rf"pwrite64\({_FILE}, {_STRING}, \d+, (\d+)\) = \d+"),
    "seek": re.compile(rf"lseek\({_FILE}, .*\) = (\d+)"),
    "sync": re.compile(rf"f(?:data)?sync\({_FILE}\) = 0"),
    "rename": re.compile(rf"rename\({_STRING}, {_STRING}\) = 0"),
    "unlink": re.compile(rf"unlink\({_STRING}\) = 0"),
    "truncate": re.compile(rf"ftruncate\({_FILE}, (\d+)\) = 0"),
    "answer": re.compile(r"writev\(\d+<TCP.*?\]>, (.*)\) = \d+"),
}


@dataclass(frozen=True)
class Call:
    """A system call with its arguments as text."""

    name: str
    arguments: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The file or folder that is synced."""
        return _path(self.arguments[1])

    @property
    def acknowledges_upload(self) -> bool:
        return self.name == "answer" and b'"file_id"' in b"".join(
            _bytes(text) for text in re.findall(_STRING, self.arguments[0])
        )


def calls(trace: Path) -> Iterator[Call]:
    """Parse the output of `strace -f -z -yy -xx -e trace=...`."""
    for line in trace.read_text().splitlines():
        text = line.split(maxsplit=1)[1]
        for name, pattern in _CALLS.items():
            if found := pattern.match(text):
                yield Call(name, found.groups())


@dataclass
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes] | int] = field(default_factory=list)
    """Writes (offset, bytes) and truncations (length) since the last sync."""

    def content(self, writes: list[tuple[int, bytes] | int]) -> bytearray:
        content = bytearray(self.durable)
        for write in writes:
            if isinstance(write, int):
                del content[write:]
                content.extend(bytes(write - len(content)))
                continue
            offset, new = write
            content.extend(bytes(max(0, offset - len(content))))
            content[offset : offset + len(new)] = new
        return content


class Disk:
    """A folder on a disk that can lose power after each call."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._live = {
            path: _File(bytearray(path.read_bytes()))
            for path in folder.rglob("*")
            if path.is_file()
        }
        self._durable = dict(self._live)
        self._pending: dict[Path, list[tuple[Path, _File | None]]] = {}
        self._offsets: dict[str, int] = {}

    def apply(self, call: Call) -> None:  # noqa: C901 - a case for each call
        match call.name, call.arguments:
            case "open", (path, flags, number):
                self._offsets[number] = 0
                if "O_CREAT" in flags and _path(path) not in self._live:
                    self._name(_path(path), _File())
            case "write", (number, path, content) if _path(path) in self._live:
                offset = self._offsets.get(number, 0)
                self._offsets[number] = offset + len(_bytes(content))
                self._live[_path(path)].pending.append((offset, _bytes(content)))
            case "pwrite", (_, path, content, offset):
                self._live[_path(path)].pending.append((int(offset), _bytes(content)))
            case "seek", (number, _, offset):
                self._offsets[number] = int(offset)
            case "truncate", (_, path, length):
                self._live[_path(path)].pending.append(int(length))
            case "rename", (old, new):
                file = self._live[_path(old)]
                self._name(_path(old), None)
                self._name(_path(new), file)
            case "unlink", (path,):
                self._name(_path(path), None)
            case "sync", _ if call.path in self._live:
                file = self._live[call.path]
                file.durable, file.pending = file.content(file.pending), []
            case "sync", _:
                _rename_all(self._durable, self._pending.pop(call.path, []))

    def _name(self, path: Path, file: _File | None) -> None:
        if self._folder in path.parents:
            _rename_all(self._live, [(path, file)])
            self._pending.setdefault(path.parent, []).append((path, file))

    def write_after_cut(self, folder: Path, chance: random.Random | None) -> None:
        """Write what survives: only what was synced, or at random also parts of the rest."""
        names = dict(self._durable)
        if chance:
            for changes in self._pending.values():
                _rename_all(names, changes[: chance.randrange(len(changes) + 1)])
        for path, file in names.items():
            kept = [write for write in file.pending if chance and chance.random() < 0.5]
            copy = folder / path.relative_to(self._folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.content(kept))


def _rename_all(names: dict[Path, _File], changes: list[tuple[Path, _File | None]]) -> None:
    for path, file in changes:
        if file is None:
            names.pop(path, None)
        else:
            names[path] = file


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def _path(escaped: str) -> Path:
    return Path(_bytes(escaped).decode())
