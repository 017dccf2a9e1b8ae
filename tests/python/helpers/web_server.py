"""An HTTP server with files, and one that speaks like the Hugging Face hub."""

from __future__ import annotations

import json
import random
import re
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

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

    def page(self, _path: str) -> tuple[int, bytes, dict[str, str]] | None:
        """A response that is not a file."""
        return None


class _Handler(QuietHandler):
    owner: WebServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # noqa: N802 - named by its base
        owner = self.owner
        owner.seen.append((self.path, self.headers.get("Authorization")))
        path = self.path.partition("?")[0]
        page = owner.page(self.path)
        if page is not None:
            status, content, headers = page
            self._respond(status, content, **headers)
        elif path in owner.redirects:
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


class HubServer(WebServer):
    """A repository, `datasets/org/repo`, with the calls of the hub that list and read it."""

    REPOSITORY = "/datasets/org/repo"
    PAGE = 2
    """Entries on a page of a listing."""

    def __init__(self) -> None:
        super().__init__()
        self.commits = {"main": "c0ffee"}
        self.token: str | None = None
        """The only one that may read."""

    def put(self, path: str, content: bytes, revision: str = "main") -> None:
        commit, path = self.commits[revision], quote(path, safe="/=")
        self.files[f"{self.REPOSITORY}/resolve/{commit}/{path}"] = content

    def listings(self) -> list[str]:
        """The requests for trees."""
        return [path for path, _ in self.seen if "/tree/" in path]

    def page(self, path: str) -> tuple[int, bytes, dict[str, str]] | None:
        call = path.removeprefix(f"/api{self.REPOSITORY}/")
        if not path.startswith("/api/"):
            return None
        if self.token is not None and self.seen[-1][1] != f"Bearer {self.token}":
            return 401, b"", {}
        if call == path:
            return 404, b"", {}
        kind, _, rest = call.partition("/")
        if kind == "revision":
            commit = self.commits.get(unquote(rest))
            found = json.dumps({"sha": commit, "id": "org/repo"}).encode()
            return (404, b"", {}) if commit is None else (200, found, {})
        return self._tree(rest)

    def _tree(self, rest: str) -> tuple[int, bytes, dict[str, str]]:
        split = urlsplit(rest)
        commit, _, folder = unquote(split.path).partition("/")
        query = parse_qs(split.query)
        start = int(query.get("cursor", ["0"])[0])
        entries = self._entries(commit, folder, is_recursive="recursive" in query)
        if not entries:
            return 404, b"", {}
        headers = {}
        if start + self.PAGE < len(entries):
            recursive = "recursive=true&" if "recursive" in query else ""
            # The hub's own name, also where a mirror was asked.
            url = f"https://huggingface.co/api?{recursive}cursor={start + self.PAGE}"
            headers["Link"] = f'<{url}>; rel="next"'
        return 200, json.dumps(entries[start : start + self.PAGE]).encode(), headers

    def _entries(self, commit: str, folder: str, *, is_recursive: bool) -> list[dict[str, object]]:
        root = f"{self.REPOSITORY}/resolve/{commit}/"
        sizes = {
            unquote(path.removeprefix(root)): len(content)
            for path, content in self.files.items()
            if path.startswith(root)
        }
        prefix = f"{folder}/" if folder else ""
        entries: dict[str, dict[str, object]] = {}
        for path, size in sorted(sizes.items()):
            if not path.startswith(prefix):
                continue
            *folders, name = path.removeprefix(prefix).split("/")
            for depth in range(1, len(folders) + 1):
                parent = prefix + "/".join(folders[:depth])
                if is_recursive or depth == 1:
                    entries[parent] = {"type": "directory", "path": parent, "size": 0, "oid": "0"}
            if is_recursive or not folders:
                entries[prefix + "/".join([*folders, name])] = {
                    "type": "file",
                    "path": path,
                    "size": size,
                    "oid": "0",
                }
        return list(entries.values())
