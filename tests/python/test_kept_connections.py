"""TLS connections are reused after an upload, without blocking other clients."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import trustme

import sutro
from conftest import parquet_bytes
from helpers.tls_relay import TlsRelay

if TYPE_CHECKING:
    from pathlib import Path

FILES = 80
CONCURRENCY = 8


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number}.parquet").write_bytes(parquet_bytes(number + 1))
    return folder


@pytest.fixture
def server_without_staging(tmp_path: Path) -> sutro.LocalServer:
    """A server that does not stage files, so that clients commit through the gate."""
    return sutro.LocalServer(tmp_path / "no-staging", max_staged_files=0)


class Relays:
    """TLS relays in front of a server, with a certificate for clients to trust."""

    def __init__(self, folder: Path, server: sutro.LocalServer) -> None:
        authority, self.context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(self.context)
        self.certificate = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.certificate))
        self.server = server

    def relay(self, **settings: int) -> TlsRelay:
        return TlsRelay(self.context, urlsplit(self.server.api_url).port or 0, **settings)


@pytest.mark.parametrize("ordered", [True, False])
def test_connections_are_reused_between_uploads(
    server_without_staging: sutro.LocalServer,
    tmp_path: Path,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    ordered: bool,
) -> None:
    with server_without_staging as server:
        relays = Relays(tmp_path, server)
        monkeypatch.setenv("SSL_CERT_FILE", str(relays.certificate))
        with relays.relay() as relay:
            client = sutro.Client(server.api_key, relay.url)
            report = client.upload(files, concurrency=CONCURRENCY, ordered=ordered)
        assert len(server.client().list_dataset_files(report.dataset_id)) == FILES
    # Held files have connections of their own, and so have the other calls.
    assert relay.connections < FILES * 0.7


@pytest.mark.parametrize("answers", [1, 3])
def test_a_server_that_closes_connections_silently_receives_all_files_in_order(
    server_without_staging: sutro.LocalServer,
    tmp_path: Path,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    answers: int,
) -> None:
    with server_without_staging as server:
        relays = Relays(tmp_path, server)
        monkeypatch.setenv("SSL_CERT_FILE", str(relays.certificate))
        with relays.relay(answers=answers) as relay:
            report = sutro.Client(server.api_key, relay.url).upload(files)
        listed = server.client().list_dataset_files(report.dataset_id)
    assert [file.file_name for file in listed] == [f"{number}.parquet" for number in range(FILES)]


@pytest.mark.parametrize("places", [1, 2, 5])
def test_kept_connections_do_not_starve_a_server_with_few_connections(
    server_without_staging: sutro.LocalServer,
    tmp_path: Path,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    places: int,
) -> None:
    with server_without_staging as server:
        relays = Relays(tmp_path, server)
        monkeypatch.setenv("SSL_CERT_FILE", str(relays.certificate))
        with relays.relay(places=places) as relay:
            report = sutro.Client(server.api_key, relay.url).upload(files)
        listed = server.client().list_dataset_files(report.dataset_id)
    assert [file.file_name for file in listed] == [f"{number}.parquet" for number in range(FILES)]
    # A run that goes on keeping connections opens one more for each file, which waits in the queue,
    # and then keeps a place for 100 ms.
    assert relay.unused < FILES / 2
