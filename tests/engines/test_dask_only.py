"""Dask: what its frames may be, and what the driver does whichever engine there is."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import dask
import dask.dataframe as dd
import pandas as pd
import pyarrow as pa
import pytest

import plans
import sutro
from helpers.postgres import PostgresServer, binaries
from helpers.server_process import API_KEY, ServerProcess

if TYPE_CHECKING:
    from pathlib import Path

FEW = 12


@pytest.fixture(autouse=True)
def in_threads() -> Any:
    """Threads of this process are Dask's default."""
    with dask.config.set(scheduler="threads"):
        yield


def make(number: int, shift: int = 0) -> pd.DataFrame:
    return plans.rows_of(number, shift).to_pandas()


def frame(count: int = FEW, shift: int = 0) -> Any:
    meta = make(plans.PARTITIONS // 4).iloc[:0]
    return dd.from_map(partial(make, shift=shift), range(count), meta=meta)


def partitions_in(client: sutro.Client, dataset_id: str) -> list[int]:
    rows: list[int] = client.read(dataset_id, columns=["partition"]).to_arrow()[0].to_pylist()
    return rows


def test_threads_use_the_client_of_the_driver(
    client: sutro.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, url = API_KEY, client.api_url
    monkeypatch.delenv("SUTRO_API_KEY")
    report = sutro.upload(frame(), api_key=key, api_url=url)
    assert partitions_in(client, report.dataset_id) == plans.whole(FEW)["partition"].to_pylist()


def test_the_embedded_server_takes_a_frame_that_threads_compute(tmp_path: Path) -> None:
    client = sutro.Client(api_url=f"local:{tmp_path / 'datasets'}")
    report = client.upload(frame(), rows_per_file=1000)
    assert max(file.row_count for file in report) == 1000
    assert sutro.dask.read(report.dataset_id, client=client).npartitions == len(report)


def test_an_upload_can_be_awaited(client: sutro.Client) -> None:
    report = asyncio.run(client.upload_async(frame()))
    assert {file.status for file in report} == {"uploaded"}


def test_a_cancelled_upload_commits_nothing(client: sutro.Client) -> None:
    dataset_id = client.create_dataset()

    async def cancelled() -> None:
        async with asyncio.timeout(0.001):
            await client.upload_async(frame(60), dataset_id)

    with pytest.raises(TimeoutError):
        asyncio.run(cancelled())
    assert client.list_dataset_files(dataset_id) == []


def test_ctrl_c_ends_the_job_and_commits_nothing(client: sutro.Client) -> None:
    def interrupted(number: int) -> pd.DataFrame:
        if number == FEW - 1:
            raise KeyboardInterrupt
        return make(number)

    dataset_id = client.create_dataset()
    meta = make(plans.PARTITIONS // 4).iloc[:0]
    with (
        dask.config.set(scheduler="synchronous"),
        pytest.raises(sutro.UploadInterrupted, match="nothing was committed"),
    ):
        client.upload(dd.from_map(interrupted, range(FEW), meta=meta), dataset_id)
    assert client.list_dataset_files(dataset_id) == []


def test_one_partition_of_another_type_stops_the_job(client: sutro.Client) -> None:
    def mixed(number: int) -> pd.DataFrame:
        return pd.DataFrame({"x": [number if number < 7 else str(number)]})

    meta = pd.DataFrame({"x": pd.Series(dtype="object")})
    dataset_id = client.create_dataset()
    with pytest.raises(sutro.RefusedError, match=r"part-00007.*expected int64"):
        client.upload(dd.from_map(mixed, range(FEW), meta=meta), dataset_id)
    assert client.list_dataset_files(dataset_id) == []


def test_an_index_with_a_name_is_left_out_with_a_warning(client: sutro.Client) -> None:
    indexed = frame().set_index("row")
    with pytest.warns(sutro.SutroWarning, match="the index row of a Dask frame is not uploaded"):
        report = client.upload(indexed)
    assert "row" not in client.read(report.dataset_id).to_arrow().column_names


def test_a_column_is_refused_with_the_call_that_makes_a_frame(client: sutro.Client) -> None:
    with pytest.raises(TypeError, match=r"call to_frame\(\) first"):
        client.upload(frame()["row"])


def test_a_dataset_is_read_by_columns_and_not_without_files(client: sutro.Client) -> None:
    dataset_id = client.create_dataset()
    with pytest.raises(sutro.ConfigurationError, match="has no files"):
        sutro.dask.read(dataset_id, client=client)
    client.upload(frame(), dataset_id)
    read = sutro.dask.read(dataset_id, columns=["row"], client=client)
    assert list(read.columns) == ["row"]
    assert len(read) == plans.whole(FEW).num_rows


@pytest.mark.skipif(binaries() is None, reason="there is no PostgreSQL for this machine")
def test_two_drivers_at_two_servers_of_one_catalog_are_both_complete(tmp_path: Path) -> None:
    blobs = f"file:{tmp_path / 'blobs'}"
    with PostgresServer() as postgres:
        place = ("--catalog", postgres.url(postgres.new_database()), "--blobs", blobs)
        with (
            ServerProcess(tmp_path / "a", *place) as one,
            ServerProcess(tmp_path / "b", *place) as other,
        ):
            assert one.has_started, one.log()
            assert other.has_started, other.log()
            clients = [one.client(), other.client()]
            dataset_id = clients[0].create_dataset()
            jobs = list(zip(clients, (0, 1000), strict=True))
            with ThreadPoolExecutor(2) as drivers:
                list(drivers.map(lambda job: job[0].upload(frame(shift=job[1]), dataset_id), jobs))
            found = partitions_in(clients[1], dataset_id)
    wholes = [plans.whole(FEW, shift)["partition"].to_pylist() for shift in (0, 1000)]
    assert found in (wholes[0] + wholes[1], wholes[1] + wholes[0])


def test_a_schema_that_dask_knows_is_compared_before_anything_is_computed(
    client: sutro.Client,
) -> None:
    computed = []

    def note(number: int) -> pd.DataFrame:
        computed.append(number)
        return make(number)

    dataset_id = client.upload({"a.parquet": pa.table({"row": ["text"]})}).dataset_id
    meta = make(plans.PARTITIONS // 4).iloc[:0]
    with pytest.raises(sutro.SchemaMismatchError):
        client.upload(dd.from_map(note, range(FEW), meta=meta), dataset_id)
    assert computed == []
