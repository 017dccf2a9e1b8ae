"""A service that commits some files and then leaves the client waiting, or refuses."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

DATASET_ID = "dataset-held"


class HoldingService:
    """Speaks as much of the dataset API as an upload needs, on a free port.

    The first `commits` files are committed; `on_commit` is called before each answer. The next
    one is refused with `refusal` (HTTP status and words) where that is set; else its request is
    never answered: `held` is set, `on_hold` called, and `dropped` set when the client has closed
    the connection.
    """

    api_key = "key-of-the-holding-service"

    def __init__(self) -> None:
        self.commits = 0
        self.refusal: tuple[int, str] | None = None
        self.on_commit: Callable[[], None] = lambda: None
        self.on_hold: Callable[[], None] = lambda: None
        self.held = threading.Event()
        self.dropped = threading.Event()
        self.names: list[str] = []
        self._lock = threading.Lock()
        service = self

        class Handler(_Handler):
            holding = service

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever)

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def commit(self, name: str) -> bool:
        with self._lock:
            if len(self.names) == self.commits:
                return False
            self.names.append(name)
            return True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    holding: HoldingService
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200, {"dataset_id": DATASET_ID})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
        elif self.path == "/list-dataset-files":
            self._answer(200, {"files": self.holding.names})
        else:
            self._receive(body)

    def _receive(self, body: bytes) -> None:
        found = re.search(rb'filename="([^"]*)"', body)
        assert found is not None
        if self.holding.commit(found[1].decode()):
            self.holding.on_commit()
            self._answer(200, {"file_id": f"file_{len(self.holding.names)}"})
        elif self.holding.refusal is not None:
            status, words = self.holding.refusal
            self._answer(status, {"error": words})
        else:
            self.holding.held.set()
            self.holding.on_hold()
            # Nothing more is sent on this connection: this waits for its end.
            self.connection.recv(1)
            self.close_connection = True
            self.holding.dropped.set()

    def _answer(self, status: int, content: object) -> None:
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
