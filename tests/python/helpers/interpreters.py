"""The Python interpreters on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))


def interpreters() -> dict[str, str]:
    """The path of one working interpreter per release, such as `python3.12`.

    pyenv's versions come first: its shims on the PATH may point to nothing.
    """
    found = {}
    for release in (f"python3.{minor}" for minor in range(11, 30)):
        versions = [str(path) for path in PYENV.glob(f"versions/*/bin/{release}")]
        candidates = [*versions, *filter(None, [shutil.which(release)])]
        working = (path for path in candidates if runs(path))
        if path := next(working, None):
            found[release] = path
    return found


def runs(interpreter: str) -> bool:
    done = subprocess.run([interpreter, "-c", ""], capture_output=True, check=False)
    return done.returncode == 0
