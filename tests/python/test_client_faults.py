"""What breaks on this machine, or on the way to the service, and what is right then."""

from __future__ import annotations

import multiprocessing
import os
import random
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Self

import pytest
import trustme

import sutro
from conftest import PARTS, write_parquet
from test_upload import names_in

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="about processes of POSIX")

KILLS = int(os.environ.get("SUTRO_KILLS", "3"))
"""`make soak` asks for more."""


@posix_only
@pytest.mark.timeout(60 + 10 * KILLS)
def test_after_kill_9_the_dataset_is_a_prefix_and_the_next_run_completes_it(
    server: sutro.LocalServer, folder: Path
) -> None:
    client = server.client()
    moments = random.Random(KILLS)
    for _ in range(KILLS):
        dataset_id = client.create_dataset()
        moment = moments.randrange(len(PARTS))
        process = subprocess.Popen(
            [sys.executable, "-m", "sutro", "upload", str(folder), "--dataset", dataset_id],
            env={
                **os.environ,
                "SUTRO_API_KEY": server.api_key,
                "SUTRO_API_URL": server.api_url,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and len(names_in(client, dataset_id)) < moment:
            pass
        process.kill()
        process.wait()

        # The service may be about to take the file that was let go last.
        names = names_in(client, dataset_id)
        assert names == PARTS[: len(names)]
        report = client.upload(folder, dataset_id)

        assert names_in(client, dataset_id) == PARTS
        assert len(report) == len(PARTS)


class _Empty(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        answer = b'{"datasets": []}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        pass


class TlsService:
    """A service without datasets, whose certificate is for `host`, by an authority of its own."""

    def __init__(self, host: str) -> None:
        self.authority = trustme.CA()
        self.connections = 0
        service, context = self, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(host).configure_cert(context)

        class Server(HTTPServer):
            def get_request(self) -> Any:
                connection, address = self.socket.accept()
                service.connections += 1
                return context.wrap_socket(connection, server_side=True), address

            def handle_error(self, *_: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), _Empty)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"https://localhost:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.mark.parametrize("host", ["localhost", "example.com"])
def test_a_certificate_that_cannot_be_trusted_is_told_at_once(host: str) -> None:
    with (
        TlsService(host) as service,
        pytest.raises(sutro.TransferError, match=r"certificate of localhost:\d+ cannot") as error,
    ):
        sutro.Client("key", service.url).list_datasets()

    assert service.connections == 1, "it is not tried again"
    assert "SUTRO_CA_BUNDLE" in str(error.value)


@pytest.mark.parametrize("variable", ["SUTRO_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_file_of_certificates_is_trusted_besides_those_of_the_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    with TlsService("localhost") as service:
        bundle = tmp_path / "company.pem"
        service.authority.cert_pem.write_to_path(str(bundle))
        monkeypatch.setenv(variable, str(bundle))

        assert sutro.Client("key", service.url).list_datasets() == []


def test_a_file_of_certificates_that_cannot_be_used_is_told_when_it_is_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    sutro.Client("key", "https://localhost:1")
    for path, words in [(tmp_path / "none.pem", "No such file"), (Path(__file__), "in PEM form")]:
        monkeypatch.setenv("SUTRO_CA_BUNDLE", str(path))
        with pytest.raises(sutro.ConfigurationError, match=words):
            sutro.Client("key", "https://localhost:1")


def test_a_service_that_refuses_a_third_upload_gets_all_files_in_order(
    folder: Path, tmp_path: Path
) -> None:
    paths = [folder / name for name in PARTS[:6]]
    with sutro.LocalServer(tmp_path / "small", max_uploads=2) as server:
        report = server.client().upload(paths)

        assert names_in(server.client(), report.dataset_id) == PARTS[:6]
        assert max(file.attempts for file in report) < 6, "it is not asked again and again"


FEW_FILES = """
import resource, sys, sutro
resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))
client = sutro.Client(sys.argv[1], sys.argv[2])
report = client.upload(sys.argv[3], concurrency=48)
print(len(report), report.concurrency)
"""


@posix_only
def test_with_too_few_file_handles_an_upload_goes_on_with_fewer_connections(
    server: sutro.LocalServer, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(100):
        write_parquet(folder / f"{number}.parquet")

    run = subprocess.run(
        [sys.executable, "-c", FEW_FILES, server.api_key, server.api_url, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )

    assert run.returncode == 0, run.stderr
    assert run.stdout.split()[0] == "100"


@posix_only
def test_a_forked_child_uploads_on_its_own(client: sutro.Client, folder: Path) -> None:
    dataset_id = client.upload(folder / PARTS[0]).dataset_id
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[int] = context.Queue()
    child = context.Process(
        target=lambda: queue.put(len(client.upload(folder, dataset_id, concurrency=2))),
        daemon=True,
    )
    child.start()

    try:
        assert queue.get(timeout=30) == len(PARTS)
    finally:
        child.kill()
    assert names_in(client, dataset_id) == PARTS


@posix_only
def test_what_is_no_regular_file_is_refused_without_being_opened(
    client: sutro.Client, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe.parquet"
    os.mkfifo(pipe)
    loop = tmp_path / "loop.parquet"
    loop.symlink_to(loop)

    for path in (pipe, loop, tmp_path / "missing.parquet"):
        with pytest.raises(sutro.CheckError, match=path.name):
            client.upload(path)
    assert client.list_datasets() == []
