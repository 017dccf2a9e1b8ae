"""Checks the installed Python packages for known vulnerabilities, with `pip-audit`.

    python tools/audit_python.py

A vulnerability is an error. Advisories that cannot be had are not: then it prints why, and for how
many packages.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

_UNREACHABLE = ("Could not connect", "not redirecting properly", "ServiceError")
"""The words of `pip-audit` about a database that does not respond. Its exit code is that of a
vulnerability."""


def main() -> None:
    """Audit the environment of this interpreter."""
    command = [sys.executable, "-m", "pip_audit", "--local", "--skip-editable", "--format=json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except json.JSONDecodeError:
        _explain(done.returncode, done.stderr)
        return
    found = [line for package in packages for line in _vulnerabilities(package)]
    skipped = [package["skip_reason"] for package in packages if "skip_reason" in package]
    if skipped:
        print(f"{len(skipped)} of {len(packages)} packages are not checked, such as: {skipped[0]}")
    print(*found, f"known vulnerabilities: {len(found)}", sep="\n")
    sys.exit(bool(found))


def _explain(code: int, stderr: str) -> None:
    """Say why there is no result; exit with an error unless no database can be reached."""
    if not any(words in stderr for words in _UNREACHABLE):
        sys.exit(f"pip-audit failed with exit code {code}:\n{stderr}")
    print(f"advisories of Python packages are not checked: {stderr.strip().splitlines()[0]}")


def _vulnerabilities(package: dict[str, Any]) -> list[str]:
    named = f"{package['name']} {package.get('version', '')}"
    return [
        f"{named}: {it['id']}, fixed in {', '.join(it['fix_versions']) or 'no version'}"
        for it in package.get("vulns", ())
    ]


if __name__ == "__main__":
    main()
