"""Downloads into a bucket when the server, the store or the process fails: nothing half is left."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import PARTS
from helpers import s3
from helpers.processes import python_output
from helpers.remembering_server import RememberingServer
from helpers.source_proxy import Seen, SourceProxy, once
from helpers.waiting import wait_for
from test_object_downloads import MEGABYTE, contents, random_file, written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from helpers.bucket import Bucket
    from helpers.json_server import Request

pytestmark = pytest.mark.skipif(s3.program() is None, reason=s3.MISSING)

UPLOADS = f"s3://{s3.BUCKET}/.uploads"
"""Where the server keeps parts of objects that are not complete."""


@pytest.fixture
def proxy(bucket: Bucket) -> Iterator[SourceProxy]:
    """A proxy before the store."""
    with SourceProxy(bucket.port) as proxy:
        yield proxy


@pytest.fixture
def before_server(server: sutro.LocalServer) -> Iterator[SourceProxy]:
    with SourceProxy(int(server.api_url.rpartition(":")[2])) as proxy:
        yield proxy


def is_download(seen: Seen) -> bool:
    return seen.path == "/download-from-dataset" or "/files/" in seen.path


def is_part(seen: Seen) -> bool:
    return "partNumber" in seen.path


def is_completion(seen: Seen) -> bool:
    return seen.method == "POST" and "uploadId=" in seen.path


@pytest.fixture
def large(client: sutro.Client, data: Path) -> str:
    """A dataset with one file of three parts."""
    return client.upload(random_file(data / "large.parquet", 20 * MEGABYTE)).dataset_id


def test_a_download_that_breaks_continues_at_the_same_byte(
    server: sutro.LocalServer,
    before_server: SourceProxy,
    bucket: Bucket,
    proxy: SourceProxy,
    *,
    large: str,
    data: Path,
) -> None:
    chance = random.Random(7)
    broken = 0

    def breaks(seen: Seen, length: int) -> int | None:
        nonlocal broken
        if not is_download(seen) or broken == 12:
            return None
        broken += 1
        return chance.randrange(length // 8)

    before_server.breaks = breaks
    client = sutro.Client(server.api_key, before_server.api_url, max_retries=2)
    client.download_from_dataset(
        large, output_path=bucket.url, storage_options=bucket.options(proxy.port)
    )

    assert bucket.contents() == contents(data)
    requests = [seen for seen in before_server.requests if is_download(seen)]
    begins = [int(seen.range.removeprefix("bytes=")[:-1]) for seen in requests if seen.range]
    assert len(begins) == 12
    assert begins == sorted(begins)
    assert all(seen.if_match for seen in requests if seen.range)
    assert len([seen for seen in written(proxy) if is_part(seen)]) == 3, "each part once"


class BreakingServer(RememberingServer):
    """Has no ranges, and breaks the first response in the middle."""

    def __init__(self, *tells: str) -> None:
        super().__init__(*tells)
        self.downloads = 0
        self.other_content: bytes | None = None

    def receive(self, body: bytes, request: Request) -> None:
        if request.path != "/download-from-dataset":
            super().receive(body, request)
            return
        (content,) = self.files.values()
        self.downloads += 1
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        if self.downloads == 1:
            sent = self.other_content or content
            request.wfile.write(sent[: len(content) * 2 // 3])
            request.close_connection = True
        else:
            request.wfile.write(content)


@pytest.mark.parametrize("tells", [(), ("size_bytes",), ("size_bytes", "sha256")])
@pytest.mark.parametrize("has_changed", [False, True])
def test_a_server_without_ranges_sends_the_file_again_and_its_start_is_compared(
    bucket: Bucket, proxy: SourceProxy, data: Path, tells: tuple[str, ...], *, has_changed: bool
) -> None:
    file = random_file(data / "large.parquet", 20 * MEGABYTE)
    with BreakingServer(*tells) as server:
        client = sutro.Client(server.api_key, server.api_url)
        dataset_id = client.upload(file).dataset_id
        if has_changed:
            server.other_content = bytes(file.stat().st_size)
        options = bucket.options(proxy.port)
        client.download_from_dataset(dataset_id, output_path=bucket.url, storage_options=options)

        assert bucket.contents() == contents(data)
        assert server.downloads == 2 + has_changed
        parts = len([seen for seen in written(proxy) if is_part(seen)])
        client.download_from_dataset(dataset_id, output_path=bucket.url, storage_options=options)
        assert len([seen for seen in written(proxy) if is_part(seen)]) == parts, "it is kept"


def test_a_response_of_the_store_that_is_lost_is_settled(
    client: sutro.Client, bucket: Bucket, proxy: SourceProxy, large: str, data: Path
) -> None:
    lost: list[Seen] = []

    def loses(seen: Seen) -> bool:
        is_lost = (is_completion(seen) or is_part(seen)) and len(lost) < 2
        is_new = all(seen.path.partition("?")[2] != other.path.partition("?")[2] for other in lost)
        if is_lost and is_new:
            lost.append(seen)
        return is_lost and is_new

    def loses_completions(seen: Seen) -> bool:
        if is_completion(seen):
            lost.append(seen)
        return is_completion(seen)

    for number, how in enumerate([loses, loses_completions]):
        lost.clear()
        proxy.loses = how
        url = f"{bucket.url}/{number}"
        options = bucket.options(proxy.port, timeout="3")
        client.download_from_dataset(large, output_path=url, storage_options=options)
        assert lost
        assert bucket.contents(str(number)) == contents(data)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_store_that_fails_in_the_middle_keeps_nothing_and_the_next_run_writes_it(
    client: sutro.Client,
    store: s3.S3Server,
    bucket: Bucket,
    proxy: SourceProxy,
    *,
    large: str,
    data: Path,
    overwrite: bool,
) -> None:
    before = store.keys(UPLOADS)
    if overwrite:
        bucket.put("large.parquet", b"mine")
    is_second = "partNumber=2"
    proxy.answers = lambda seen: (503, b"") if is_second in seen.path else None
    options = bucket.options(proxy.port, timeout="1")

    with pytest.raises(sutro.FileAccessError, match="503") as error:
        client.download_from_dataset(
            large, output_path=bucket.url, storage_options=options, overwrite=overwrite
        )

    assert error.value.path == f"{bucket.url}/large.parquet"
    wait_for(lambda: store.keys(UPLOADS) == before)
    assert bucket.contents() == ({"large.parquet": b"mine"} if overwrite else {})
    proxy.answers = lambda _seen: None
    client.download_from_dataset(
        large, output_path=bucket.url, storage_options=options, overwrite=overwrite
    )
    assert bucket.contents() == contents(data)


def test_a_store_that_is_killed_is_reported_and_has_no_incomplete_object_afterwards(
    client: sutro.Client, store: s3.S3Server, bucket: Bucket, proxy: SourceProxy, large: str
) -> None:
    # A retry that the proxy gets late must not kill the store that runs again.
    kill = once(store.kill)
    proxy.before = lambda seen: kill() if "partNumber=2" in seen.path else None
    options = bucket.options(proxy.port, timeout="1")
    try:
        with pytest.raises(sutro.FileAccessError) as error:
            client.download_from_dataset(large, output_path=bucket.url, storage_options=options)
    finally:
        store.start()

    assert error.value.path == f"{bucket.url}/large.parquet"
    assert bucket.contents() == {}


KILLED = """
import sys
import sutro

