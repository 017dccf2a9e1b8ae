"""Datasets and files are deleted, by the functions and by the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

import sutro
from conftest import PARTS, large_parquet_bytes
from helpers.datasets import names_in
from helpers.json_server import JsonServer
from helpers.shared_place import SharedPlace, raw_client
from helpers.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunSutro
    from helpers import s3
    from helpers.json_server import Request

LOCAL = ("--api-url", "local:service")


class DeletingServer(JsonServer):
    """Deletes its dataset. The first responses are lost.

    Attributes:
        rejection: The status of the next response, instead of a deletion.
    """

    dataset_id = "dataset-1"

    def __init__(self, lost: int = 0) -> None:
        super().__init__()
        self.rejection: int | None = None
        self._lost = lost
        self._is_there = True

    def receive(self, _body: bytes, request: Request) -> None:
        assert request.path in {"/delete-dataset", "/delete-dataset-file"}
        if self.rejection is not None:
            status, self.rejection = self.rejection, None
            request.answer({"error": "not now"}, status)
            return
        was_there, self._is_there = self._is_there, False
        if self._lost:
            self._lost -= 1
            request.close_connection = True
        elif was_there:
            request.answer({"dataset_id": self.dataset_id, "file_name": "a.parquet"})
        else:
            request.send_response(404)
            request.send_header("Sutro-Extensions", "deletion")
            content = b'{"error": "Dataset dataset-1 not found"}'
            request.send_header("Content-Length", str(len(content)))
            request.end_headers()
            request.wfile.write(content)


class OtherServer(JsonServer):
    """Has no call that deletes."""

    dataset_id = "dataset-1"

    def __init__(self, status: int) -> None:
        super().__init__()
        self._status = status

    def receive(self, _body: bytes, request: Request) -> None:
        request.answer({"detail": "Not Found"}, self._status)


def test_a_file_and_a_dataset_are_deleted(client: sutro.Client, folder: Path) -> None:
    dataset_id = client.upload(folder).dataset_id
    client.delete_dataset_file(dataset_id, "part-3.parquet")
    names = [file.file_name for file in client.list_dataset_files(dataset_id)]
    assert names == [name for name in PARTS if name != "part-3.parquet"]
    with pytest.raises(sutro.RefusedError, match="File not found") as refused:
        client.delete_dataset_file(dataset_id, "part-3.parquet")
    assert (refused.value.status, refused.value.file_name) == (404, "part-3.parquet")

    client.delete_dataset(dataset_id)
    assert client.list_datasets() == []
    for call in (client.delete_dataset, client.list_dataset_files):
        with pytest.raises(sutro.DatasetNotFoundError):
            call(dataset_id)
    with pytest.raises(sutro.DatasetNotFoundError):
        client.delete_dataset_file(dataset_id, "part-0.parquet")


def test_an_upload_sends_again_what_was_deleted(client: sutro.Client, folder: Path) -> None:
    dataset_id = client.upload(folder).dataset_id
    client.delete_dataset_file(dataset_id, "part-11.parquet")
    again = client.upload(folder, dataset_id)
    assert [file.status for file in again] == ["skipped"] * 11 + ["uploaded"]
    assert [file.file_name for file in client.list_dataset_files(dataset_id)] == PARTS


def test_a_commit_that_is_repeated_is_recognised_although_files_before_it_were_deleted(
    client: sutro.Client,
) -> None:
    dataset_id = client.create_dataset()
    frames = {f"{number}.parquet": pl.DataFrame({"id": [number]}) for number in range(5)}
    client.upload({name: frames[name] for name in list(frames)[:3]}, dataset_id)
    staged = client.stage({name: frames[name] for name in list(frames)[3:]}, dataset_id)
    first = client.commit(staged, dataset_id, expected_file_count=3)
    for name in ["0.parquet", "2.parquet"]:
        client.delete_dataset_file(dataset_id, name)
        again = client.commit(staged, dataset_id, expected_file_count=3)
        assert [file.file_id for file in again] == [file.file_id for file in first]
    for other in (0, 4):
        with pytest.raises(sutro.ForeignWriterError, match=f"not {other} as expected"):
            client.commit(staged, dataset_id, expected_file_count=other)
    assert names_in(client, dataset_id) == ["1.parquet", "3.parquet", "4.parquet"]


@pytest.mark.parametrize("lost", [1, 2])
def test_a_deletion_whose_response_is_lost_is_repeated_and_succeeds(lost: int) -> None:
    with DeletingServer(lost) as server:
        sutro.Client("key", server.api_url).delete_dataset("dataset-1")
    with DeletingServer(lost) as server:
        sutro.Client("key", server.api_url).delete_dataset_file("dataset-1", "a.parquet")


def test_a_dataset_that_was_unknown_before_a_busy_response_is_an_error() -> None:
    with DeletingServer() as server:
        client = sutro.Client("key", server.api_url)
        client.delete_dataset("dataset-1")
        server.rejection = 503
        with pytest.raises(sutro.DatasetNotFoundError):
            client.delete_dataset("dataset-1")


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_that_cannot_delete_is_reported_in_one_sentence(status: int) -> None:
    with OtherServer(status) as server:
        client = sutro.Client("key", server.api_url)
        with pytest.raises(sutro.ConfigurationError, match="does not announce deletion") as error:
            client.delete_dataset("dataset-1")
        assert "\n" not in str(error.value)
        with pytest.raises(sutro.ConfigurationError, match="does not announce deletion"):
            client.delete_dataset_file("dataset-1", "a.parquet")


def test_the_command_deletes_and_needs_yes_without_a_terminal(
    run_sutro: RunSutro, folder: Path
) -> None:
    dataset_id = run_sutro("upload", folder, "--quiet", *LOCAL).stdout.strip()
    delete = ("datasets", "delete", dataset_id, *LOCAL)
    refused = run_sutro(*delete)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--yes" in refused.stderr
    assert len(run_sutro("datasets", "files", dataset_id, "-q", *LOCAL).stdout.split()) == 12

    file = run_sutro(*delete, "--file", "part-0.parquet", "--yes")
    assert (file.returncode, file.stdout, file.stderr) == (0, "part-0.parquet\n", "")
    missing = run_sutro(*delete, "--file", "part-0.parquet", "--yes")
    assert (missing.returncode, missing.stdout) == (7, "")
    done = run_sutro(*delete, "--yes")
    assert (done.returncode, done.stdout) == (0, f"{dataset_id}\n")
    again = run_sutro(*delete, "--yes")
    assert again.returncode == 7
    assert f"Dataset {dataset_id} not found" in again.stderr


@pytest.mark.timeout(180)
def test_bytes_that_could_not_be_deleted_are_deleted_later(
    place: SharedPlace, store: s3.S3Server
) -> None:
    options = ("--blobs-option=timeout=1", "--upload-expiry=4")
    with place.serve(*options) as one, place.serve(*options) as other:
        client = raw_client(one)
        dataset = client.create_dataset()
        for name in ("a.parquet", "b.parquet"):
            assert client.upload(dataset, name, large_parquet_bytes()).status == 200
        store.kill()
        deleted = raw_client(other).post("delete-dataset", dataset_id=dataset)
        assert deleted.status == 200
        assert client.post("list-dataset-files", dataset_id=dataset).status == 404
        store.start()
        wait_for(lambda: place.objects() == [])
