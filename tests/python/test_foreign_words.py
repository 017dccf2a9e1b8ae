"""The API key never appears in errors, pickles, reports or logs."""

from __future__ import annotations

import base64
import json
import logging
import pickle
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

import sutro
from helpers.background_server import BackgroundServer, QuietHandler
from helpers.raw_client import RawClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = "sk/echo+0123456789-abc"
SHORT_KEY = "my-key"

Answer = tuple[int, str, dict[str, str], str]


def _error(words: str, status: int = 400) -> Answer:
    return status, "Refused", {}, json.dumps({"error": words})


def _found(content: object) -> Answer:
    return 200, "OK", {}, json.dumps(content)


def _file(key: str) -> dict[str, object]:
    column = {"name": key, "type": key}
    return {
        "file_name": f"{key}.parquet",
        "file_id": key,
        "uploaded_at": key,
        "size_bytes": 7,
        "schema": {"fields": [column]},
    }


ECHOES: dict[str, Callable[[str, str], Answer]] = {
    "words": lambda header, _: _error(f"bad header: {header}"),
    "words of a busy service": lambda header, _: _error(header, 503),
    "words about the key": lambda header, _: _error(f"unknown {header}", 401),
    "percent": lambda header, _: _error(quote(header, safe="")),
    "base64": lambda header, _: _error(base64.b64encode(header.encode()).decode()),
    "escapes": lambda _, key: (
        400,
        "Refused",
        {},
        '{"error": "' + "".join(f"\\u{ord(char):04x}" for char in key) + '"}',
    ),
    "an error in a success": lambda header, _: _found({"error": header}),
    "a page": lambda header, _: (502, "Bad Gateway", {}, f"<html>{header}</html>"),
    "a reason": lambda header, _: (418, header, {}, ""),
    "a redirect": lambda _, key: (302, "Found", {"Location": f"https://{key}/{key}"}, ""),
    "retry-after": lambda header, _: (503, "Busy", {"Retry-After": header}, ""),
    "no http": lambda header, _: (0, header, {}, ""),
    "ids": lambda _, key: _found({"dataset_id": key, "file_id": key, "files": [], "datasets": []}),
    "listings": lambda _, key: _found(
        {
            "dataset_id": "dataset-1",
            "file_id": key,
            "files": [_file(key)],
            "datasets": [
                {
                    "dataset_id": key,
                    "name": key,
                    "created_at": key,
                    "schema": {"fields": [{"name": key, "type": key}]},
                }
            ],
        }
    ),
    "the name of a file": lambda _, key: _found({"files": [key], "dataset_id": "dataset-1"}),
}


@contextmanager
def _echoing(echo: Callable[[str, str], Answer]) -> Iterator[str]:
    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802 - named by its base
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            header = self.headers["Authorization"]
            status, reason, headers, body = echo(header, header.removeprefix("Key "))
            if not status:
                self.wfile.write(f"{reason}\r\n{reason}\r\n\r\n".encode())
                return
            self.send_response(status, reason)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST  # noqa: N815 - named by its base

    with BackgroundServer(Handler) as server:
        yield server.api_url


def _visible_after(call: Callable[[], object]) -> str:
    """Everything that a caller could print, log or keep after a call."""
    try:
        answer = call()
    except sutro.SutroError as error:
        report = getattr(error, "report", None)
        texts = [*traceback.format_exception(error), repr(error), str(vars(error)), repr(report)]
        return "\n".join([*texts, pickle.dumps(error).decode("latin-1")])
    return f"{answer!r} {answer}"


def _visible_after_all_calls(kind: str, key: str, folder: Path, tmp_path: Path) -> str:
    """The same for all calls to a server that echoes the key."""
    with _echoing(ECHOES[kind]) as url:
        client = sutro.Client(key, url, max_retries=1, retry_deadline=3)
        calls: list[Callable[[], object]] = [
            client.create_dataset,
            client.list_datasets,
            lambda: client.list_dataset_files("dataset-1"),
            lambda: client.upload(folder),
            lambda: client.upload(folder, "dataset-1"),
            lambda: client.upload_to_dataset("dataset-1", folder / "part-1.parquet"),
            lambda: client.download_from_dataset("dataset-1", output_path=tmp_path / "copy"),
            lambda: client.read("dataset-1"),
        ]
        return "\n".join(map(_visible_after, calls))


@pytest.mark.parametrize("kind", ECHOES)
def test_a_key_echoed_by_the_server_is_redacted_in_errors_and_logs(
    kind: str, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "sutro")
    visible = _visible_after_all_calls(kind, KEY, folder, tmp_path) + caplog.text

    forms = [KEY, quote(KEY, safe=""), base64.b64encode(f"Key {KEY}".encode()).decode()]
    assert [form for form in forms if form in visible] == []
    # In the middle of a key there is nothing but the key.
    assert "0123456789" not in visible
    # What base64 makes of its middle, wherever it begins.
    middles = [base64.b64encode(b"0123456789-abc"[start:])[:8].decode() for start in range(3)]
    assert [middle for middle in middles if middle in visible] == []


# A short key may be a name or an id, too: those stay as they are.
@pytest.mark.parametrize("kind", sorted({*ECHOES} - {"ids", "listings", "the name of a file"}))
def test_a_short_key_echoed_by_the_server_as_a_word_is_redacted(
    kind: str, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "sutro")
    visible = _visible_after_all_calls(kind, SHORT_KEY, folder, tmp_path) + caplog.text

    assert SHORT_KEY not in visible
    assert base64.b64encode(f"Key {SHORT_KEY}".encode()).decode() not in visible


def test_ids_and_names_equal_to_a_short_key_are_not_redacted(tmp_path: Path, folder: Path) -> None:
    with sutro.LocalServer(tmp_path / "service", api_keys=["cars"]) as server:
        client = server.client()
        raw = RawClient(server.api_url, server.api_key)
        assert raw.post("create-dataset?dataset_id=cars&name=cars").status == 200
        client.upload(folder / "part-1.parquet", "cars", names=["cars.parquet"])
        [dataset] = client.list_datasets()
        assert (dataset.dataset_id, dataset.name) == ("cars", "cars")
        assert [file.file_name for file in client.list_dataset_files("cars")] == ["cars.parquet"]


def test_a_redirect_to_a_host_named_like_the_key_does_not_show_it() -> None:
    location = {"Location": "https://Sk-0123456789.example.com/"}
    with (
        _echoing(lambda *_: (302, "Found", location, "")) as url,
        pytest.raises(sutro.NotTheApiError, match=r"redirect to \*\*\*\.example\.com") as error,
    ):
        sutro.Client("Sk-0123456789", url).create_dataset()
    assert "0123456789" not in repr(error.value)


@pytest.mark.parametrize("dataset_id", ["../../etc", "a\r\n--b", 'a"; name="x', "", "x" * 200, 7])
def test_an_invalid_dataset_id_from_the_server_is_rejected(
    dataset_id: object, folder: Path
) -> None:
    answers = {"dataset_id": dataset_id, "files": []}
    asked = []

    def echo(*_: str) -> Answer:
        asked.append(1)
        return _found(answers)

    with _echoing(echo) as url, pytest.raises(sutro.NotTheApiError) as error:
        sutro.Client(KEY, url).upload(folder)

    assert len(asked) == 1
    assert len(str(error.value)) < 400
