"""Real proxies that limit concurrent connections, in front of a server."""

from __future__ import annotations

import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log {folder}/access.log;
  client_max_body_size 0;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  limit_conn_zone $server_port zone=places:1m;
  {settings}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      limit_conn places {places};
      proxy_pass {upstream}; proxy_http_version 1.1; proxy_request_buffering {buffering};
    }}
  }}
}}
"""

HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout queue 500ms
frontend proxy
  bind 127.0.0.1:{port}
  {of_frontend}
  default_backend services
backend services
  server service {address} {of_server}
"""


@contextmanager
def nginx(
    upstream: str, folder: Path, places: int, buffering: str = "on", settings: str = ""
) -> Iterator[str]:
    """Run an nginx that rejects requests beyond a limit of concurrent ones with 503."""
    folder.mkdir()
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(
        NGINX.format(
            folder=folder,
            port=port,
            upstream=upstream,
            places=places,
            buffering=buffering,
            settings=settings,
        )
    )
    with running(["nginx", "-p", str(folder), "-c", str(config)], port) as url:
        yield url


@contextmanager
def haproxy(upstream: str, folder: Path, places: int, which: str) -> Iterator[str]:
    """Run a HAProxy that queues connections beyond a limit.

    Args:
        which: Where `maxconn` applies. The "frontend" does not accept further connections; a
            "server" queues them for half a second, then rejects them with 503.
    """
    folder.mkdir()
    port = free_port()
    config = folder / "haproxy.cfg"
    limit = f"maxconn {places}"
    config.write_text(
        HAPROXY.format(
            port=port,
            address=upstream.removeprefix("http://"),
            of_frontend=limit if which == "frontend" else "",
            of_server=limit if which == "server" else "",
        )
    )
    with running(["haproxy", "-q", "-db", "-f", str(config)], port) as url:
        yield url


def free_port() -> int:
    """A port that was unused a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@contextmanager
def running(command: Sequence[str], port: int) -> Iterator[str]:
    """Run a proxy until the end of the block. The block starts once it listens."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            while process.poll() is None:
                with socket.socket() as connection:
                    if connection.connect_ex(("127.0.0.1", port)) == 0:
                        break
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
