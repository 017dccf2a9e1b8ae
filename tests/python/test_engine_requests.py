"""What an engine's job costs on the wire: its workers and its driver, counted at a proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from helpers.counting_proxy import CountingProxy
from sutro.engines import job as jobs
from sutro.engines import options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def proxy(server: sutro.LocalServer) -> Iterator[CountingProxy]:
    with CountingProxy(urlsplit(server.api_url).port or 0) as proxy:
        yield proxy


@pytest.fixture
def counted(server: sutro.LocalServer, proxy: CountingProxy) -> sutro.Client:
    return sutro.Client(server.api_key, proxy.url)


def rows_of(number: int) -> pa.Table:
    return pa.table({"id": pa.array([number], pa.int64())})


def fill(client: sutro.Client, dataset_id: str, count: int) -> None:
    rows = {f"{number}.parquet": rows_of(number) for number in range(count)}
    client.upload(rows, dataset_id, atomic=True)


def test_a_task_asks_for_a_schema_however_many_files_the_dataset_has(
    client: sutro.Client, counted: sutro.Client, proxy: CountingProxy
) -> None:
    received = []
    for count in (2, 300):
        dataset_id = client.create_dataset()
        fill(client, dataset_id, count)
        job = jobs.begin(counted, dataset_id, options.checked())
        proxy.forget()
        job.task.stage(0, [rows_of(-1)])
        assert proxy.calls == ["/list-dataset-files", "/stage-file"]
        received.append(proxy.received)
    assert received[1] < received[0] + 100


def test_frames_and_files_are_staged_without_a_list_of_the_dataset(
    client: sutro.Client, counted: sutro.Client, proxy: CountingProxy, tmp_path: Path
) -> None:
    dataset_id = client.create_dataset()
    fill(client, dataset_id, 300)
    frames = [rows_of(-1), rows_of(-2)]
    pq.write_table(frames[0], tmp_path / "file.parquet", compression="snappy")
    for source in (rows_of(-1), frames, iter(frames), tmp_path / "file.parquet"):
        proxy.forget()
        counted.stage(source, dataset_id)
        assert proxy.calls.count("/list-dataset-files") == 1
        assert proxy.received < 5_000


def test_a_driver_begins_with_one_question(
    client: sutro.Client, counted: sutro.Client, proxy: CountingProxy
) -> None:
    dataset_id = client.create_dataset()
    fill(client, dataset_id, 300)
    proxy.forget()
    jobs.begin(counted, dataset_id, options.checked())
    assert proxy.calls == ["/list-dataset-files"]
    assert proxy.received < 2_000
    with pytest.raises(sutro.DatasetNotFoundError):
        jobs.begin(counted, "dataset-unknown", options.checked())


def test_a_commit_takes_few_bytes_for_each_file_and_its_report_is_complete(
    client: sutro.Client, counted: sutro.Client, proxy: CountingProxy
) -> None:
    dataset_id = client.create_dataset()
    staged = client.stage([rows_of(number) for number in range(1_000)], dataset_id)
    report = counted.commit(staged, dataset_id)
    assert proxy.calls == ["/list-dataset-files", "/commit-files"]
    # Ids of 40 bytes, and the heads of two requests.
    assert proxy.sent + proxy.received < 43 * len(staged)
    listed = client.list_dataset_files(dataset_id)
    assert [(file.name, file.file_id, file.status) for file in report] == [
        (file.file_name, file.file_id, "uploaded") for file in listed
    ]
    again = counted.commit(staged, dataset_id)
    assert [file.file_id for file in again] == [file.file_id for file in listed]
