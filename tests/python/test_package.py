"""What the package is: its public names, its weight, its example."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata, resources
from pathlib import Path

import sutro

EXAMPLES = Path(__file__).parents[2] / "examples"


def run_python(*arguments: str, cwd: Path | None = None) -> str:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    ).stdout


def test_the_version_is_that_of_the_installed_package() -> None:
    assert sutro.__version__ == metadata.version("sutro")


def test_every_public_name_is_there_and_documented() -> None:
    for name in sutro.__all__:
        assert getattr(sutro, name).__doc__, name


def test_the_types_are_published() -> None:
    assert resources.files(sutro).joinpath("py.typed").is_file()


def test_importing_the_package_stays_light() -> None:
    heavy = ["asyncio", "click", "http", "logging", "numpy", "pandas", "pyarrow", "ssl", "tqdm"]
    loaded = run_python("-c", f"import sys, sutro; print([m for m in {heavy} if m in sys.modules])")

    assert loaded.strip() == "[]"


def test_the_demo_uploads_and_its_second_run_finds_all_files_there(tmp_path: Path) -> None:
    demo = str(EXAMPLES / "demo.py")
    names = sorted(path.name for path in (EXAMPLES / "data").iterdir())

    first = run_python(demo, cwd=tmp_path)
    second = run_python(demo, cwd=tmp_path)

    listing = first.partition("in order:")[2]
    assert [line.split()[0] for line in listing.splitlines() if line] == names
    assert "All files are already there" not in first
    assert "All files are already there" in second
    assert second.partition("in order:")[2] == listing
