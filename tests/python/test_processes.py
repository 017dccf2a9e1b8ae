"""Child processes can upload however they were started, or get an error that says why not."""

from __future__ import annotations

import multiprocessing
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

import sutro
from conftest import PARTS
from helpers.json_server import JsonServer
from sutro import _core, settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Python 3.12 and newer warn of what is tested here.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.* is multi-threaded, use of fork:DeprecationWarning"
)
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows can only spawn")
METHODS = ["spawn", pytest.param("forkserver", marks=posix_only)]

FORKS_DURING_UPLOADS = 10


def upload(folder: Path | str, api_key: str, api_url: str) -> sutro.UploadReport:
    return sutro.upload(folder, api_key=api_key, api_url=api_url)


@pytest.mark.parametrize("method", METHODS)
def test_a_worker_uploads_and_returns_its_report(
    server: sutro.LocalServer, folder: Path, method: str
) -> None:
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        report = pool.submit(upload, folder, server.api_key, server.api_url).result(timeout=50)

    assert [file.name for file in report] == PARTS
    assert len(server.client().list_dataset_files(report.dataset_id)) == len(PARTS)


@pytest.mark.parametrize("method", METHODS)
def test_an_error_from_a_worker_arrives_with_all_its_attributes(
    server: sutro.LocalServer, method: str
) -> None:
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        uploading = pool.submit(upload, "nowhere/*.parquet", server.api_key, server.api_url)
        with pytest.raises(sutro.SutroError, match="nowhere"):
            uploading.result(timeout=50)


def in_forked_child(work: Callable[[], Any]) -> Any:
    """Return the result of `work` in a forked child, or raise its error."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def run() -> None:
        try:
            sender.send(work())
        except Exception as error:  # noqa: BLE001 - it is the result
            sender.send(error)

    child = context.Process(target=run)
    child.start()
    try:
        assert receiver.poll(30), "the child hangs"
        return receiver.recv()
    finally:
        child.kill()
        child.join()
        receiver.close()
        sender.close()


@posix_only
def test_a_child_cannot_wait_for_a_call_of_its_parent(server: sutro.LocalServer) -> None:
    options = settings.client_options()
    client = _core.Client(api_key=server.api_key, api_url=server.api_url, options=options)
    job = client.list_datasets()

    error = in_forked_child(lambda: job.wait(30))

    assert isinstance(error, sutro.InternalError)
    assert "started in the parent process" in str(error)
    assert job.wait(30)
    assert job.result() == []


@posix_only
def test_children_forked_during_uploads_can_upload(
    client: sutro.Client, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    is_over = threading.Event()

    def keep_uploading() -> None:
        while not is_over.is_set():
            client.upload(folder, progress=True)

    uploading = threading.Thread(target=keep_uploading)
    uploading.start()
    try:
        for _ in range(FORKS_DURING_UPLOADS):
            report = in_forked_child(lambda: client.upload(folder / PARTS[0], progress=True))
            assert [file.status for file in report] == ["uploaded"]
    finally:
        is_over.set()
        uploading.join()
    assert "12/12 files]" in capsys.readouterr().err


class EmptyServer(JsonServer):
    """Has one dataset without files."""

    dataset_id = "dataset-empty"

    def listing(self) -> list[Any]:
        return []


@posix_only
def test_calls_in_a_forked_child_share_connections() -> None:
    calls = 50
    with EmptyServer() as service:
        client = sutro.Client("key", service.api_url)
        assert client.list_dataset_files("dataset-empty") == []
        before = service.connections

        def list_often() -> list[Any]:
            return [client.list_dataset_files("dataset-empty") for _ in range(calls)]

        assert in_forked_child(list_often) == [[]] * calls

        # A connection that is idle for 100 ms is closed: on a busy machine there may be several.
        assert service.connections - before < calls


@posix_only
def test_a_child_cannot_read_a_stream_of_its_parent(client: sutro.Client, folder: Path) -> None:
    stream = pa.RecordBatchReader.from_stream(client.read(client.upload(folder).dataset_id))

    error = in_forked_child(stream.read_all)

    assert "opened in the parent process" in str(error)
    assert stream.read_all().num_rows == 78


@posix_only
def test_a_forked_child_does_not_keep_the_folder_lock_of_a_stopped_server(
    folder: Path, tmp_path: Path
) -> None:
    server = sutro.LocalServer(tmp_path / "service")
    context = multiprocessing.get_context("fork")
    go_on = context.Event()
    child = context.Process(target=go_on.wait, args=(30,))
    child.start()
    try:
        server.stop()
        report = sutro.upload(folder, api_url=f"local:{tmp_path / 'service'}")
    finally:
        go_on.set()
        child.join()

    assert len(report) == len(PARTS)
