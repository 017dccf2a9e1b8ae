"""A proxy before a store or a server: counts requests, breaks and replaces responses."""

from __future__ import annotations

import http.client
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from helpers.background_server import BackgroundServer, QuietHandler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "host"}


@dataclass(frozen=True)
class Seen:
    """A request that was made."""

    method: str
    path: str
    """With the query."""
    range: str | None
    if_match: str | None
    authorization: str | None = None

    @property
    def is_of_object(self) -> bool:
        return ".parquet" in unquote(self.path.partition("?")[0])


class SourceProxy(BackgroundServer):
    """Passes requests on to a server on this machine, with the host they were sent to.

    Args:
        port: The port of the server.
    """

    def __init__(self, port: int) -> None:
        self.target = port
        self.requests: list[Seen] = []
        self.breaks: Callable[[Seen, int], int | None] = lambda _seen, _length: None
        """After how many bytes to break the body of a response; None does not."""
        self.before: Callable[[Seen], None] = lambda _seen: None
        """Runs before a request is passed on."""
        self.answers: Callable[[Seen], tuple[int, bytes] | None] = lambda _seen: None
        """Answers a request instead of the server."""
        self.loses: Callable[[Seen], bool] = lambda _seen: False
        """Whether the response to a request that was passed on is lost."""
        self.keys_listed = 0
        """The number of keys in all listings of objects."""
        self.pieces: Callable[[Seen, bytes], Iterable[bytes]] = lambda _seen, body: [body]
        """The pieces in which the body of a response is sent."""
        proxy = self

        class Handler(_Handler):
            owner = proxy

        super().__init__(Handler)

    def objects_read(self) -> list[Seen]:
        """The requests for bytes of objects."""
        return [seen for seen in self.requests if seen.method == "GET" and seen.is_of_object]


class _Handler(QuietHandler):
    owner: SourceProxy
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # noqa: N802 - named by its base
        self._pass_on()

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - named by its base

    def _pass_on(self) -> None:
        headers = self.headers
        seen = Seen(
            self.command,
            self.path,
            headers.get("Range"),
            headers.get("If-Match"),
            headers.get("Authorization"),
        )
        body = self.rfile.read(int(headers.get("Content-Length") or 0))
        self.owner.requests.append(seen)
        self.owner.before(seen)
        answer = self.owner.answers(seen)
        if answer is not None:
            self._respond(answer[0], [], answer[1], None)
            return
        server = http.client.HTTPConnection("127.0.0.1", self.owner.target, timeout=30)
        server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        server.putheader("Host", headers["Host"])
        for name, value in headers.items():
            if name.lower() not in _BY_HOP:
                server.putheader(name, value)
        server.endheaders(body)
        response = server.getresponse()
        body = response.read()
        if "list-type" in self.path:
            self.owner.keys_listed += body.count(b"<Key>")
        length = response.headers.get("Content-Length")
        kept = [
            (name, value)
            for name, value in response.headers.items()
            if name.lower() not in _BY_HOP | {"content-length"}
        ]
        server.close()
        if self.owner.loses(seen):
            self.close_connection = True
            return
        size = int(length) if self.command == "HEAD" and length is not None else len(body)
        self._respond(response.status, kept, body, size)

    def _respond(
        self, status: int, headers: list[tuple[str, str]], body: bytes, size: int | None
    ) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if size is None else size))
        self.end_headers()
        if self.command == "HEAD":
            return
        seen = Seen(self.command, self.path, self.headers.get("Range"), None)
        end = self.owner.breaks(seen, len(body))
        for piece in self.owner.pieces(seen, body[:end]):
            self.wfile.write(piece)
            self.wfile.flush()
        if end is not None:
            self.close_connection = True


def once(action: Callable[[], None]) -> Callable[[], None]:
    """Run an action at the first call only."""
    lock = threading.Lock()
    done = False

    def run() -> None:
        nonlocal done
        with lock:
            if done:
                return
            done = True
        action()

    return run
