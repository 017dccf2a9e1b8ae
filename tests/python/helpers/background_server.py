"""HTTP servers of the standard library, run in a thread."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Self


class QuietHandler(BaseHTTPRequestHandler):
    """Writes no access log."""

    def log_message(self, *_: object) -> None:
        pass


class BackgroundServer:
    """Serves requests on a free port until the end of the block.

    Args:
        handler: Answers the requests.
        kind: The class of the server.
    """

    def __init__(
        self,
        handler: type[BaseHTTPRequestHandler],
        kind: type[HTTPServer] = ThreadingHTTPServer,
    ) -> None:
        self._http = kind(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._http.serve_forever)

    @property
    def port(self) -> int:
        return self._http.server_port

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
