"""A server that stores files in memory, and lists only the details that a test wants."""

from __future__ import annotations

import hashlib
import io
import re
import threading
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from helpers.json_server import JsonServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from helpers.json_server import Request

DATASET_ID = "dataset-remembered"


def _size(content: bytes) -> int:
    return len(content)


def _rows(content: bytes) -> int:
    rows: int = pq.read_metadata(io.BytesIO(content)).num_rows
    return rows


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


FACTS: dict[str, Callable[[bytes], Any]] = {
    "size_bytes": _size,
    "row_count": _rows,
    "sha256": _sha256,
}


class RememberingServer(JsonServer):
    """Stores files in memory, and rejects names in use.

    Args:
        tells: The keys of `FACTS` that its listings contain.

    Attributes:
        files: The dataset.
        rival: Files that another client adds just before the first upload is complete.
    """

    api_key = "key-of-the-remembering-service"
    dataset_id = DATASET_ID

    def __init__(self, *tells: str) -> None:
        super().__init__()
        self.tells = tells
        self.files: dict[str, bytes] = {}
        self.rival: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def listing(self) -> list[dict[str, Any]]:
        return [
            {"file_name": name, **{fact: FACTS[fact](content) for fact in self.tells}}
            for name, content in self.files.items()
        ]

    def add(self, name: str, content: bytes) -> bool:
        """Add a file to the dataset, unless its name is in use."""
        with self._lock:
            rival, self.rival = self.rival, {}
            for taken, other in rival.items():
                self.files.setdefault(taken, other)
            if name in self.files:
                return False
            self.files[name] = content
            return True

    def receive(self, body: bytes, request: Request) -> None:
        part = re.search(rb'filename="([^"]*)".*?\r\n\r\n(.*)\r\n--', body, re.DOTALL)
        assert part is not None
        name = part[1].decode()
        if self.add(name, part[2]):
            request.answer({"file_id": f"file_{len(self.files)}"})
        else:
            request.answer({"error": f"{name} already exists"}, 409)
