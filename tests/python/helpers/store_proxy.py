"""A proxy before a store that can answer for it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self


class StoreProxy:
    """Passes connections on to a server; while `answers` is set, it answers requests itself.

    Args:
        port: The port of the server.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._answer: bytes | None = None
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def answer(self, status: str | None) -> None:
        """Answer all requests with this status from now on; with None, pass them on again."""
        self._answer = None if status is None else f"HTTP/1.1 {status}\r\n".encode()
        self._close_connections()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.close()
        self._close_connections()

    def _close_connections(self) -> None:
        while self._open:
            connection = self._open.pop()
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        if self._answer is not None:
            with connection, suppress(OSError):
                connection.recv(1 << 16)
                connection.sendall(self._answer + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
                connection.shutdown(socket.SHUT_WR)
                # What is not read resets the connection, and with it the answer.
                while connection.recv(1 << 16):
                    pass
            return
        server = socket.create_connection(("127.0.0.1", self._port))
        self._open += [connection, server]
        threading.Thread(target=_pass, args=[server, connection], daemon=True).start()
        _pass(connection, server)


def _pass(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while received := source.recv(1 << 16):
            target.sendall(received)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
