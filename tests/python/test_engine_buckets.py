"""Engines in front of a server that does not stage: partitions wait in a bucket."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import fs

import sutro
from helpers import s3
from helpers.waiting import wait_for
from sutro import _core
from sutro.engines import job as jobs
from sutro.engines import options as engine_options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from helpers.bucket import Bucket
    from sutro.engines.options import Options
    from sutro.engines.task import Partition

pytestmark = pytest.mark.skipif(s3.program() is None, reason=s3.MISSING)

MEGABYTE = 1 << 20
COUNT = 5


@pytest.fixture
def one_by_one(tmp_path: Path) -> Iterator[sutro.Client]:
    """A client of a server that does not stage files."""
    with sutro.LocalServer(tmp_path / "one-by-one", max_staged_files=0) as server:
        yield server.client()


@pytest.fixture
def how(bucket: Bucket) -> Options:
    return engine_options.checked(staging=bucket.url, storage_options=bucket.options())


def rows_of(number: int) -> pa.Table:
    return pa.table({"id": pa.array(range(100 * number, 100 * number + number), pa.int64())})


PLAN = [row for number in range(COUNT) for row in rows_of(number)["id"].to_pylist()]


def staged(job: jobs.Job) -> list[Partition]:
    task = pickle.loads(pickle.dumps(job.task))
    return [task.stage(number, [rows_of(number)]) for number in range(COUNT)]


def ids(client: sutro.Client, dataset_id: str) -> list[int]:
    rows: list[int] = pa.table(client.read(dataset_id))["id"].to_pylist()
    return rows


def begin_put(content: bytes, url: str, options: dict[str, str]) -> _core.Job[None]:
    spool = _core.BytesSpool("a file")
    spool.write(content)
    return _core.put_object(spool.finish(None), url, options)


def result_of(job: _core.Job[None]) -> None:
    wait_for(lambda: job.wait(0.1))
    job.result()


def put(content: bytes, url: str, options: dict[str, str]) -> None:
    result_of(begin_put(content, url, options))


def content_of(store: s3.S3Server, url: str) -> bytes:
    files = fs.S3FileSystem(
        access_key="tests",
        secret_key=s3.SECRET,
        endpoint_override=store.endpoint,
        region="us-east-1",
    )
    with files.open_input_stream(url.removeprefix("s3://")) as stream:
        read: bytes = stream.read()
    return read


@pytest.mark.parametrize("size", [0, 1, 8 * MEGABYTE, 8 * MEGABYTE + 1, 41 * MEGABYTE])
def test_an_object_has_the_bytes_of_the_file_and_replaces_another(
    store: s3.S3Server, bucket: Bucket, size: int
) -> None:
    url = f"{bucket.url}/a"
    put(b"before", url, bucket.options())
    content = os.urandom(size)
    put(content, url, bucket.options())
    assert content_of(store, url) == content


def test_a_large_object_that_is_cancelled_leaves_nothing(
    store: s3.S3Server, bucket: Bucket
) -> None:
    parts = f"s3://{s3.BUCKET}/.uploads"
    before = store.keys(parts)
    job = begin_put(bytes(200 * MEGABYTE), f"{bucket.url}/a", bucket.options())
    wait_for(lambda: store.keys(parts) != before)
    job.cancel()
    with pytest.raises(_core.Cancelled):
        result_of(job)
    wait_for(lambda: store.keys(parts) == before)
    assert store.keys(bucket.url) == []


def test_only_objects_below_the_folder_are_deleted(store: s3.S3Server, bucket: Bucket) -> None:
    for name in ("a/1", "a/b/2", "ab", "a.parquet"):
        bucket.put(name, b"x")
    for _ in range(2):
        result_of(_core.delete_objects(f"{bucket.url}/a/", bucket.options()))
        assert sorted(set(store.keys(bucket.url)) - {"a"}) == ["a.parquet", "ab"]
        # The server keeps a folder for a while.
        assert set(store.keys(f"{bucket.url}/a")) <= {"b"}
        assert store.keys(f"{bucket.url}/a/b") == []
    with pytest.raises(sutro.SutroError, match="no folder to delete"):
        result_of(_core.delete_objects(f"s3://{s3.BUCKET}/", bucket.options()))


def test_partitions_are_uploaded_in_order_and_once_whatever_attempts_there_were(
    one_by_one: sutro.Client, store: s3.S3Server, bucket: Bucket, how: Options
) -> None:
    dataset_id = one_by_one.create_dataset()
    for status in ("uploaded", "skipped"):
        job = jobs.begin(one_by_one, dataset_id, how)
        with job.cleaned_up():
            lost, results = staged(job), staged(job)
            paths = {file.path for result in (*lost, *results) for file in result.files}
            assert len(paths) == 2 * (COUNT - 1)
            report = job.commit(reversed(results), COUNT)
        assert {file.status for file in report} == {status}
        assert {file.sources for file in report} == {()}
        assert ids(one_by_one, dataset_id) == PLAN
        assert left_in(store, bucket) == []


def left_in(store: s3.S3Server, bucket: Bucket) -> list[str]:
    """Objects in the places of jobs."""
    return [key for job in store.keys(bucket.url) for key in store.keys(f"{bucket.url}/{job}")]


def test_a_job_that_fails_leaves_no_objects(
    one_by_one: sutro.Client, store: s3.S3Server, bucket: Bucket, how: Options
) -> None:
    job = jobs.begin(one_by_one, None, how)
    with pytest.raises(sutro.UploadIncompleteError, match="partition 1"), job.cleaned_up():
        job.commit(staged(job)[:1], COUNT)
    assert left_in(store, bucket) == []


def test_an_object_that_is_replaced_during_the_upload_is_not_uploaded(
    one_by_one: sutro.Client, bucket: Bucket, how: Options
) -> None:
    job = jobs.begin(one_by_one, None, how)
    (result,) = [job.task.stage(3, [rows_of(3)])]
    path = result.files[0].path
    assert path is not None
    bucket.put(path.removeprefix(f"{bucket.url}/"), b"no parquet")
    with job.cleaned_up(), pytest.raises(sutro.InvalidParquetError, match=r"part-00003|s3://"):
        job.commit([job.task.stage(number, []) for number in range(3)] + [result], 4)
    assert one_by_one.list_dataset_files(job.task.dataset_id) == []


def test_workers_without_options_use_their_own_settings(
    one_by_one: sutro.Client, store: s3.S3Server, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in store.environment().items():
        monkeypatch.setenv(name, value)
    job = jobs.begin(one_by_one, None, engine_options.checked(staging=f"{bucket.url}/"))
    assert s3.SECRET.encode() not in pickle.dumps(job)
    with job.cleaned_up():
        report = job.commit(staged(job), COUNT)
    assert ids(one_by_one, report.dataset_id) == PLAN


def test_options_are_in_a_task_of_a_bucket_and_are_never_shown(
    one_by_one: sutro.Client, how: Options, tmp_path: Path, bucket: Bucket
) -> None:
    job = jobs.begin(one_by_one, None, how)
    assert s3.SECRET.encode() in pickle.dumps(job)
    assert s3.SECRET not in repr(job)
    with pytest.raises(sutro.ConfigurationError, match="storage_options"):
        engine_options.checked(staging=tmp_path / "shared", storage_options=bucket.options())


def test_a_bucket_that_cannot_be_written_is_refused_before_the_job(
    one_by_one: sutro.Client, bucket: Bucket
) -> None:
    right = bucket.options()
    for url, given, error, words in [
        ("s3://no-such-bucket/tmp", right, sutro.FileAccessError, "there is no such bucket"),
        (
            bucket.url,
            right | {"aws_secret_access_key": "hush"},
            sutro.FileAccessError,
            "the store refused access; check the credentials",
        ),
        (bucket.url, right | {"aws_regon": "x"}, sutro.ConfigurationError, "aws_regon"),
    ]:
        how = engine_options.checked(staging=url, storage_options=given)
        with pytest.raises(error, match=words) as caught:
            jobs.begin(one_by_one, None, how)
        assert "hush" not in str(caught.value)


def test_large_partitions_are_sent_in_parts(one_by_one: sutro.Client, how: Options) -> None:
    table = pa.table({"id": pc.random(3_000_000)})
    job = jobs.begin(one_by_one, None, how)
    with job.cleaned_up():
        result = job.task.stage(0, table.to_batches(max_chunksize=100_000))
        assert result.files[0].size_bytes > 8 * MEGABYTE
        report = job.commit([result], 1)
    assert pa.table(one_by_one.read(report.dataset_id)).equals(table)
