"""A proxy that counts bytes, and stops at one of them."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable


class MeteredProxy:
    """Passes connections on to a server on this machine.

    Args:
        port: The port of the server.

    Attributes:
        passed: The number of bytes that were passed, in both directions together.
    """

    def __init__(self, port: int) -> None:
        self._server = port
        self.passed = 0
        self._last: int | None = None
        self._action: Callable[[], object] = lambda: None
        self._lock = threading.Lock()
        self._goes_on = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.go_on()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop_at(self, byte: int, action: Callable[[], object]) -> None:
        """Count from zero. Pass no byte from this one on, and run an action once."""
        self._goes_on.clear()
        with self._lock:
            self.passed, self._last, self._action = 0, byte, action

    def go_on(self) -> None:
        """Count from zero, and pass everything."""
        with self._lock:
            self.passed, self._last, self._action = 0, None, lambda: None
        self._goes_on.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.go_on()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._server)) as server:
            back = threading.Thread(target=self._pass, args=[server, client], daemon=True)
            back.start()
            self._pass(client, server)
            back.join()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while received := source.recv(1 << 14):
                count = self._count(len(received))
                target.sendall(received[:count])
                if count < len(received):
                    self._goes_on.wait()
                    target.sendall(received[count:])
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _count(self, received: int) -> int:
        """How many of the received bytes are passed now."""
        action = None
        with self._lock:
            count = received
            if self._last is not None:
                count = max(0, min(received, self._last - self.passed))
                if count < received:
                    action, self._action = self._action, lambda: None
            self.passed += count
        if action is not None:
            action()
        return count
