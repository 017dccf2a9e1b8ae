"""How objects are read: few requests, broken ones continue, and a change is noticed."""

from __future__ import annotations

import io
import random
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from conftest import parquet_bytes
from helpers import s3
from helpers.datasets import names_in, table_of
from helpers.processes import python_output
from helpers.source_proxy import Seen, SourceProxy, once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from helpers.bucket import Bucket

pytestmark = pytest.mark.skipif(s3.program() is None, reason=s3.MISSING)

LARGE = parquet_bytes(150_000, "a text that does not repeat")


@pytest.fixture
def proxy(bucket: Bucket) -> Iterator[SourceProxy]:
    with SourceProxy(bucket.port) as proxy:
        yield proxy


def is_transfer(seen: Seen) -> bool:
    """Whether a request reads a large object from its start, not its footer."""
    return seen.method == "GET" and seen.is_of_object and (seen.range or "").startswith("bytes=0-")


def downloaded(client: sutro.Client, dataset_id: str, folder: Path) -> dict[str, bytes]:
    paths = client.download_from_dataset(dataset_id, output_path=folder)
    return {path.name: path.read_bytes() for path in map(type(folder), paths)}


def test_a_footer_takes_one_request_with_its_etag(bucket: Bucket, proxy: SourceProxy) -> None:
    for number in range(20):
        bucket.put(f"{number}.parquet", parquet_bytes(number + 1))
    bucket.put("large.parquet", LARGE)
    report = sutro.check(f"{bucket.url}/", storage_options=bucket.options(proxy.port))

    assert report
    read = proxy.objects_read()
    assert len(read) == 21
    assert all(seen.if_match for seen in read)
    last = len(LARGE) - 1
    assert [seen.range for seen in read if "large" in seen.path] == [f"bytes={last - 65535}-{last}"]
    assert {seen.method for seen in proxy.requests} == {"GET"}, "the listing has sizes and ETags"


def test_a_footer_of_more_than_64_kib_takes_two_requests(
    bucket: Bucket, proxy: SourceProxy, data: Path
) -> None:
    wide = {f"a_column_with_a_long_name_{number}": [number] for number in range(3_000)}
    pq.write_table(pa.table(wide), data / "wide.parquet")
    url = bucket.put("wide.parquet", (data / "wide.parquet").read_bytes())

    assert sutro.check(url, storage_options=bucket.options(proxy.port))
    assert len(proxy.objects_read()) == 2


def test_a_body_is_one_request_and_arrives_unchanged(
    client: sutro.Client, bucket: Bucket, proxy: SourceProxy, tmp_path: Path
) -> None:
    bucket.put("large.parquet", LARGE)
    report = client.upload(f"{bucket.url}/", storage_options=bucket.options(proxy.port))

    assert downloaded(client, report.dataset_id, tmp_path / "out") == {"large.parquet": LARGE}
    assert len(list(filter(is_transfer, proxy.requests))) == 1
    assert [seen.method for seen in proxy.requests].count("HEAD") == 1, "a look at the end"


