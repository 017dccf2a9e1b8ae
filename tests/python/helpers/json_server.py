"""A base for fake servers of the dataset API."""

from __future__ import annotations

import json
from typing import Any

from helpers.background_server import BackgroundServer, QuietHandler


class JsonServer(BackgroundServer):
    """Implements as much of the dataset API as an upload needs, with one dataset."""

    dataset_id: str

    connections = 0
    """The number of connections opened so far."""

    def __init__(self) -> None:
        server = self

        class Handler(Request):
            owner = server

        super().__init__(Handler)

    def listing(self) -> list[Any]:
        """The files of the dataset, as in the response of `/list-dataset-files`."""
        raise NotImplementedError

    def receive(self, body: bytes, request: Request) -> None:
        """Handle a complete upload, and respond."""
        raise NotImplementedError


class Request(QuietHandler):
    owner: JsonServer
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        self.owner.connections += 1
        super().setup()

    def do_GET(self) -> None:  # noqa: N802 - named by its base
        self.answer({"dataset_id": self.owner.dataset_id})

    def do_POST(self) -> None:  # noqa: N802 - named by its base
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
