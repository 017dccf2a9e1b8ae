"""Makes the newest wheel of a folder smaller, and checks its size and its platform.

    python tools/finish_wheel.py dist

`libdeflate` looks longer for repeated bytes than zlib does. Its output is ordinary deflate, which
every installer reads.
"""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import deflate

LIMIT_BYTES = 9_000_000
"""A larger wheel is an error: raise the limit only with a reason in docs/performance.md."""

_LEVEL = 12
"""The highest of `libdeflate`."""


class _Compressor:
    """Compresses an entry of an archive in one piece, as `zipfile` calls it."""

    def __init__(self) -> None:
        self._content = bytearray()

    def compress(self, content: bytes) -> bytes:
        self._content += content
        return b""

    def flush(self) -> bytes:
        return bytes(deflate.deflate_compress(bytes(self._content), _LEVEL))


def recompress(wheel: Path) -> None:
    """Write the wheel again, with the same entries."""
    smaller = wheel.with_suffix(".tmp")
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(smaller, "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            copy = zipfile.ZipInfo(entry.filename, entry.date_time)
            copy.compress_type = zipfile.ZIP_DEFLATED
            copy.external_attr = entry.external_attr
            file: Any
            with target.open(copy, "w") as file:
                file._compressor = _Compressor()  # noqa: SLF001 - zipfile has no public way
                file.write(content)
    _refuse_other_content(wheel, smaller)
    smaller.replace(wheel)


def _refuse_other_content(wheel: Path, smaller: Path) -> None:
    """Compare all entries. This decompresses them with zlib, as an installer does."""
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(smaller) as target:
        names = source.namelist()
        if names != target.namelist():
            sys.exit(f"{smaller} has other entries than {wheel}")
        for name in names:
            if source.read(name) != target.read(name):
                sys.exit(f"{name} differs in {smaller}")


def check_size(wheel: Path) -> None:
    """Exit with an error if the wheel is larger than the limit."""
    size = wheel.stat().st_size
    with zipfile.ZipFile(wheel) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    print(f"{wheel.name}: {size / 1e6:.2f} MB, {unpacked / 1e6:.1f} MB unpacked")
    if size > LIMIT_BYTES:
        sys.exit(f"the wheel is too large: the limit is {LIMIT_BYTES / 1e6:.1f} MB")


def check_platform(wheel: Path) -> None:
    """Exit with an error if the wheel needs a newer system than its name says.

    Only for wheels of manylinux: maturin checks those of musllinux, and auditwheel fails on them
    unless it runs on such a system.
    """
    if "manylinux" not in wheel.name:
        return
    command = [sys.executable, "-m", "auditwheel", "show", str(wheel)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r'following platform tag:\s+"(\w+)"', shown.stdout)
    if found is None or found[1] not in wheel.stem:
        sys.exit(f"auditwheel rejects the wheel:\n{shown.stdout}{shown.stderr}")
    print(f"auditwheel: {found[1]}")


def main() -> None:
    """Finish the newest wheel of the folder on the command line."""
    wheel = max(Path(sys.argv[1]).glob("*.whl"), key=lambda path: path.stat().st_mtime)
    recompress(wheel)
    check_size(wheel)
    check_platform(wheel)


if __name__ == "__main__":
    main()
