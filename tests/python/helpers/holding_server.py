"""A service that commits some files and then leaves the client waiting, or refuses."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from helpers.json_server import JsonService

if TYPE_CHECKING:
    from collections.abc import Callable

    from helpers.json_server import Request

DATASET_ID = "dataset-held"


class HoldingService(JsonService):
    """Commits some files, and holds or refuses the next.

    The first `commits` files are committed; `on_commit` is called before each answer. The next
    one is refused with `refusal` (HTTP status and words) where that is set; else its request is
    never answered: `held` is set, `on_hold` called, and `dropped` set when the client has closed
    the connection.
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
