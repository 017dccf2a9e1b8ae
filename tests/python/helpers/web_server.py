"""A server of files on the web, with or without TLS."""

from __future__ import annotations

import random
import re
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from helpers.background_server import BackgroundServer, QuietHandler

if TYPE_CHECKING:
    import ssl


class WebServer(BackgroundServer):
    """Serves files, in ranges.

    Args:
        context: The TLS settings; None for no TLS.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.files: dict[str, bytes] = {}
        self.etags: dict[str, str] = {}
        self.redirects: dict[str, str] = {}
        self.refuses: int | None = None
        self.breaks = 0
        """How many responses break, each at any byte."""
        self.has_ranges = True
        self.chance = random.Random(3)
        self.seen: list[tuple[str, str | None]] = []
        server = self

        class Handler(_Handler):
            owner = server

        class Server(ThreadingHTTPServer):
            def get_request(self) -> Any:
                connection, address = super().get_request()
                if context is not None:
                    connection = context.wrap_socket(
                        connection, server_side=True, do_handshake_on_connect=False
                    )
                return connection, address

            def handle_error(self, *_: Any) -> None:
                """A client that does not trust the certificate closes the connection."""

        super().__init__(Handler, Server)


class _Handler(QuietHandler):
    owner: WebServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # noqa: N802 - named by its base
        owner = self.owner
        owner.seen.append((self.path, self.headers.get("Authorization")))
        path = self.path.partition("?")[0]
        if path in owner.redirects:
            self._respond(302, b"", Location=owner.redirects[path])
        elif owner.refuses is not None:
            self._respond(owner.refuses, b"")
        elif path not in owner.files:
            self._respond(404, b"")
        else:
            self._range(path, owner.files[path])

    def _range(self, path: str, content: bytes) -> None:
        if not self.owner.has_ranges:
            self._respond(200, content)
            return
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
        assert found is not None
        begin, end = int(found[1]), min(int(found[2]) + 1, len(content))
        etag = self.owner.etags.get(path, '"1"')
        if self.headers.get("If-Match") not in {None, etag}:
            self._respond(412, b"")
            return
        if begin >= len(content):
            self._respond(416, b"", **{"Content-Range": f"bytes */{len(content)}"})
            return
        part = f"bytes {begin}-{end - 1}/{len(content)}"
        self._respond(206, content[begin:end], ETag=etag, **{"Content-Range": part})

    def _respond(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.owner.breaks > 0 and len(body) > 10_000:
            self.owner.breaks -= 1
            self.wfile.write(body[: self.owner.chance.randrange(len(body))])
            self.close_connection = True
            return
        self.wfile.write(body)
