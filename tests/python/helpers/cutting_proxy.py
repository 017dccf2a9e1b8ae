"""A proxy that cuts connections after a random number of bytes."""

from __future__ import annotations

import itertools
import random
import socket
import struct
import sys
import threading
from contextlib import suppress
from typing import Self


class CuttingProxy:
    """Passes connections on to a server on this machine.

    Args:
        port: The port of the server.
        seed: Determines where connections are cut, in the order in which they are opened.
        most_bytes: How many bytes a connection passes at most, in both directions together, from
            `begin` to `end`.
        share: How many of the connections are cut; the others pass everything.
    """

    def __init__(self, port: int, seed: str, most_bytes: int, share: float = 1) -> None:
        self._port = port
        self._seed = seed
        self._most_bytes = most_bytes
        self._share = share
        self._is_cutting = False
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def begin(self) -> None:
        self._is_cutting = True

    def end(self) -> None:
        self._is_cutting = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            for number in itertools.count():
                client, _ = self._listener.accept()
                chance = random.Random(f"{self._seed} {number}")
                try:
                    server = socket.create_connection(("127.0.0.1", self._port))
                except OSError:
                    client.close()
                    continue
                most = chance.randrange(self._most_bytes)
                if chance.random() >= self._share:
                    most = sys.maxsize
                _Connection(self, client, server, most, chance)

    def take(self, connection: _Connection, received: int) -> int:
        """How many of the received bytes the connection may still pass."""
        if not self._is_cutting:
            return received
        passed = min(received, connection.bytes_left)
        connection.bytes_left -= received
        if passed < received:
            self.cuts += 1
        return passed


class _Connection:
    def __init__(
        self,
        proxy: CuttingProxy,
        client: socket.socket,
        server: socket.socket,
        bytes_left: int,
        chance: random.Random,
    ) -> None:
        self._proxy = proxy
        self._ends = (client, server)
        self.bytes_left = bytes_left
        self._resets = chance.random() < 0.5
        self._is_cut = False
        self._lock = threading.Lock()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        client, server = self._ends
        with client, server:
            back = threading.Thread(target=self._pass, args=[server, client], daemon=True)
            back.start()
            self._pass(client, server)
            back.join()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while received := source.recv(1 << 16):
                with self._lock:
                    passed = self._proxy.take(self, len(received))
                target.sendall(received[:passed])
                if passed < len(received):
                    break
            else:
                if not self._is_cut:
                    target.shutdown(socket.SHUT_WR)
                return
        self._cut()

    def _cut(self) -> None:
        """End both directions; the ends are closed when both threads have noticed."""
        self._is_cut = True
        for end in self._ends:
            with suppress(OSError):
                if self._resets:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RD if self._resets else socket.SHUT_RDWR)
