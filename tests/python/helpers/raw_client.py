"""Plain HTTP requests, without the retries and listings of sutro's client."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from typing import Any

_BOUNDARY = "boundary-of-the-tests"


class Answer(NamedTuple):
    """A response. Status 0 means that the connection broke before one came."""

    status: int
    body: dict[str, Any]
    retry_after: str | None = None


class RawClient:
    def __init__(self, api_url: str, api_key: str) -> None:
        self._address = urlsplit(api_url).netloc
        self._api_key = api_key

    def create_dataset(self) -> str:
        answer = self.post("create-dataset")
        assert answer.status == 200, answer
        return str(answer.body["dataset_id"])

    def upload(self, dataset_id: str, name: str, content: bytes) -> Answer:
        return self._send_file("upload-to-dataset", dataset_id, name, content)

    def stage(self, dataset_id: str, name: str, content: bytes) -> Answer:
        return self._send_file("stage-file", dataset_id, name, content)

    def commit(self, dataset_id: str, expected: int, staged_ids: list[str]) -> Answer:
        return self.post(
            "commit-files",
            dataset_id=dataset_id,
            expected_file_count=expected,
            staged_ids=staged_ids,
        )

    def _send_file(self, call: str, dataset_id: str, name: str, content: bytes) -> Answer:
        head = (
            f"--{_BOUNDARY}\r\nContent-Disposition: form-data; "
            f'name="dataset_id"\r\n\r\n{dataset_id}\r\n--{_BOUNDARY}\r\n'
            f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        )
        body = head.encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
        content_type = f"multipart/form-data; boundary={_BOUNDARY}"
        return self._ask("POST", call, body, content_type)

    def download(self, dataset_id: str, name: str) -> tuple[int, bytes]:
        """Return the status and the body: the file, or an error."""
        body = json.dumps({"dataset_id": dataset_id, "file_name": name}).encode()
        connection = HTTPConnection(self._address, timeout=30)
        headers = {"Authorization": f"Key {self._api_key}", "Content-Type": "application/json"}
        try:
            connection.request("POST", "/download-from-dataset", body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def health(self) -> Answer:
        return self._ask("GET", "health")

    def post(self, call: str, **fields: object) -> Answer:
        """Send a request with a JSON body."""
        return self._ask("POST", call, json.dumps(fields).encode(), "application/json")

    def _ask(
        self, method: str, call: str, body: bytes = b"", content_type: str = "text/plain"
    ) -> Answer:
        connection = HTTPConnection(self._address, timeout=30)
        headers = {"Authorization": f"Key {self._api_key}", "Content-Type": content_type}
        try:
            connection.request(method, f"/{call}", body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
            return Answer(response.status, answer, response.headers["Retry-After"])
        except (OSError, HTTPException, ValueError):
            return Answer(0, {})
        finally:
            connection.close()
