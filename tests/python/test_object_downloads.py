"""Downloads into a bucket: whole objects or none, with the rules of a folder."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from conftest import PARTS, parquet_bytes, write_parquet
from helpers import s3
from helpers.source_proxy import Seen, SourceProxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import RunSutro
    from helpers.bucket import Bucket

pytestmark = pytest.mark.skipif(s3.program() is None, reason=s3.MISSING)

MEGABYTE = 1 << 20


@pytest.fixture
def proxy(bucket: Bucket) -> Iterator[SourceProxy]:
    """A proxy before the store."""
    with SourceProxy(bucket.port) as proxy:
        yield proxy


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def random_file(path: Path, size: int) -> Path:
    """A file of about this size, in several row groups."""
    values = [os.urandom(MEGABYTE) for _ in range(size // MEGABYTE)]
    pq.write_table(pa.table({"bytes": values}), path, row_group_size=4)
    return path


def written(proxy: SourceProxy) -> list[Seen]:
    """The requests that write to the store."""
    return [seen for seen in proxy.requests if seen.method in {"PUT", "POST"}]


@pytest.mark.parametrize("end", ["", "/"])
def test_files_are_written_under_the_prefix_and_urls_returned_in_order(
    client: sutro.Client, bucket: Bucket, folder: Path, end: str
) -> None:
    dataset_id = client.upload(folder).dataset_id

    urls = client.download_from_dataset(
        dataset_id, output_path=f"{bucket.url}/a b/out{end}", storage_options=bucket.options()
    )

    assert urls == [f"{bucket.url}/a b/out/{name}" for name in PARTS]
    assert bucket.contents("a b/out") == contents(folder)


@pytest.mark.parametrize("size", [8, 16, 41])
def test_a_large_file_is_written_in_parts(
    client: sutro.Client, bucket: Bucket, proxy: SourceProxy, data: Path, size: int
) -> None:
    file = random_file(data / "large.parquet", size * MEGABYTE)
    dataset_id = client.upload(file).dataset_id

    client.download_from_dataset(
        dataset_id, output_path=bucket.url, storage_options=bucket.options(proxy.port)
    )

    assert bucket.contents() == contents(data)
    parts = [seen for seen in written(proxy) if "partNumber" in seen.path]
    assert len(parts) == -(-file.stat().st_size // (8 * MEGABYTE))


def test_named_files_are_written_once_each_also_by_the_async_call(
    client: sutro.Client, bucket: Bucket, proxy: SourceProxy, folder: Path
) -> None:
    dataset_id = client.upload(folder).dataset_id
    names = [PARTS[3], PARTS[1], PARTS[3]]

    urls = asyncio.run(
        client.download_from_dataset_async(
            dataset_id, names, bucket.url, storage_options=bucket.options(proxy.port)
        )
    )

    assert urls == [f"{bucket.url}/{name}" for name in names]
    assert sorted(bucket.contents()) == [PARTS[1], PARTS[3]]
    assert len(written(proxy)) == 2


def test_a_thousand_small_files_take_one_write_each(
    client: sutro.Client, bucket: Bucket, proxy: SourceProxy, data: Path
) -> None:
    for number in range(1_000):
        write_parquet(data / f"{number}.parquet", rows=1)
    dataset_id = client.upload(data).dataset_id
    names = [f"{number}.parquet" for number in range(1_000)]

    urls = client.download_from_dataset(
        dataset_id, output_path=bucket.url, storage_options=bucket.options(proxy.port)
    )

    assert urls == [f"{bucket.url}/{name}" for name in names]
    assert bucket.contents() == contents(data)
    assert len(written(proxy)) == 1_000


def test_equal_objects_are_kept_without_being_read_and_missing_ones_are_written(
    server: sutro.LocalServer, bucket: Bucket, proxy: SourceProxy, folder: Path
) -> None:
    with SourceProxy(int(server.api_url.rpartition(":")[2])) as before_server:
        client = sutro.Client(server.api_key, before_server.api_url)
        dataset_id = client.upload(folder).dataset_id
        options = bucket.options(proxy.port)
        client.download_from_dataset(dataset_id, output_path=bucket.url, storage_options=options)
        bucket.delete(PARTS[7])
        proxy.requests.clear()
        before_server.requests.clear()

        urls = client.download_from_dataset(
            dataset_id, output_path=bucket.url, storage_options=options
        )

    assert urls == [f"{bucket.url}/{name}" for name in PARTS]
    assert bucket.contents() == contents(folder)
    assert [seen.path.rpartition("/")[2] for seen in written(proxy)] == [PARTS[7]]
    assert proxy.objects_read() == []
    downloads = [seen for seen in before_server.requests if "download" in seen.path]
    assert len(downloads) == 1


@pytest.mark.parametrize("is_equal", [True, False])
def test_objects_of_other_programs_are_read_and_compared(
    client: sutro.Client, bucket: Bucket, proxy: SourceProxy, folder: Path, *, is_equal: bool
) -> None:
    dataset_id = client.upload(folder).dataset_id
    content = (folder / PARTS[4]).read_bytes()
    url = bucket.put(PARTS[4], content if is_equal else b"x" * len(content))
    options = bucket.options(proxy.port)

    if is_equal:
        client.download_from_dataset(dataset_id, output_path=bucket.url, storage_options=options)
        assert bucket.contents() == contents(folder)
        assert not any(seen.path.endswith(PARTS[4]) for seen in written(proxy))
        return
    with pytest.raises(sutro.LocalFileExistsError) as error:
        client.download_from_dataset(dataset_id, output_path=bucket.url, storage_options=options)
    assert error.value.paths == (url,)
    assert written(proxy) == []


def test_objects_with_other_content_are_kept_and_all_of_them_named_unless_overwritten(
    client: sutro.Client, bucket: Bucket, folder: Path
) -> None:
    dataset_id = client.upload(folder).dataset_id
    others = tuple(bucket.put(name, b"mine") for name in PARTS[3:5])
    options = bucket.options()

    with pytest.raises(sutro.LocalFileExistsError, match="overwrite=True") as error:
        client.download_from_dataset(dataset_id, output_path=bucket.url, storage_options=options)

    assert error.value.paths == others
    assert bucket.contents() == dict.fromkeys(PARTS[3:5], b"mine"), "nothing was written"
    client.download_from_dataset(
        dataset_id, output_path=bucket.url, storage_options=options, overwrite=True
    )
    assert bucket.contents() == contents(folder)


def test_an_object_that_appears_during_the_download_is_not_replaced(
    server: sutro.LocalServer, bucket: Bucket, folder: Path
) -> None:
    with SourceProxy(int(server.api_url.rpartition(":")[2])) as before_server:
        client = sutro.Client(server.api_key, before_server.api_url)
        dataset_id = client.upload(folder).dataset_id
        url = f"{bucket.url}/{PARTS[0]}"

        def before(seen: Seen) -> None:
            if "download" in seen.path:
                bucket.put(PARTS[0], b"mine")

        before_server.before = before
        with pytest.raises(sutro.LocalFileExistsError) as error:
            client.download_from_dataset(
                dataset_id, PARTS[0], bucket.url, storage_options=bucket.options()
            )

    assert error.value.paths == (url,)
    assert bucket.contents() == {PARTS[0]: b"mine"}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://host/out?sig=hush", "https:// URLs, which can only be read"),
        ("hf://datasets/a/b", "hf:// URLs, which can only be read"),
        ("dbfs://hush", "dbfs:// URLs, which are not supported"),
        ("s3://key:hush@bucket/a", "a user name or a password"),
    ],
)
def test_urls_that_cannot_be_written_are_refused(
    client: sutro.Client, url: str, words: str
) -> None:
    with pytest.raises(sutro.ConfigurationError, match=words) as error:
        client.download_from_dataset(client.create_dataset(), output_path=url)
    assert "hush" not in str(error.value)


def test_refused_credentials_and_options_are_told_without_their_values(
    client: sutro.Client, bucket: Bucket, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dataset_id = client.upload(folder).dataset_id
    caplog.set_level("DEBUG")
    wrong = bucket.options(aws_secret_access_key="hush")
    for url, options, kind, words in [
        (bucket.url, wrong, sutro.FileAccessError, "check the credentials"),
        ("s3://no-such-bucket/a", bucket.options(), sutro.FileAccessError, "no such bucket"),
        (bucket.url, {"aws_regon": "hush"}, sutro.ConfigurationError, "aws_regon"),
    ]:
        for overwrite in (False, True):
            with pytest.raises(kind, match=words) as error:
                client.download_from_dataset(
                    dataset_id, output_path=url, storage_options=options, overwrite=overwrite
                )
            assert "hush" not in f"{error.value!r} {error.value} {caplog.text}"
    assert bucket.contents() == {}


def test_the_command_prints_urls(bucket: Bucket, run_sutro: RunSutro, folder: Path) -> None:
    local = ("--api-url", "local:service")
    dataset_id = run_sutro("upload", folder, *local, "--quiet").stdout.strip()
    endpoint = f"--storage-option=aws_endpoint_url={bucket.options()['aws_endpoint_url']}"
    keys = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": s3.SECRET}
    download = ("datasets", "download", dataset_id, *local, "--output", bucket.url, endpoint)

    done = run_sutro(*download, environment=keys)
    assert done.stdout.splitlines() == [f"{bucket.url}/{name}" for name in PARTS], done.stderr
    assert bucket.contents() == contents(folder)

    bucket.put(PARTS[0], b"mine")
    kept = run_sutro(*download, "--json", environment=keys)
    assert kept.returncode == 3
    assert "--overwrite" in kept.stderr
    done = run_sutro(*download, "--overwrite", "--json", environment=keys)
    assert json.loads(done.stdout)["paths"] == [f"{bucket.url}/{name}" for name in PARTS]


def test_a_url_of_a_local_folder_is_a_folder(
    client: sutro.Client, folder: Path, tmp_path: Path
) -> None:
    dataset_id = client.upload(folder).dataset_id
    paths = client.download_from_dataset(dataset_id, output_path=(tmp_path / "a b").as_uri())
    assert paths == [tmp_path / "a b" / name for name in PARTS]
    assert contents(tmp_path / "a b") == contents(folder)


def test_bytes_are_those_of_the_dataset_whatever_the_size(
    client: sutro.Client, bucket: Bucket, data: Path
) -> None:
    for rows in (1, 1_000, 200_000):
        (data / f"{rows}.parquet").write_bytes(parquet_bytes(rows, "a text"))
    dataset_id = client.upload(data).dataset_id
    client.download_from_dataset(
        dataset_id, output_path=bucket.url, storage_options=bucket.options()
    )
    assert bucket.contents() == contents(data)
