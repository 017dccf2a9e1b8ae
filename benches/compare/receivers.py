"""What contenders upload to: a neutral receiver, and the embedded service."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from compare.children import CONTENDERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


@dataclass(frozen=True)
class Link:
    """The way to the receiver."""

    name: str
    bytes_per_second: int = 0
    """Of each connection; 0 for no limit."""
    answer_after: float = 0
    """Seconds between the last byte of a file and its answer, for each file on its own."""


LINKS = {
    link.name: link
    for link in (
        Link("loopback"),
        Link("20 MB/s", bytes_per_second=20 * 10**6),
        Link("50 MB/s", bytes_per_second=50 * 10**6),
        Link("50 ms", answer_after=0.05),
        Link("200 ms", answer_after=0.2),
        Link("20 MB/s, 50 ms", bytes_per_second=20 * 10**6, answer_after=0.05),
        Link("20 MB/s, 200 ms", bytes_per_second=20 * 10**6, answer_after=0.2),
    )
}


@dataclass(frozen=True)
class Target:
    """A new dataset that waits for files."""

    url: str
    key: str
    dataset_id: str
    ca_file: str = ""
    """The certificate that it presents."""

    def file_names(self) -> list[str]:
        """Return the names of the files that came, in their order."""
        body = {"dataset_id": self.dataset_id}
        listing = _call(f"{self.url}/list-dataset-files", self.key, body, self.ca_file)
        return [file["file_name"] for file in listing["files"]]


@contextmanager
def neutral(binary: Path, link: Link) -> Iterator[Target]:
    """Start a receiver that reads and answers, and does nothing else."""
    milliseconds = round(link.answer_after * 1000)
    with _started([str(binary), str(link.bytes_per_second), str(milliseconds)]) as url:
        yield Target(url, key="key", dataset_id="dataset-1")


@contextmanager
def embedded(folder: Path, max_staged_files: int | None = None) -> Iterator[Target]:
    """Start the embedded service on an empty folder, with all earlier writes on disk."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="service-") as data:
        os.sync()
        limit = [] if max_staged_files is None else [str(max_staged_files)]
        with _started([sys.executable, str(CONTENDERS / "serve.py"), data, *limit]) as line:
            server = json.loads(line)
            answer = _call(server["url"] + "/create-dataset", server["key"])
            yield Target(server["url"], server["key"], answer["dataset_id"])


@contextmanager
def delayed(port: int, seconds: float) -> Iterator[str]:
    """Start a proxy that delays each response of a server on this machine."""
    with _started([sys.executable, str(CONTENDERS / "delay.py"), str(port), str(seconds)]) as url:
        yield url


@contextmanager
def behind_tls(target: Target) -> Iterator[Target]:
    """Start nginx in front of a server on this machine. It encrypts, and buffers nothing."""
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as free:
        folder, port = Path(name), free.getsockname()[1]
        free.close()
        certificate = folder / "certificate.pem"
        request = (
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", folder / "key.pem", "-out", certificate, "-subj", "/CN=server"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        )
        subprocess.run(request, check=True, capture_output=True)
        config = folder / "nginx.conf"
        config.write_text(_NGINX.format(folder=folder, port=port, url=target.url))
        with subprocess.Popen(["nginx", "-e", "stderr", "-c", config]) as process:
            _wait_for(port)
            try:
                encrypted = f"https://127.0.0.1:{port}"
                yield dataclasses.replace(target, url=encrypted, ca_file=str(certificate))
            finally:
                process.terminate()


_NGINX = """
daemon off; pid {folder}/pid; error_log stderr; worker_processes 1;
events {{}}
http {{
    access_log off; client_max_body_size 0; client_body_temp_path {folder};
    proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
    scgi_temp_path {folder};
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/key.pem;
        location / {{
            proxy_pass {url}; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_request_buffering off; proxy_buffering off;
        }}
    }}
}}
"""


def _wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    message = "nginx does not listen"
    raise TimeoutError(message)


@contextmanager
def empty_folder(folder: Path) -> Iterator[Path]:
    """Make a folder for copies, with all earlier writes on disk."""
    copies = Path(tempfile.mkdtemp(dir=folder, prefix="copies-"))
    os.sync()
    try:
        yield copies
    finally:
        shutil.rmtree(copies)


@contextmanager
def _started(command: list[str]) -> Iterator[str]:
    """Start a process; gives its first line."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _call(url: str, key: str, body: dict[str, str] | None = None, ca_file: str = "") -> Any:
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Key {key}", "Content-Type": "application/json"},
    )
    context = ssl.create_default_context(cafile=ca_file) if ca_file else None
    with urllib.request.urlopen(request, context=context) as answer:
        return json.load(answer)
