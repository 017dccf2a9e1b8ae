"""Uploads of files on the web."""

from __future__ import annotations

from http.server import SimpleHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest
import trustme

import sutro
from conftest import parquet_bytes
from helpers.background_server import BackgroundServer
from helpers.datasets import ids_in, names_in
from helpers.tls_server import server_context
from helpers.web_server import WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
        ("hf://datasets/org", "names no repository"),
        ("hf://models/org/repo/a.parquet", "names no repository"),
    ]:
        with pytest.raises(sutro.ConfigurationError, match=says) as error:
            sutro.check(url)
        assert "hush" not in str(error.value)


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """A server at https://, whose certificate is trusted."""
    authority, context = trustme.CA(), server_context()
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    with WebServer(context) as web:
        yield web


def test_files_at_https_are_uploaded_although_their_reads_break_at_any_byte(
    client: sutro.Client, secure: WebServer, tmp_path: Path
) -> None:
    content = {f"{n}.parquet": parquet_bytes(30_000, f"text {n} of it") for n in range(4)}
    secure.files = {f"/data/{name}": bytes_ for name, bytes_ in content.items()}
    secure.breaks = 20
    urls = [f"https://localhost:{secure.port}/data/{name}" for name in content]

    report = client.upload(urls)
    packed = client.upload(urls, target_file_size="1GB")

    assert secure.breaks == 0
    paths = client.download_from_dataset(report.dataset_id, output_path=tmp_path / "out")
    assert {path.name: path.read_bytes() for path in map(type(tmp_path), paths)} == content
    assert packed[0].sources == tuple(urls)
    assert ids_in(client, packed.dataset_id) == ids_in(client, report.dataset_id)


def test_a_server_at_https_without_ranges_is_told_to_be_one(secure: WebServer) -> None:
    secure.files["/a.parquet"] = parquet_bytes(3)
    secure.has_ranges = False
    report = sutro.check(f"https://localhost:{secure.port}/a.parquet")
    assert "does not return ranges of bytes" in report.problems[0]


def test_a_server_at_https_that_is_not_trusted_is_named(
    secure: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    url = f"https://localhost:{secure.port}/a.parquet"
    report = sutro.check(url)
    assert report.problems[0].startswith(url)
    assert "certificate" in report.problems[0]
    assert secure.seen == []
