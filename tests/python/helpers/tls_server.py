"""A service without datasets behind TLS, with any certificate and any settings."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable


class _Empty(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        answer = b'{"datasets": []}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        pass


class TlsService:
    """Counts its connections; `wrap` makes one of a TCP connection."""

    def __init__(self, wrap: Callable[[socket.socket], socket.socket]) -> None:
        self.connections = 0
        service = self

        class Server(HTTPServer):
            def get_request(self) -> Any:
                connection, address = self.socket.accept()
                service.connections += 1
                try:
                    return wrap(connection), address
                except OSError:
                    connection.close()
                    raise

            def handle_error(self, *_: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), _Empty)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"https://localhost:{self._server.server_port}"

    @classmethod
    def with_context(cls, context: ssl.SSLContext) -> Self:
        """A service with these settings."""
        return cls(lambda connection: context.wrap_socket(connection, server_side=True))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def server_context() -> ssl.SSLContext:
    """Settings that allow what is old and weak, too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context
