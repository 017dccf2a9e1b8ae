"""Uploads of files on the web, and of the Hugging Face hub."""

from __future__ import annotations

import re
from http.server import SimpleHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import parquet_bytes
from helpers.background_server import BackgroundServer, QuietHandler
from helpers.datasets import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class WebServer(BackgroundServer):
    """Serves files, in ranges."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.etags: dict[str, str] = {}
        self.redirects: dict[str, str] = {}
        self.refuses: int | None = None
        self.breaks = 0
        self.seen: list[tuple[str, str | None]] = []
        server = self

        class Handler(_Handler):
            owner = server

        super().__init__(Handler)


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
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        self.wfile.write(body)


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as web:
        yield web


def test_files_on_the_web_are_uploaded_under_their_decoded_names(
    client: sutro.Client, web: WebServer, folder: Path
) -> None:
    web.files = {
        "/data/a%20b.parquet": parquet_bytes(3),
        "/c.parquet": parquet_bytes(60_000, "a text that does not repeat"),
    }
    web.breaks = 3
    sources = [
        f"{web.api_url}/data/a%20b.parquet?signature=hush",
        folder / "part-1.parquet",
        f"{web.api_url}/c.parquet",
    ]
    report = client.upload([str(source) for source in sources])

    assert names_in(client, report.dataset_id) == ["a b.parquet", "part-1.parquet", "c.parquet"]
    assert web.breaks == 0
    assert any("signature=hush" in path for path, _ in web.seen)
    assert "hush" not in repr(report) + str(report.to_dict())


def test_a_server_without_ranges_is_told_to_be_one(folder: Path) -> None:
    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    with BackgroundServer(Handler) as plain:
        url = f"{plain.api_url}/part-1.parquet"
        report = sutro.check(url)

    words = "the server does not return ranges of bytes, so a part of the file cannot be read"
    assert report.problems == (f"{url}: {words}; download it first",)


@pytest.mark.parametrize(
    ("status", "says"), [(403, "refused access; a signed URL may have expired"), (410, "no such")]
)
def test_a_refusal_is_told_without_the_signature(web: WebServer, status: int, says: str) -> None:
    web.refuses = status
    report = sutro.check(f"{web.api_url}/a.parquet?signature=hush")
    assert says in report.problems[0]
    assert "hush" not in report.problems[0]


def test_a_file_that_changes_after_the_check_is_not_uploaded(
    client: sutro.Client, web: WebServer
) -> None:
    web.files["/a.parquet"] = parquet_bytes(60_000, "a text that does not repeat")
    dataset_id = client.create_dataset()

    class Changing(dict[str, str]):
        reads = 0

        def get(self, path: str, default: str = "") -> str:  # type: ignore[override]
            self.reads += 1
            return '"2"' if self.reads > 2 else super().get(path, default)

    web.etags = Changing()
    with pytest.raises(sutro.FileChangedError, match="it was replaced"):
        client.upload(f"{web.api_url}/a.parquet", dataset_id)
    assert names_in(client, dataset_id) == []


def test_urls_that_name_no_single_file_are_rejected() -> None:
    for url, says in [
        ("https://127.0.0.1/data/*.parquet", "each URL must name one"),
        ("https://127.0.0.1/", "each URL must name one"),
        ("https://me:hush@127.0.0.1/a.parquet", "a user name or a password"),
        ("hf://datasets/org/repo/*.parquet", "names one file"),
        ("hf://datasets/org", "names no file"),
    ]:
        with pytest.raises(sutro.ConfigurationError, match=says) as error:
            sutro.check(url)
        assert "hush" not in str(error.value)


def test_a_file_of_the_hub_is_read_with_the_token_and_through_redirects(
    client: sutro.Client, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", web.api_url)
    monkeypatch.setenv("HF_TOKEN", "hush")
    address = "/datasets/org/repo/resolve/main/data/a.parquet"
    with WebServer() as storage:
        storage.files["/blob"] = parquet_bytes(4)
        other = storage.api_url.replace("127.0.0.1", "localhost")
        web.redirects[address] = f"{other}/blob?signature=1"
        report = client.upload("hf://datasets/org/repo/data/a.parquet")

    assert names_in(client, report.dataset_id) == ["a.parquet"]
    assert set(web.seen) == {(address, "Bearer hush")}
    assert {token for _, token in storage.seen} == {None}
