"""Readers of Parquet use a file of the server in place, and fetch only what they need."""

from __future__ import annotations

import hashlib
import random
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from fsspec.implementations.http import HTTPFileSystem

from helpers import s3
from helpers.raw_client import RawClient
from helpers.server_process import API_KEY, ServerProcess
from helpers.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 20_000


class UnchangingFiles(HTTPFileSystem):  # type: ignore[misc]
    """DuckDB asks for the time of the last change."""

    def modified(self, _path: str) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["folder", "s3"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServerProcess]:
    if request.param == "folder":
        with ServerProcess(tmp_path / "served", "-v") as served:
            yield served
        return
    if s3.program() is None:
        pytest.skip(s3.MISSING)
    with s3.S3Server() as store:
        catalog = f"--catalog=sqlite:{tmp_path / 'catalog' / 'catalog.sqlite'}"
        place = (catalog, f"--blobs={store.new_place()}", "-v")
        with ServerProcess(None, *place, environment=store.environment()) as served:
            yield served


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    """A file of two row groups, whose column of numbers is a small part."""
    texts = [random.randbytes(100).hex() for _ in range(ROWS)]
    table = pa.table({"number": range(ROWS), "text": texts})
    pq.write_table(table, tmp_path / "wide.parquet", row_group_size=ROWS // 2)
    return (tmp_path / "wide.parquet").read_bytes()


@pytest.fixture
def url(served: ServerProcess, content: bytes) -> str:
    client = RawClient(served.api_url, API_KEY)
    dataset = client.create_dataset()
    assert client.upload(dataset, "wide.parquet", content).status == 200
    return f"{served.api_url}/datasets/{dataset}/files/wide.parquet"


def fetched(served: ServerProcess) -> int:
    """The bytes of all ranges that the server has returned."""
    wait_for(lambda: "status=206" in served.log())
    served.end()
    lines = [line for line in served.log().splitlines() if "status=206" in line]
    return sum(int(found[1]) for line in lines if (found := re.search(r"bytes_out=(\d+)", line)))


def test_pyarrow_polars_and_duckdb_read_columns_of_a_file_in_place(
    served: ServerProcess, url: str, content: bytes
) -> None:
    headers = {"Authorization": f"Key {API_KEY}"}
    http = UnchangingFiles(client_kwargs={"headers": headers}, block_size=1 << 16)
    with http.open(url) as file:
        parquet = pq.ParquetFile(file)
        assert parquet.metadata.num_rows == ROWS
        numbers = parquet.read_row_group(1, columns=["number"])["number"]
        assert numbers.to_pylist() == list(range(ROWS // 2, ROWS))
    with http.open(url) as file:
        frame = pl.read_parquet(file, columns=["number"])
        assert frame["number"].sum() == sum(range(ROWS))
    with duckdb.connect() as connection:
        connection.register_filesystem(http)
        query = f"SELECT max(number) FROM '{url}'"
        assert connection.sql(query).fetchall() == [(ROWS - 1,)]
    assert 0 < fetched(served) < len(content)


def test_a_file_and_its_ranges_have_the_hash_of_the_file_as_their_tag(
    served: ServerProcess, url: str, content: bytes
) -> None:
    headers = {"Authorization": f"Key {API_KEY}"}
    tag = f'"{hashlib.sha256(content).hexdigest()}"'
    head = requests.head(url, headers=headers, timeout=30)
    assert (head.status_code, head.headers["ETag"]) == (200, tag)
    assert head.headers["Content-Length"] == str(len(content))
    for asked, expected in (("0-3", content[:4]), ("-8", content[-8:]), ("5-", content[5:])):
        ranged = {**headers, "Range": f"bytes={asked}", "If-Range": tag}
        answer = requests.get(url, headers=ranged, timeout=30)
        assert (answer.status_code, answer.headers["ETag"]) == (206, tag)
        assert answer.content == expected
    outside = {**headers, "Range": f"bytes={len(content)}-"}
    assert requests.get(url, headers=outside, timeout=30).status_code == 416
    known = {**headers, "If-None-Match": tag}
    assert requests.get(url, headers=known, timeout=30).status_code == 304
    assert served.process.poll() is None
