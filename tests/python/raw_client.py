"""Requests as they are: no retries, no listing, nothing of our own client."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from typing import Any

_BOUNDARY = "boundary-of-the-tests"


class Answer(NamedTuple):
    """Status 0 stands for none: the connection broke."""

    status: int
    body: dict[str, Any]


class RawClient:
    def __init__(self, api_url: str, api_key: str) -> None:
        self._address = urlsplit(api_url).netloc
        self._api_key = api_key

    def create_dataset(self) -> str:
        answer = self._post("create-dataset", b"", "application/json")
        assert answer.status == 200, answer
        return str(answer.body["dataset_id"])

    def upload(self, dataset_id: str, name: str, content: bytes) -> Answer:
        head = (
            f"--{_BOUNDARY}\r\nContent-Disposition: form-data; "
            f'name="dataset_id"\r\n\r\n{dataset_id}\r\n--{_BOUNDARY}\r\n'
            f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        )
        body = head.encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
        return self._post("upload-to-dataset", body, f"multipart/form-data; boundary={_BOUNDARY}")

    def _post(self, call: str, body: bytes, content_type: str) -> Answer:
        connection = HTTPConnection(self._address, timeout=30)
        headers = {"Authorization": f"Key {self._api_key}", "Content-Type": content_type}
        try:
            connection.request("POST", f"/{call}", body, headers)
            response = connection.getresponse()
            return Answer(response.status, json.loads(response.read()))
        except (OSError, HTTPException, ValueError):
            return Answer(0, {})
        finally:
            connection.close()
