"""The storage of these servers: a folder of files, and their names in order of arrival."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from typing import IO

DATASET = "dataset-theirs"


def _folder() -> Path:
    return Path(os.environ["DATASET_FOLDER"])


def names() -> list[str]:
    """The names in the dataset, in order."""
    catalog = _folder() / "catalog"
    return catalog.read_text().splitlines() if catalog.exists() else []


def add(name: str, content: IO[bytes]) -> str | None:
    """Append a file. Return None if its name is in use."""
    with (_folder() / "catalog").open("a+") as catalog:
        fcntl.flock(catalog, fcntl.LOCK_EX)
        if name in names():
            return None
        data = content.read()
        (_folder() / name).write_bytes(data)
        catalog.write(name + "\n")
        catalog.flush()
    return "file_" + hashlib.sha256(data).hexdigest()[:12]