def test_reads_that_break_continue_at_the_same_byte(
    client: sutro.Client, bucket: Bucket, proxy: SourceProxy, tmp_path: Path
) -> None:
    chance = random.Random(5)
    contents = {f"{n}.parquet": parquet_bytes(60_000, f"text {n} of it") for n in range(4)}
    for name, content in contents.items():
        bucket.put(name, content)
    broken = 0

    def breaks(seen: Seen, length: int) -> int | None:
        nonlocal broken
        if not seen.is_of_object or chance.random() < 0.3:
            return None
        broken += 1
        return chance.randrange(length // 3, length)

    proxy.breaks = breaks
    report = client.upload(bucket.url, storage_options=bucket.options(proxy.port))

    assert broken > 4
    assert downloaded(client, report.dataset_id, tmp_path / "out") == contents
    continued = [seen for seen in proxy.objects_read() if seen.range and seen.if_match]
    assert len(continued) == len(proxy.objects_read())


@pytest.mark.parametrize("is_broken", [True, False], ids=["broken", "complete"])
def test_an_object_that_is_replaced_during_its_transfer_is_not_uploaded(
    client: sutro.Client, bucket: Bucket, proxy: SourceProxy, is_broken: bool
) -> None:
    url = bucket.put("large.parquet", LARGE)
    other = LARGE[:-1_000] + bytes(1_000)

    @once
    def replace() -> None:
        bucket.put("large.parquet", other)

    def breaks(seen: Seen, length: int) -> int | None:
        if not is_transfer(seen):
            return None
        replace()
        return length // 2 if is_broken else None

    proxy.breaks = breaks
    dataset_id = client.create_dataset()
    with pytest.raises(sutro.FileChangedError, match="it was replaced") as error:
        client.upload(url, dataset_id, storage_options=bucket.options(proxy.port))

    assert error.value.path == url
    assert names_in(client, dataset_id) == []


@pytest.mark.parametrize("at", ["GET", "HEAD"])
def test_a_pack_is_not_uploaded_if_a_source_is_replaced_and_the_error_names_the_source(
    client: sutro.Client, bucket: Bucket, proxy: SourceProxy, at: str
) -> None:
    for number in range(3):
        bucket.put(f"{number}.parquet", LARGE)

    @once
    def replace() -> None:
        bucket.put("1.parquet", LARGE[:-1_000] + bytes(1_000))

    def before(seen: Seen) -> None:
        if is_of_pack(seen) and seen.method == at and (at == "GET" or "/1." in seen.path):
            replace()

    proxy.before = before
    dataset_id = client.create_dataset()

    with pytest.raises(sutro.FileChangedError, match="it was replaced") as error:
        client.upload(
            f"{bucket.url}/",
            dataset_id,
            target_file_size="1GB",
            storage_options=bucket.options(proxy.port),
        )

    assert error.value.path == f"{bucket.url}/1.parquet"
    assert names_in(client, dataset_id) == []


def is_of_pack(seen: Seen) -> bool:
    """Whether a request reads pages, which begin behind `PAR1`, or looks at the end."""
    is_of_pages = (seen.range or "").startswith("bytes=4-")
    return seen.is_of_object and (is_of_pages or seen.method == "HEAD")


def test_the_objects_of_a_pack_are_read_several_at_a_time(
    client: sutro.Client, bucket: Bucket, proxy: SourceProxy
) -> None:
    for number in range(8):
        bucket.put(f"{number}.parquet", parquet_bytes(number + 1))
    footers, pages, looks = (threading.Barrier(4) for _ in range(3))

    def before(seen: Seen) -> None:
        """Hold each request until there are three others like it."""
        if seen.is_of_object:
            kind = pages if is_of_pack(seen) else footers
            (looks if seen.method == "HEAD" else kind).wait(30)

    proxy.before = before
    options = bucket.options(proxy.port)
    report = client.upload(f"{bucket.url}/", target_file_size="1GB", storage_options=options)

    assert [len(file.sources) for file in report] == [8]
    assert table_of(client, report.dataset_id).num_rows == sum(range(1, 9))


def test_reads_of_a_pack_that_break_go_on_at_the_same_byte(
    client: sutro.Client, bucket: Bucket, proxy: SourceProxy
) -> None:
    chance = random.Random(5)
    for number in range(6):
        bucket.put(f"{number}.parquet", parquet_bytes(20_000, f"text {number} of it"))
    whole = table_of(client, client.upload(bucket.url, storage_options=bucket.options()).dataset_id)

    def breaks(seen: Seen, length: int) -> int | None:
        is_broken = seen.is_of_object and chance.random() < 0.5
        return chance.randrange(length // 3, length) if is_broken else None

    proxy.breaks = breaks
    options = bucket.options(proxy.port)
    report = client.upload(bucket.url, target_file_size="1GB", storage_options=options)

    assert len(report) == 1
    assert table_of(client, report.dataset_id).equals(whole)


def test_an_object_that_is_deleted_after_the_check_is_not_uploaded(
    client: sutro.Client, bucket: Bucket, proxy: SourceProxy
) -> None:
    bucket.put("a.parquet", parquet_bytes(2))
    bucket.put("large.parquet", LARGE)
    delete = once(lambda: bucket.delete("large.parquet"))
    proxy.before = lambda seen: delete() if is_transfer(seen) and "large" in seen.path else None

    with pytest.raises(sutro.UploadIncompleteError) as error:
        client.upload(bucket.url, storage_options=bucket.options(proxy.port))

    assert isinstance(error.value.__cause__, sutro.FileChangedError)
    assert "it was deleted" in str(error.value.__cause__)
    assert names_in(client, error.value.report.dataset_id) == ["a.parquet"]


def test_a_store_that_does_not_respond_is_named_and_not_the_server(
    server: sutro.LocalServer, bucket: Bucket, proxy: SourceProxy
) -> None:
    url = bucket.put("large.parquet", LARGE)
    goes_on = threading.Event()

    def before(seen: Seen) -> None:
        if is_transfer(seen):
            goes_on.wait(30)

    proxy.before = before
    client = sutro.Client(server.api_key, server.api_url, progress_timeout=1)

    with pytest.raises(sutro.FileAccessError, match="did not respond for 1 s") as error:
        client.upload(url, storage_options=bucket.options(proxy.port))
    goes_on.set()

    assert error.value.path == url
    assert server.api_url.removeprefix("http://") not in str(error.value)


KILLED = """
import sys
import sutro

url, dataset_id, api_url, api_key, endpoint, secret = sys.argv[1:]
options = {
    "endpoint_url": endpoint, "aws_access_key_id": "tests", "aws_secret_access_key": secret,
}
sutro.Client(api_key, api_url).upload(url, dataset_id, concurrency=1, storage_options=options)
"""


def test_an_upload_of_objects_that_is_killed_in_the_middle_resumes(
    server: sutro.LocalServer, client: sutro.Client, bucket: Bucket, proxy: SourceProxy
) -> None:
    names = [f"{number}.parquet" for number in range(6)]
    for number, name in enumerate(names):
        bucket.put(name, parquet_bytes(30_000, f"text {number} of it"))
    dataset_id = client.create_dataset()
    is_there, goes_on = threading.Event(), threading.Event()

    def before(seen: Seen) -> None:
        if is_transfer(seen) and "/4.parquet" in seen.path and not is_there.is_set():
            is_there.set()
            goes_on.wait(30)

    proxy.before = before
    endpoint = f"http://127.0.0.1:{proxy.port}"
    arguments = [bucket.url, dataset_id, server.api_url, server.api_key, endpoint, s3.SECRET]
    process = subprocess.Popen([sys.executable, "-c", KILLED, *arguments])
    assert is_there.wait(30)
    process.kill()
    process.wait()
    goes_on.set()

    there = names_in(client, dataset_id)
    assert there == names[: len(there)]
    report = client.upload(bucket.url, dataset_id, storage_options=bucket.options())
    assert names_in(client, dataset_id) == names
    statuses = [file.status for file in report]
    assert statuses == ["skipped"] * len(there) + ["uploaded"] * (6 - len(there))


MEASURED = """
import re, sys
import sutro

url, target, api_url, api_key, endpoint, secret = sys.argv[1:]
options = {
    "endpoint_url": endpoint, "aws_access_key_id": "tests", "aws_secret_access_key": secret,
}
size = target or None
client = sutro.Client(api_key, api_url)
client.upload(url, storage_options=options, target_file_size=size, progress=False)
# Unlike the peak of `getrusage`, this is not that of the parent process.
print(int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024)
"""


def random_parquet(megabytes: int) -> bytes:
    buffer = io.BytesIO()
    values = pa.array([random.randbytes(1_000_000) for _ in range(megabytes)])
    pq.write_table(pa.table({"bytes": values}), buffer, row_group_size=4)
    return buffer.getvalue()


@pytest.mark.parametrize("target", ["", "100MB", "1MB"], ids=["as they are", "packed", "split"])
def test_memory_does_not_grow_with_the_size_of_objects(
    server: sutro.LocalServer, bucket: Bucket, target: str
) -> None:
    small, large = random_parquet(1), random_parquet(24)
    assert len(large) > 24_000_000
    for number in range(8):
        bucket.put(f"small/{number}.parquet", small)
        bucket.put(f"large/{number}.parquet", large)
    endpoint = bucket.options()["aws_endpoint_url"]
    options = [server.api_url, server.api_key, endpoint, s3.SECRET]

    def peak(folder: str) -> int:
        output = python_output("-c", MEASURED, f"{bucket.url}/{folder}/", target, *options)
        return int(output.splitlines()[-1])

    assert peak("large") < peak("small") + 40
