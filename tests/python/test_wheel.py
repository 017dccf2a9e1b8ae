"""The built wheel installs into a clean environment of every supported Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from helpers.interpreters import interpreters

ROOT = Path(__file__).parents[2]

USE = """
import sys, sutro
from importlib import metadata, resources
assert sutro.__version__ == metadata.version("sutro")
assert resources.files(sutro).joinpath("py.typed").is_file()
assert resources.files(sutro).joinpath("_core.pyi").is_file()
report = sutro.upload(sys.argv[1], api_url="local:datasets", progress=True)
again = sutro.upload(sys.argv[1], report.dataset_id, api_url="local:datasets")
print(len(report), {file.status for file in again})
"""


def run(*arguments: object, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [*map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False, timeout=250
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built as for a release, but with the test profile, which is compiled already."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "maturin", "build", "--locked", "--out", folder, cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform != "linux", reason="auditwheel knows Linux wheels only")
def test_the_wheel_complies_with_its_platform_tag(wheel: Path) -> None:
    shown = run(sys.executable, "-m", "auditwheel", "show", wheel)
    platform = wheel.stem.rpartition("-")[2]

    assert f'following platform tag: "{platform}"' in " ".join(shown.split())


# Where nothing is compiled yet, the wheel takes minutes.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("python", interpreters().values(), ids=lambda python: Path(python).name)
def test_the_wheel_installs_and_uploads(wheel: Path, python: str, tmp_path: Path) -> None:
    assert "-abi3-" in wheel.name, "one wheel serves all releases"
    environment = tmp_path / "environment"
    run(python, "-m", "venv", "--without-pip", environment)
    inside = environment / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", inside, "install", "--quiet", wheel)

    used = run(inside, "-c", USE, ROOT / "examples" / "data", cwd=tmp_path)
    listed = run(
        environment / "bin" / "sutro",
        "datasets",
        "list",
        "--api-url",
        "local:datasets",
        cwd=tmp_path,
    )

    assert used.split() == ["12", "{'skipped'}"]
    assert " 12 " in listed
