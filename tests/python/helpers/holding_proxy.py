"""A proxy in front of a server that leaves the client waiting at one of its requests."""

from __future__ import annotations

import http.client
import threading
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from helpers.background_server import BackgroundServer, QuietHandler

if TYPE_CHECKING:
    from collections.abc import Callable

_OF_A_CONNECTION = {"connection", "transfer-encoding", "content-length", "host", "expect"}


class HoldingProxy(BackgroundServer):
    """Passes requests on, and holds one.

    Args:
        upstream: The URL of the server.
        path: Requests to this path are counted.
        passes: The request after so many is held, and those after it.
        reaches: Whether the server gets the request that is held. Its answer is never passed on.

    Attributes:
        on_hold: Called when the first request is held.
        held: Set then.
        dropped: Set when the client has closed the connection of a request that is held.
    """

    def __init__(self, upstream: str, path: str, *, passes: int = 0, reaches: bool = True) -> None:
        proxy = self

        class Handler(_Request):
            owner = proxy

        self.upstream, self.path, self.passes, self.reaches = upstream, path, passes, reaches
        self.on_hold: Callable[[], object] = lambda: None
        self.held = threading.Event()
        self.dropped = threading.Event()
        self._numbers = count()
        self._lock = threading.Lock()
        super().__init__(Handler)

    def holds(self, path: str) -> bool:
        return path.partition("?")[0] == self.path and next(self._numbers) >= self.passes

    def holding(self) -> None:
        """Tell, once, that a request is held."""
        with self._lock:
            is_first = not self.held.is_set()
            self.held.set()
        if is_first:
            self.on_hold()


class _Request(QuietHandler):
    owner: HoldingProxy
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # noqa: N802 - named by its base
        self._pass_on()

    def do_POST(self) -> None:  # noqa: N802 - named by its base
        self._pass_on()

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_held = self.owner.holds(self.path)
        if is_held and not self.owner.reaches:
            self._hold()
            return
        headers = {n: v for n, v in self.headers.items() if n.lower() not in _OF_A_CONNECTION}
        upstream = http.client.HTTPConnection(urlsplit(self.owner.upstream).netloc, timeout=50)
        try:
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            content = answer.read()
        finally:
            upstream.close()
        if is_held:
            self._hold()
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _OF_A_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _hold(self) -> None:
        self.close_connection = True
        self.owner.holding()
        try:
            # Nothing more is sent on this connection: this waits for its end.
            self.connection.recv(1)
        finally:
            self.owner.dropped.set()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True
