"""`make wheel` makes the wheel smaller and limits its size."""

from __future__ import annotations

import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FINISH = ROOT / "tools" / "finish_wheel.py"


def made(wheel: Path, contents: dict[str, bytes]) -> dict[str, tuple[bytes, int]]:
    """Write a wheel; its entries."""
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return entries_of(wheel)


def entries_of(wheel: Path) -> dict[str, tuple[bytes, int]]:
    with zipfile.ZipFile(wheel) as archive:
        return {
            entry.filename: (archive.read(entry), entry.external_attr)
            for entry in archive.infolist()
        }


def finish(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(FINISH), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_finished_wheel_is_smaller_and_has_the_same_entries(tmp_path: Path) -> None:
    wheel = tmp_path / "sutro-1.0-py3-none-any.whl"
    entries = made(wheel, {"sutro/a.py": Path(__file__).read_bytes() * 9, "sutro/empty.py": b""})
    size = wheel.stat().st_size

    done = finish(tmp_path)

    assert done.returncode == 0, done.stderr
    assert entries_of(wheel) == entries
    assert wheel.stat().st_size < size
    assert list(tmp_path.iterdir()) == [wheel]


def test_a_wheel_that_is_too_large_is_an_error(tmp_path: Path) -> None:
    wheel = tmp_path / "sutro-1.0-py3-none-any.whl"
    made(wheel, {"sutro/a.bin": random.Random(1).randbytes(9_100_000)})

    done = finish(tmp_path)

    assert done.returncode == 1
    assert "the wheel is too large: the limit is 9.0 MB" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="auditwheel knows Linux wheels only")
def test_a_wheel_that_auditwheel_rejects_is_an_error(tmp_path: Path) -> None:
    made(tmp_path / "sutro-1.0-cp311-abi3-manylinux_2_17_x86_64.whl", {"sutro/_core.so": b"x"})

    done = finish(tmp_path)

    assert done.returncode == 1
    assert "auditwheel rejects the wheel" in done.stderr
