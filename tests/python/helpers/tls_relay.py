"""A TLS terminator that counts connections, limits them, or closes them early."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import suppress
from typing import Self

_ALL = 1_000_000


class TlsRelay:
    """Forwards TLS connections to a plain server, in a thread.

    Args:
        context: The TLS settings, with a certificate for localhost.
        port: The port of the plain server on this machine.
        places: The number of concurrent connections. Others wait before their handshake.
        answers: Close a connection silently after this many responses.
    """

    def __init__(
        self, context: ssl.SSLContext, port: int, *, places: int = _ALL, answers: int = _ALL
    ) -> None:
        self.connections = 0
        self.unused = 0
        """The number of connections without a request."""
        self.url = ""
        self._context, self._port = context, port
        self._places, self._answers = places, answers
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        places = asyncio.Semaphore(self._places)
        # Nothing is accepted before there is a place: `start_server` would accept everything.
        listener = await self._loop.run_in_executor(None, self._listener)
        self.url = f"https://localhost:{listener.getsockname()[1]}"
        self._ready.set()
        tasks = set[asyncio.Task[None]]()

        async def accept() -> None:
            while True:
                await places.acquire()
                connection, _ = await self._loop.sock_accept(listener)
                self.connections += 1
                self.unused += 1
                task = asyncio.create_task(self._relay(connection))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                task.add_done_callback(lambda _: places.release())

        accepting = asyncio.create_task(accept())
        await self._over.wait()
        for task in (accepting, *tasks):
            task.cancel()
        await asyncio.gather(accepting, *tasks, return_exceptions=True)
        listener.close()

    @staticmethod
    def _listener() -> socket.socket:
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        listener.setblocking(False)
        return listener

    async def _relay(self, connection: socket.socket) -> None:
        with suppress(OSError, ssl.SSLError):
            reader = asyncio.StreamReader()
            protocol = asyncio.StreamReaderProtocol(reader)
            transport, _ = await self._loop.connect_accepted_socket(
                lambda: protocol, connection, ssl=self._context
            )
            writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
            forward = asyncio.create_task(self._forward(reader, to_server))
            back = asyncio.create_task(_copy(from_server, writer, self._answers))
            try:
                await asyncio.wait({forward, back}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                forward.cancel()
                back.cancel()
                writer.close()
                to_server.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(65536)
        if first:
            self.unused -= 1
            writer.write(first)
            await _copy(reader, writer, _ALL)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pieces: int) -> None:
    """Copy data. A response of the dataset API arrives in one piece."""
    with suppress(OSError):
        for _ in range(pieces):
            piece = await reader.read(65536)
            if not piece:
                return
            writer.write(piece)
            await writer.drain()
