"""A folder in the bucket of an S3 server, and options to reach it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from pyarrow import fs

from helpers.s3 import BUCKET, SECRET

if TYPE_CHECKING:
    from helpers.s3 import S3Server

_numbers = itertools.count()


class Bucket:
    """Objects below a prefix that nobody else has."""

    def __init__(self, store: S3Server) -> None:
        self._files = fs.S3FileSystem(
            access_key="tests",
            secret_key=SECRET,
            endpoint_override=store.endpoint,
            region="us-east-1",
        )
        self.port = int(store.endpoint.rpartition(":")[2])
        self.prefix = f"sources-{next(_numbers)}"
        self.url = f"s3://{BUCKET}/{self.prefix}"

    def put(self, name: str, content: bytes) -> str:
        """Write an object, and return its URL."""
        with self._files.open_output_stream(f"{BUCKET}/{self.prefix}/{name}") as stream:
            stream.write(content)
        return f"{self.url}/{name}"

    def contents(self, folder: str = "") -> dict[str, bytes]:
        """The objects in a folder, by name."""
        path = f"{BUCKET}/{self.prefix}/{folder}".rstrip("/")
        below = fs.FileSelector(path, allow_not_found=True)
        found = [entry for entry in self._files.get_file_info(below) if entry.is_file]
        return {entry.base_name: self._read(entry.path) for entry in found}

    def _read(self, path: str) -> bytes:
        with self._files.open_input_stream(path) as stream:
            content: bytes = stream.read()
        return content

    def delete(self, name: str) -> None:
        self._files.delete_file(f"{BUCKET}/{self.prefix}/{name}")

    def options(self, port: int | None = None, **more: str) -> dict[str, str]:
        """`storage_options` for the server, or for a proxy before it."""
        return {
            "aws_endpoint_url": f"http://127.0.0.1:{port or self.port}",
            "aws_access_key_id": "tests",
            "aws_secret_access_key": SECRET,
            **more,
        }