url, dataset_id, api_url, api_key, endpoint, secret = sys.argv[1:]
options = {
    "endpoint_url": endpoint, "aws_access_key_id": "tests", "aws_secret_access_key": secret,
}
sutro.Client(api_key, api_url).download_from_dataset(
    dataset_id, output_path=url, concurrency=1, storage_options=options
)
"""


def interrupted(
    server: sutro.LocalServer,
    bucket: Bucket,
    proxy: SourceProxy,
    dataset_id: str,
    *,
    at: str,
    how: signal.Signals,
) -> int:
    """Send a signal to a process when its download reaches a request."""
    is_there, goes_on = threading.Event(), threading.Event()

    def before(seen: Seen) -> None:
        if at in seen.path and seen.method == "PUT" and not is_there.is_set():
            is_there.set()
            goes_on.wait(30)

    proxy.before = before
    endpoint = f"http://127.0.0.1:{proxy.port}"
    arguments = [bucket.url, dataset_id, server.api_url, server.api_key, endpoint, s3.SECRET]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, *arguments], stderr=subprocess.DEVNULL
    )
    assert is_there.wait(30)
    process.send_signal(how)
    code = process.wait(30)
    goes_on.set()
    return code


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_leaves_no_parts_and_no_incomplete_object(
    server: sutro.LocalServer, store: s3.S3Server, bucket: Bucket, proxy: SourceProxy, large: str
) -> None:
    before = store.keys(UPLOADS)

    code = interrupted(server, bucket, proxy, large, at="partNumber=2", how=signal.SIGINT)

    assert code != 0
    assert store.keys(UPLOADS) == before, "removed before the process exits"
    assert bucket.contents() == {}


def test_a_download_that_is_killed_resumes_with_the_files_that_are_missing(
    server: sutro.LocalServer,
    before_server: SourceProxy,
    bucket: Bucket,
    proxy: SourceProxy,
    folder: Path,
) -> None:
    dataset_id = server.client().upload(folder).dataset_id

    interrupted(server, bucket, proxy, dataset_id, at=PARTS[5], how=signal.SIGKILL)

    there = set(bucket.contents())
    assert there in (set(PARTS[:5]), set(PARTS[:6]))
    client = sutro.Client(server.api_key, before_server.api_url)
    client.download_from_dataset(
        dataset_id, output_path=bucket.url, storage_options=bucket.options()
    )
    assert bucket.contents() == contents(folder)
    downloads = [seen for seen in before_server.requests if is_download(seen)]
    # The request that the process had sent may have been completed after its end.
    assert len(downloads) in {6, 7}


MEASURED = """
import re, sys
import sutro

url, first, second, api_url, api_key, endpoint, secret = sys.argv[1:]
options = {
    "endpoint_url": endpoint, "aws_access_key_id": "tests", "aws_secret_access_key": secret,
}

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024

client = sutro.Client(api_key, api_url)
for dataset_id in (first, second):
    client.download_from_dataset(
        dataset_id, output_path=f"{url}/{dataset_id}", concurrency=2, storage_options=options
    )
    print(peak())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_size_of_files(
    server: sutro.LocalServer, client: sutro.Client, bucket: Bucket, tmp_path: Path
) -> None:
    datasets = []
    for name, size in (("small", 1), ("large", 100)):
        folder = tmp_path / name
        folder.mkdir()
        for number in range(2):
            random_file(folder / f"{number}.parquet", size * MEGABYTE)
        datasets.append(client.upload(folder).dataset_id)
    endpoint = f"http://127.0.0.1:{bucket.port}"
    arguments = [bucket.url, *datasets, server.api_url, server.api_key, endpoint, s3.SECRET]

    before, after = map(int, python_output("-c", MEASURED, *arguments).split())

    assert after - before < 100, "two transfers with two parts each, and what an allocator keeps"
