"""Errors from proxies and gateways are reported as such."""

from __future__ import annotations

import shutil
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import parquet_bytes
from helpers.busy_proxies import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import RunSutro

needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")

NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass {upstream}; proxy_http_version 1.1; {more} }}
    location ~ ^/(upload-to-dataset|stage-file)$ {{
      proxy_pass {upstream}; proxy_http_version 1.1; {of_uploads}
    }}
  }}
}}
"""


@contextmanager
def _nginx(upstream: str, folder: Path, more: str = "", of_uploads: str = "") -> Iterator[str]:
    """Run nginx with its own defaults in front of `upstream`."""
    folder.mkdir()
    port = free_port()
    config = folder / "nginx.conf"
    settings = {"more": more, "of_uploads": of_uploads}
    config.write_text(NGINX.format(folder=folder, port=port, upstream=upstream, **settings))
    with running(["nginx", "-p", str(folder), "-c", str(config)], port) as url:
        yield url


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file above nginx's default limit of 1 MiB."""
    path = tmp_path / "large.parquet"
    path.write_bytes(parquet_bytes(300_000, "x"))
    assert path.stat().st_size > 1 << 20
    return path


@needs_nginx
def test_the_size_limit_of_nginx_is_reported_with_the_file_and_its_size(
    server: sutro.LocalServer, tmp_path: Path, large: Path
) -> None:
    with _nginx(server.api_url, tmp_path / "nginx") as url:
        client = sutro.Client(server.api_key, url)
        dataset_id = client.create_dataset()
        with pytest.raises(sutro.RefusedError) as error:
            client.upload(large, dataset_id)

    assert (error.value.status, error.value.file_name) == (413, "large.parquet")
    host = url.removeprefix("http://")
    size = large.stat().st_size
    message = str(error.value)
    assert (
        f"something between this machine and {host} rejected large.parquet ({size} bytes)"
        in message
    )
    assert "does not accept bodies of this size" in message
    assert "URL" not in message


@needs_nginx
def test_the_command_exits_with_7_if_a_proxy_rejects_the_upload_so_that_retry_loops_end(
    server: sutro.LocalServer, tmp_path: Path, folder: Path, large: Path, run_sutro: RunSutro
) -> None:
    with _nginx(server.api_url, tmp_path / "nginx") as url:
        environment = {"SUTRO_API_KEY": server.api_key, "SUTRO_API_URL": url}
        dataset_id = server.client().create_dataset()
        command = ("upload", folder / "part-0.parquet", large, "--dataset", dataset_id)
        codes = [run_sutro(*command, environment=environment).returncode for _ in range(2)]

    # The first file is there after the first run, and nothing more after the second.
    assert codes == [6, 7]


@needs_nginx
@pytest.mark.parametrize("status", [400, 403, 404, 405, 411, 415, 431, 451])
def test_a_rejection_of_uploads_only_does_not_blame_the_url(
    server: sutro.LocalServer, tmp_path: Path, folder: Path, status: int
) -> None:
    with _nginx(server.api_url, tmp_path / "nginx", of_uploads=f"return {status};") as url:
        client = sutro.Client(server.api_key, url, max_retries=1)
        with pytest.raises(sutro.SutroError) as error:
            client.upload(folder)

    kind = sutro.AuthenticationError if status == 403 else sutro.RefusedError
    assert type(error.value) is kind
    assert getattr(error.value, "status", None) == status
    assert "URL" not in str(error.value)


@needs_nginx
@pytest.mark.parametrize("status", [400, 404, 405])
def test_an_error_asks_about_the_url_if_no_response_came_from_the_api(
    server: sutro.LocalServer, tmp_path: Path, status: int, run_sutro: RunSutro
) -> None:
    with _nginx(server.api_url, tmp_path / "nginx", more=f"return {status};") as url:
        with pytest.raises(sutro.NotTheApiError, match="Is the API URL right"):
            sutro.Client(server.api_key, url).list_datasets()
        environment = {"SUTRO_API_KEY": server.api_key, "SUTRO_API_URL": url}
        assert run_sutro("datasets", "list", environment=environment).returncode == 1


@contextmanager
def _proxy(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that sends this response to every request."""
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    requests.append(connection.recv(65536))
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize("url", ["https://sutro.invalid", "http://sutro.invalid"])
def test_a_proxy_that_requires_a_password_is_not_retried(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with _proxy(answer) as (proxy, requests):
        for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"]:
            monkeypatch.setenv(variable, proxy)
        with pytest.raises(
            sutro.RefusedError, match="requires a user name and a password"
        ) as error:
            sutro.Client("key-that-is-secret", url).list_datasets()

    assert error.value.status == 407
    assert len(requests) == 1
    assert "sutro.invalid" in str(error.value)
