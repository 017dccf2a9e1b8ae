"""What contenders upload to: a neutral receiver, and the embedded service."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from compare.children import CONTENDERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


@dataclass(frozen=True)
class Link:
    """The way to the receiver."""

    name: str
    bytes_per_second: int = 0
    """Of each connection; 0 for no limit."""
    answer_after: float = 0
    """Seconds between the last byte of a file and its answer, for each file on its own."""


LINKS = {
    link.name: link
    for link in (
        Link("loopback"),
        Link("20 MB/s", bytes_per_second=20 * 10**6),
        Link("50 MB/s", bytes_per_second=50 * 10**6),
        Link("50 ms", answer_after=0.05),
        Link("200 ms", answer_after=0.2),
        Link("20 MB/s, 50 ms", bytes_per_second=20 * 10**6, answer_after=0.05),
        Link("20 MB/s, 200 ms", bytes_per_second=20 * 10**6, answer_after=0.2),
    )
}


@dataclass(frozen=True)
class Target:
    """A new dataset that waits for files."""

    url: str
    key: str
    dataset_id: str

    def file_names(self) -> list[str]:
        """Return the names of the files that came, in their order."""
        listing = _call(f"{self.url}/list-dataset-files", self.key, {"dataset_id": self.dataset_id})
        return [file["file_name"] for file in listing["files"]]


@contextmanager
def neutral(binary: Path, link: Link) -> Iterator[Target]:
    """Start a receiver that reads and answers, and does nothing else."""
    milliseconds = round(link.answer_after * 1000)
    with _started([str(binary), str(link.bytes_per_second), str(milliseconds)]) as url:
        yield Target(url, key="key", dataset_id="dataset-1")


@contextmanager
def embedded(folder: Path, max_staged_files: int | None = None) -> Iterator[Target]:
    """Start the embedded service on an empty folder, with all earlier writes on disk."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="service-") as data:
        os.sync()
        limit = [] if max_staged_files is None else [str(max_staged_files)]
        with _started([sys.executable, str(CONTENDERS / "serve.py"), data, *limit]) as line:
            server = json.loads(line)
            answer = _call(server["url"] + "/create-dataset", server["key"])
            yield Target(server["url"], server["key"], answer["dataset_id"])


@contextmanager
def delayed(port: int, seconds: float) -> Iterator[str]:
    """Start a proxy that delays each response of a server on this machine."""
    with _started([sys.executable, str(CONTENDERS / "delay.py"), str(port), str(seconds)]) as url:
        yield url


@contextmanager
def empty_folder(folder: Path) -> Iterator[Path]:
    """Make a folder for copies, with all earlier writes on disk."""
    copies = Path(tempfile.mkdtemp(dir=folder, prefix="copies-"))
    os.sync()
    try:
        yield copies
    finally:
        shutil.rmtree(copies)


@contextmanager
def _started(command: list[str]) -> Iterator[str]:
    """Start a process; gives its first line."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _call(url: str, key: str, body: dict[str, str] | None = None) -> Any:
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Key {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
