"""A server that commits some files, then holds or rejects the next one."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from helpers.json_server import JsonServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from helpers.json_server import Request

DATASET_ID = "dataset-held"


class HoldingServer(JsonServer):
    """Commits some files, then holds or rejects the next one.

    It commits the first `commits` files, and calls `on_commit` before each response. If `refusal`
    (HTTP status and text) is set, it rejects the next file. Otherwise it never responds: it sets
    `held`, calls `on_hold`, and sets `dropped` when the client has closed the connection.
    """

    api_key = "key-of-the-holding-service"
    dataset_id = DATASET_ID

    def __init__(self) -> None:
        super().__init__()
        self.commits = 0
        self.refusal: tuple[int, str] | None = None
        self.on_commit: Callable[[], None] = lambda: None
        self.on_hold: Callable[[], None] = lambda: None
        self.held = threading.Event()
        self.dropped = threading.Event()
        self.names: list[str] = []
        self._lock = threading.Lock()

    def commit(self, name: str) -> bool:
        with self._lock:
            if len(self.names) == self.commits:
                return False
            self.names.append(name)
            return True

    def listing(self) -> list[str]:
        return self.names

    def receive(self, body: bytes, request: Request) -> None:
        found = re.search(rb'filename="([^"]*)"', body)
        assert found is not None
        if self.commit(found[1].decode()):
            self.on_commit()
            request.answer({"file_id": f"file_{len(self.names)}"})
        elif self.refusal is not None:
            status, words = self.refusal
            request.answer({"error": words}, status)
        else:
            self.held.set()
            self.on_hold()
            # Nothing more is sent on this connection: this waits for its end.
            request.connection.recv(1)
            request.close_connection = True
            self.dropped.set()
