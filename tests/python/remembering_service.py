"""A service that keeps files, and tells of them as much as a test wants."""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable

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


class RememberingService:
    """Speaks as much of the dataset API as an upload needs, on a free port, with one dataset.

    Args:
        tells: Which of `FACTS` its listings tell.

    Attributes:
        files: The dataset.
        rival: Files that another client adds just before the first upload is complete.
    """

    api_key = "key-of-the-remembering-service"

    def __init__(self, *tells: str) -> None:
        self.tells = tells
        self.files: dict[str, bytes] = {}
        self.rival: dict[str, bytes] = {}
        self._lock = threading.Lock()
        service = self

        class Handler(_Handler):
            remembering = service

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever)

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def listing(self) -> list[dict[str, Any]]:
        return [
            {"file_name": name, **{fact: FACTS[fact](content) for fact in self.tells}}
            for name, content in self.files.items()
        ]

    def add(self, name: str, content: bytes) -> bool:
        """Add a file to the dataset, unless its name is taken."""
        with self._lock:
            rival, self.rival = self.rival, {}
            for taken, other in rival.items():
                self.files.setdefault(taken, other)
            if name in self.files:
                return False
            self.files[name] = content
            return True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    remembering: RememberingService
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer({"dataset_id": DATASET_ID})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
        elif self.path == "/list-dataset-files":
            self._answer({"files": self.remembering.listing()})
        else:
            part = re.search(rb'filename="([^"]*)".*?\r\n\r\n(.*)\r\n--', body, re.DOTALL)
            assert part is not None
            name = part[1].decode()
            if self.remembering.add(name, part[2]):
                self._answer({"file_id": f"file_{len(self.remembering.files)}"})
            else:
                self._answer({"error": f"{name} already exists"}, 409)

    def _answer(self, content: object, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass
