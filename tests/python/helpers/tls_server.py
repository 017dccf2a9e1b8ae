"""An empty server behind TLS, with any certificate and settings."""

from __future__ import annotations

import ssl
from http.server import HTTPServer
from typing import TYPE_CHECKING, Any, Self

from helpers.background_server import BackgroundServer, QuietHandler

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable


class _Empty(QuietHandler):
    def do_POST(self) -> None:  # noqa: N802 - named by its base
        answer = b'{"datasets": []}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


class TlsServer(BackgroundServer):
    """Counts its connections. `wrap` turns a TCP connection into a TLS connection."""

    def __init__(self, wrap: Callable[[socket.socket], socket.socket]) -> None:
        self.connections = 0
        owner = self

        class Server(HTTPServer):
            def get_request(self) -> Any:
                connection, address = self.socket.accept()
                owner.connections += 1
                try:
                    return wrap(connection), address
                except OSError:
                    connection.close()
                    raise

            def handle_error(self, *_: Any) -> None:
                pass

        super().__init__(_Empty, Server)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @classmethod
    def with_context(cls, context: ssl.SSLContext) -> Self:
        """A server with these TLS settings."""
        return cls(lambda connection: context.wrap_socket(connection, server_side=True))


def server_context() -> ssl.SSLContext:
    """TLS settings that also allow old and weak algorithms."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context
