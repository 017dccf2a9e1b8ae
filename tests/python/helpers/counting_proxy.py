"""A proxy that counts what a client and a server say to each other."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from typing import Self

_REQUEST = re.compile(rb"(?:GET|POST|PUT|DELETE) (/[^ ?]*)[^ ]* HTTP/1\.1\r\n")


class CountingProxy:
    """Passes connections on to a server.

    Args:
        port: The port of the server.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self.open = 0
        """The number of connections that neither end has closed."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.forget()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def forget(self) -> None:
        """Count from zero."""
        self.calls: list[str] = []
        self.connections = 0
        self.sent = 0
        self.received = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for one in [self._listener, *self._sockets]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with self._lock:
                    self.connections += 1
                    self.open += 1
                server = socket.create_connection(("127.0.0.1", self._port))
                self._sockets += [client, server]
                for source, target in ((client, server), (server, client)):
                    arguments = [source, target, source is client]
                    threading.Thread(target=self._pass, args=arguments, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, is_client: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                # Counted before it is passed on, so before the other end can answer.
                with self._lock:
                    if is_client:
                        self.sent += len(data)
                        self.calls += [call.decode() for call in _REQUEST.findall(data)]
                    else:
                        self.received += len(data)
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        if is_client:
            with self._lock:
                self.open -= 1
