"""Packs of objects: broken reads, changes, stalls and credentials that end under way."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from conftest import parquet_bytes, through_gate_and_staged
from helpers import s3
from helpers.bucket import Bucket
from helpers.datasets import ids_in, names_in
from helpers.source_proxy import Seen, SourceProxy, once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif(s3.program() is None, reason=s3.MISSING),
    pytest.mark.timeout(120),
]

FILES, ROWS = 12, 500


def contents() -> dict[str, bytes]:
    """Files of about 60 kB whose rows are numbered."""
    files = {}
    for number in range(FILES):
        ids = range(number * ROWS, (number + 1) * ROWS)
        texts = [random.Random(row).randbytes(100) for row in ids]
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"id": ids, "bytes": texts}), sink, row_group_size=200)
        files[f"file-{number}.parquet"] = sink.getvalue().to_pybytes()
    return files


@pytest.fixture
def filled(bucket: Bucket) -> Bucket:
    """A bucket with these files."""
    for name, content in contents().items():
        bucket.put(name, content)
    return bucket


@pytest.fixture
def proxy(filled: Bucket) -> Iterator[SourceProxy]:
    with SourceProxy(filled.port) as proxy:
        yield proxy


def url_of(bucket: Bucket, number: int) -> str:
    return f"{bucket.url}/file-{number}.parquet"


def is_of(seen: Seen, number: int) -> bool:
    return f"/file-{number}.parquet" in seen.path


def is_of_pages(seen: Seen) -> bool:
    """Whether a request reads pages for a pack. The requests for footers get these whole files."""
    return seen.method == "GET" and not (seen.range or "").startswith("bytes=0-")


def requests_of(proxy: SourceProxy, number: int) -> int:
    return sum(is_of(seen, number) for seen in list(proxy.requests))


def downloaded(client: sutro.Client, dataset_id: str, folder: Path) -> dict[str, bytes]:
    client.download_from_dataset(dataset_id, output_path=folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("size", ["20kB", "150kB", "1GB"])
def test_packs_of_objects_whose_reads_break_are_those_of_the_same_local_files(
    client: sutro.Client, filled: Bucket, data: Path, size: str
) -> None:
    for name, content in contents().items():
        (data / name).write_bytes(content)
    local = client.upload(data, target_file_size=size)
    chance, broken = random.Random(size), 0

    def breaks(seen: Seen, length: int) -> int | None:
        nonlocal broken
        if not seen.is_of_object or chance.random() < 0.5:
            return None
        broken += 1
        return chance.randrange(length)

    with SourceProxy(filled.port) as proxy:
        proxy.breaks = breaks
        options = filled.options(proxy.port)
        remote = client.upload(filled.url, target_file_size=size, storage_options=options)

    assert broken > FILES
    assert all(seen.if_match for seen in proxy.objects_read())
    assert ids_in(client, remote.dataset_id) == list(range(FILES * ROWS))
    assert [file.name for file in remote] == [file.name for file in local]
    packs = [
        downloaded(client, report.dataset_id, data.parent / where)
        for where, report in (("local", local), ("remote", remote))
    ]
    assert packs[0] == packs[1]


@pytest.mark.parametrize("moment", ["before its pages", "in its pages", "after its pages"])
def test_an_object_that_is_replaced_during_the_upload_is_named_and_its_pack_is_not_committed(
    client: sutro.Client, bucket: Bucket, proxy: SourceProxy, moment: str
) -> None:
    other = parquet_bytes(100, "other rows")

    @once
    def replace() -> None:
        bucket.put("file-7.parquet", other)

    def before(seen: Seen) -> None:
        if is_of_pages(seen) and is_of(seen, 7) and moment == "before its pages":
            replace()

    def breaks(seen: Seen, length: int) -> int | None:
        if is_of_pages(seen) and is_of(seen, 7) and moment != "before its pages":
            replace()
            return length // 2 if moment == "in its pages" else None
        return None

    proxy.before, proxy.breaks = before, breaks
    dataset_id = client.create_dataset()
    with pytest.raises(sutro.SutroError) as told:
        client.upload(
            bucket.url,
            dataset_id,
            concurrency=1,
            target_file_size="150kB",
            storage_options=bucket.options(proxy.port),
        )

    error = told.value.__cause__ or told.value
    assert isinstance(error, sutro.FileChangedError)
    assert error.path == url_of(bucket, 7)
    assert ids_in(client, dataset_id) == list(range(len(ids_in(client, dataset_id))))
    assert len(ids_in(client, dataset_id)) <= 7 * ROWS


@through_gate_and_staged
@pytest.mark.parametrize("stalls", ["pages", "last look"])
def test_a_stalled_object_in_a_pack_is_named_and_not_the_server(
    server: sutro.LocalServer,
    bucket: Bucket,
    proxy: SourceProxy,
    stalls: str,
) -> None:
    goes_on = threading.Event()

    def before(seen: Seen) -> None:
        if is_of(seen, 7) and (
            (seen.method == "HEAD" and stalls == "last look")
            or (is_of_pages(seen) and stalls == "pages")
        ):
            goes_on.wait(30)

    client = sutro.Client(server.api_key, server.api_url, progress_timeout=1, max_retries=1)
    proxy.before = before
    with pytest.raises(sutro.SutroError) as told:
        client.upload(
            bucket.url,
            concurrency=1,
            target_file_size="1GB",
            storage_options=bucket.options(proxy.port),
        )
    goes_on.set()

    error = told.value.__cause__ or told.value
    assert isinstance(error, sutro.FileAccessError)
    assert "did not respond for 1 s" in str(error)
    assert error.path == url_of(bucket, 7)
    assert server.api_url.removeprefix("http://") not in str(error)


@pytest.mark.parametrize("size", [None, "150kB"])
def test_a_slow_object_is_neither_an_error_nor_a_reason_to_send_again(
    server: sutro.LocalServer, bucket: Bucket, proxy: SourceProxy, size: str | None
) -> None:
    """Reads take longer than `progress_timeout`, but there is progress."""

    def slowly(seen: Seen, body: bytes) -> Iterator[bytes]:
        count = 25 if is_of(seen, 3) and requests_of(proxy, 3) > 1 else 1
        step = len(body) // count + 1
        for begin in range(0, len(body), step):
            time.sleep(0.1 if count > 1 else 0)
            yield body[begin : begin + step]

    proxy.pieces = slowly
    client = sutro.Client(server.api_key, server.api_url, progress_timeout=2)
    report = client.upload(
        bucket.url, target_file_size=size, storage_options=bucket.options(proxy.port)
    )

    assert {file.attempts for file in report} == {1}
    assert ids_in(client, report.dataset_id) == list(range(FILES * ROWS))


@pytest.mark.parametrize("server", ["gate"], indirect=True)
def test_a_store_may_stall_while_bodies_are_held(
    client: sutro.Client, bucket: Bucket, proxy: SourceProxy
) -> None:
    """A held body is in memory and was looked at: nothing is waited for at its commit."""
    are_held, goes_on = threading.Event(), threading.Event()
    looked_at = set[str]()
    late: list[Seen] = []

    def before(seen: Seen) -> None:
        if is_of(seen, 0):
            # The first object is read when the bodies of all others are held.
            if requests_of(proxy, 0) > 1:
                are_held.wait(30)
        elif are_held.is_set():
            late.append(seen)
            goes_on.wait(30)
        elif seen.method == "HEAD" and seen.is_of_object:
            looked_at.add(seen.path)
            if len(looked_at) == FILES - 1:
                are_held.set()

    proxy.before = before
    options = bucket.options(proxy.port)
    report = client.upload(bucket.url, concurrency=FILES, storage_options=options)
    goes_on.set()

    assert are_held.is_set()
    assert not late
    assert ids_in(client, report.dataset_id) == list(range(FILES * ROWS))


@through_gate_and_staged
@pytest.mark.parametrize("size", [None, "150kB"])
def test_credentials_that_are_revoked_during_an_upload_end_it_and_new_ones_complete_it(
    server: sutro.LocalServer, size: str | None
) -> None:
    client = server.client()
    with s3.S3Server() as store, SourceProxy(Bucket(store).port) as proxy:
        bucket = Bucket(store)
        for name, content in contents().items():
            bucket.put(name, content)
        whole = client.upload(bucket.url, storage_options=bucket.options(), target_file_size=size)
        dataset_id = client.create_dataset()
        rotate = once(lambda: store.replace_secret("another-secret"))

        def before(seen: Seen) -> None:
            # The first request is for its footer, in the check.
            if is_of(seen, 8) and requests_of(proxy, 8) > 1:
                rotate()

        proxy.before = before
        options = bucket.options(proxy.port)
        with pytest.raises(sutro.SutroError) as told:
            client.upload(
                bucket.url,
                dataset_id,
                concurrency=1,
                storage_options=options,
                target_file_size=size,
            )
        error = told.value.__cause__ or told.value
        assert isinstance(error, sutro.FileAccessError)
        assert str(error.path).startswith(bucket.url)
        assert "check the credentials" in str(error)
        assert s3.SECRET not in f"{error} {told.value}"

        names = [file.name for file in whole]
        there = names_in(client, dataset_id)
        assert there == names[: len(there)]
        assert len(there) < len(names)
        options = bucket.options(aws_secret_access_key="another-secret")
        report = client.upload(
            bucket.url, dataset_id, storage_options=options, target_file_size=size
        )

    assert [file.status for file in report][: len(there)] == ["skipped"] * len(there)
    assert names_in(client, dataset_id) == names
    assert ids_in(client, dataset_id) == list(range(FILES * ROWS))
