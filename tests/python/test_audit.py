"""`make audit` fails for known vulnerabilities, and reports what it could not check."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

AUDIT = Path(__file__).parents[2] / "tools" / "audit_python.py"
STAND_IN = """
import pathlib, sys
recorded = pathlib.Path(__file__).with_name
sys.stdout.write(recorded("stdout").read_text())
sys.stderr.write(recorded("stderr").read_text())
sys.exit({code})
"""


def audit(
    folder: Path, *, code: int, stdout: str = "", stderr: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the tool with a recorded answer of `pip-audit`, whose databases are not on this machine.

    The tool starts it with `python -m pip_audit`, which looks in the current folder first.
    """
    (folder / "pip_audit.py").write_text(STAND_IN.format(code=code))
    (folder / "stdout").write_text(stdout)
    (folder / "stderr").write_text(stderr)
    command = [sys.executable, str(AUDIT)]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


def answer(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


CLEAN = {"name": "click", "version": "8.2", "vulns": []}
UNKNOWN = {
    "name": "tqdm",
    "skip_reason": "Dependency not found on PyPI and could not be audited: tqdm (4.66)",
}
VULNERABLE = {
    "name": "jinja2",
    "version": "2.0",
    "vulns": [{"id": "PYSEC-2021-66", "fix_versions": ["2.11.3"], "aliases": []}],
}


def test_packages_without_known_vulnerabilities_pass(tmp_path: Path) -> None:
    done = audit(tmp_path, code=0, stdout=answer(CLEAN))

    assert (done.returncode, done.stdout) == (0, "known vulnerabilities: 0\n")


def test_a_known_vulnerability_is_an_error(tmp_path: Path) -> None:
    done = audit(tmp_path, code=1, stdout=answer(CLEAN, VULNERABLE))

    assert done.returncode == 1
    assert "jinja2 2.0: PYSEC-2021-66, fixed in 2.11.3" in done.stdout


def test_packages_that_the_database_does_not_know_are_reported(tmp_path: Path) -> None:
    done = audit(tmp_path, code=0, stdout=answer(CLEAN, UNKNOWN))

    assert done.returncode == 0
    assert f"1 of 2 packages are not checked, such as: {UNKNOWN['skip_reason']}" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        "ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed\n",
        "Traceback (most recent call last):\npip_audit._service.interface.ServiceError\n",
    ],
)
def test_a_database_that_does_not_respond_is_a_reason_and_no_error(
    tmp_path: Path, words: str
) -> None:
    done = audit(tmp_path, code=1, stderr=words)

    assert done.returncode == 0
    assert done.stdout.startswith("advisories of Python packages are not checked: ")


def test_any_other_failure_of_the_tool_is_an_error(tmp_path: Path) -> None:
    done = audit(tmp_path, code=2, stderr="error: unrecognized arguments\n")

    assert done.returncode == 1
    assert "unrecognized arguments" in done.stderr
