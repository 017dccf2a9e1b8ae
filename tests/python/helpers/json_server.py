"""Services of the dataset API that a test makes up: what all of them are alike in."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class JsonService:
    """Speaks as much of the dataset API as an upload needs, on a free port, with one dataset."""

    dataset_id: str

    connections = 0
    """How many were opened."""

    def __init__(self) -> None:
        service = self

        class Handler(Request):
            owner = service

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever)

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def listing(self) -> list[Any]:
        """The files of the dataset, as `/list-dataset-files` tells them."""
        raise NotImplementedError

    def receive(self, body: bytes, request: Request) -> None:
        """Take the whole body of an upload, and answer."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class Request(BaseHTTPRequestHandler):
    owner: JsonService
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        self.owner.connections += 1
        super().setup()

    def do_GET(self) -> None:
        self.answer({"dataset_id": self.owner.dataset_id})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
        elif self.path == "/list-dataset-files":
            self.answer({"files": self.owner.listing()})
        else:
            self.owner.receive(body, self)

    def answer(self, content: object, status: int = 200) -> None:
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
