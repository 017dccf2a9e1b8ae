"""nginx in front of several servers, with the configuration in `deploy/`."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.busy_proxies import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEPLOYMENT = Path(__file__).parents[3] / "deploy"

_MAIN = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  include {folder}/sutro.conf;
}}
"""


@contextmanager
def balancer(ports: Sequence[int], folder: Path) -> Iterator[str]:
    """Run the nginx of the deployment in front of servers on this machine, and return its URL."""
    port = free_port()
    config = balancer_config(ports, port, folder)
    with running(["nginx", "-p", str(folder), "-c", str(config)], port) as url:
        yield url


def balancer_config(ports: Sequence[int], port: int, folder: Path) -> Path:
    """Write a configuration that includes that of the deployment, with other addresses.

    Args:
        ports: Of the servers.
        port: Of nginx.
    """
    folder.mkdir()
    deployed = (DEPLOYMENT / "nginx.conf").read_text()
    servers, replaced = re.subn(
        r"(\n +server) server-1:8000( [^;]*;)\n +server server-2:8000 [^;]*;",
        lambda found: "".join(f"{found[1]} 127.0.0.1:{port}{found[2]}" for port in ports),
        deployed,
    )
    assert replaced == 1
    assert "listen 8080;" in servers
    listening = servers.replace("listen 8080;", f"listen 127.0.0.1:{port};")
    (folder / "sutro.conf").write_text(listening)
    config = folder / "nginx.conf"
    config.write_text(_MAIN.format(folder=folder))
    return config
