"""What all engines have in common: tasks stage partitions, and a driver commits them in order."""

from __future__ import annotations

import pickle
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from sutro.engines import job as jobs
from sutro.engines import options
from sutro.engines.parquet import ROW_GROUP_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sutro.engines.task import Partition

SIZES = [0, 3, 1, 0, 50, 7]


def rows_of(number: int, shift: int = 0) -> pa.Table:
    values = range(SIZES[number % len(SIZES)])
    ids = [shift + 1000 * number + value for value in values]
    return pa.table({"id": pa.array(ids, pa.int64()), "text": [f"t{value}" for value in values]})


def plan(count: int, shift: int = 0) -> list[int]:
    return [row for number in range(count) for row in rows_of(number, shift)["id"].to_pylist()]


def ids(client: sutro.Client, dataset_id: str) -> list[int]:
    rows: list[int] = pa.table(client.read(dataset_id))["id"].to_pylist()
    return rows


def staged(job: jobs.Job, count: int = len(SIZES), shift: int = 0) -> list[Partition]:
    # Tasks of an engine get a copy of what they have in common.
    task = pickle.loads(pickle.dumps(job.task))
    return [task.stage(number, [rows_of(number, shift)]) for number in range(count)]


@pytest.fixture(autouse=True)
def workers_have_a_key(monkeypatch: pytest.MonkeyPatch, server: sutro.LocalServer) -> None:
    monkeypatch.setenv("SUTRO_API_KEY", server.api_key)
    monkeypatch.setenv("SUTRO_API_URL", server.api_url)


@pytest.fixture(params=["staged", "shared folder"])
def how(request: pytest.FixtureRequest, tmp_path: Path) -> options.Options:
    folder = tmp_path / "shared"
    return options.checked(staging=folder if request.param == "shared folder" else None)


def test_partitions_are_in_the_order_of_the_plan_however_they_arrive(
    client: sutro.Client, how: options.Options, tmp_path: Path
) -> None:
    job = jobs.begin(client, None, how)
    results = staged(job, 30)
    assert ids_of_nothing(client, job.task.dataset_id)
    random.Random(1).shuffle(results)
    with job.cleaned_up():
        report = job.commit(results, 30)
    assert ids(client, report.dataset_id) == plan(30)
    assert [file.position for file in report] == list(range(20))
    assert {file.status for file in report} == {"uploaded"}
    assert report[0].name.startswith("part-00001-")
    assert not (tmp_path / "shared").exists() or not list((tmp_path / "shared").iterdir())


def ids_of_nothing(client: sutro.Client, dataset_id: str) -> bool:
    return not client.list_dataset_files(dataset_id)


def test_one_result_counts_if_a_task_ran_twice(client: sutro.Client, how: options.Options) -> None:
    job = jobs.begin(client, None, how)
    report = job.commit(staged(job) + staged(job), len(SIZES))
    assert ids(client, report.dataset_id) == plan(len(SIZES))


def test_a_missing_partition_is_an_error_and_nothing_is_visible(
    client: sutro.Client, how: options.Options
) -> None:
    job = jobs.begin(client, None, how)
    results = staged(job)
    for some in (results[:-1], results[1:], [*results, replace(results[0], number=9)]):
        with pytest.raises(sutro.UploadIncompleteError, match="nothing was committed"):
            job.commit(some, len(SIZES))
    assert ids_of_nothing(client, job.task.dataset_id)


def test_the_same_job_again_skips_what_is_there(client: sutro.Client, how: options.Options) -> None:
    first = jobs.begin(client, None, how)
    dataset_id = first.commit(staged(first), len(SIZES)).dataset_id
    again = jobs.begin(client, dataset_id, how)
    report = again.commit(staged(again), len(SIZES))
    assert {file.status for file in report} == {"skipped"}
    longer = jobs.begin(client, dataset_id, how)
    report = longer.commit(staged(longer, 9), 9)
    assert [file.status for file in report] == ["skipped"] * 4 + ["uploaded"] * 2
    assert ids(client, dataset_id) == plan(9)
    assert [file.file_id for file in report] == [
        file.file_id for file in client.list_dataset_files(dataset_id)
    ]


def test_a_job_that_would_leave_its_files_apart_is_refused(client: sutro.Client) -> None:
    first = jobs.begin(client, None, options.checked())
    dataset_id = first.commit(staged(first), len(SIZES)).dataset_id
    client.upload({"more.parquet": rows_of(1, 5)}, dataset_id)
    longer = jobs.begin(client, dataset_id, options.checked())
    with pytest.raises(sutro.FileExistsInDatasetError, match="at another place"):
        longer.commit(staged(longer, 9), 9)
    # The whole job is there, wherever it is.
    again = jobs.begin(client, dataset_id, options.checked())
    assert {file.status for file in again.commit(staged(again), len(SIZES))} == {"skipped"}


def test_a_name_with_other_content_is_refused(client: sutro.Client) -> None:
    job = jobs.begin(client, None, options.checked())
    results = staged(job)
    name = results[1].files[0].name
    client.upload({name: rows_of(4)}, job.task.dataset_id)
    with pytest.raises(sutro.FileExistsInDatasetError, match="with other content"):
        job.commit(results, len(SIZES))


def test_two_jobs_at_once_are_both_whole(client: sutro.Client) -> None:
    dataset_id = client.create_dataset()

    def run(shift: int) -> sutro.UploadReport:
        job = jobs.begin(client, dataset_id, options.checked())
        return job.commit(staged(job, 12, shift), 12)

    shifts = [10**6 * number for number in range(6)]
    with ThreadPoolExecutor(len(shifts)) as drivers:
        reports = list(drivers.map(run, shifts))
    assert {file.status for report in reports for file in report} == {"uploaded"}
    found = ids(client, dataset_id)
    by_job = sorted(shifts, key=lambda shift: found.index(plan(12, shift)[0]))
    assert found == [row for shift in by_job for row in plan(12, shift)]


def test_the_same_job_twice_at_once_is_there_once(client: sutro.Client) -> None:
    dataset_id = client.create_dataset()

    def run(_: int) -> sutro.UploadReport:
        job = jobs.begin(client, dataset_id, options.checked())
        return job.commit(staged(job, 12), 12)

    with ThreadPoolExecutor(4) as drivers:
        reports = list(drivers.map(run, range(4)))
    assert ids(client, dataset_id) == plan(12)
    there = [file.file_name for file in client.list_dataset_files(dataset_id)]
    assert all([file.name for file in report] == there for report in reports)
    assert any({file.status for file in report} == {"uploaded"} for report in reports)


def test_partitions_are_split_by_rows_and_by_size(client: sutro.Client, tmp_path: Path) -> None:
    table = pa.table({"id": pa.array(range(100_000), pa.int64())})
    for given, most in (
        ({"rows_per_file": 30_000}, 30_000),
        ({"target_file_size": "100kB"}, 40_000),
        ({"rows_per_file": 10_000, "target_file_size": "1MB"}, 10_000),
        ({"rows_per_file": 30_000, "staging": tmp_path / "shared"}, 30_000),
    ):
        job = jobs.begin(client, None, options.checked(**given))
        batches = table.to_batches(max_chunksize=7_777)
        report = job.commit([job.task.stage(0, batches), job.task.stage(1, [table])], 2)
        counts = [file.row_count for file in report]
        assert max(counts) <= most
        assert len(counts) >= 6
        assert report[0].name.startswith("part-00000-0000-")
        assert ids(client, report.dataset_id) == 2 * list(range(100_000))


def test_a_partition_is_streamed(client: sutro.Client) -> None:
    held = []
    before = pa.total_allocated_bytes()

    def batches() -> Iterator[pa.RecordBatch]:
        for first in range(0, 25_000_000, 1_000_000):
            yield pa.record_batch({"x": pa.array(np.arange(first, first + 1_000_000))})
            held.append(pa.total_allocated_bytes() - before)

    job = jobs.begin(client, None, options.checked())
    partition = job.task.stage(0, batches())
    assert [file.row_count for file in partition.files] == [25_000_000]
    assert max(held) < 3 * ROW_GROUP_BYTES


def test_a_frame_without_rows_uploads_nothing_and_says_so(
    client: sutro.Client, how: options.Options
) -> None:
    job = jobs.begin(client, None, how)
    with pytest.warns(sutro.SutroWarning, match="no rows"):
        report = job.commit([job.task.stage(0, [rows_of(0)])], 1)
    assert (len(report), report.notes) == (0, ("the frame has no rows",))


def test_a_server_that_does_not_stage_needs_a_shared_folder(tmp_path: Path) -> None:
    with sutro.LocalServer(tmp_path / "other", max_staged_files=0) as server:
        client = server.client()
        with pytest.raises(sutro.ConfigurationError, match=r"does not stage files.*staging=FOLDER"):
            jobs.begin(client, client.create_dataset(), options.checked())
        shared = options.checked(staging=tmp_path / "shared")
        job = jobs.begin(client, None, shared)
        report = job.commit(staged(job), len(SIZES))
        assert ids(client, report.dataset_id) == plan(len(SIZES))


def test_a_shared_folder_is_a_folder(client: sutro.Client, tmp_path: Path) -> None:
    with pytest.raises(sutro.ConfigurationError, match="must be a folder") as caught:
        options.checked(staging="sftp://key:hush@host/tmp")
    assert "hush" not in str(caught.value)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(sutro.FileAccessError, match="cannot create"):
        jobs.begin(client, None, options.checked(staging=tmp_path / "file"))
    with pytest.raises(sutro.ConfigurationError, match="staging"):
        client.upload(rows_of(1), staging=tmp_path)


def test_a_schema_is_refused_before_the_job_and_in_a_task(client: sutro.Client) -> None:
    dataset_id = client.upload({"a.parquet": pa.table({"id": ["text"]})}).dataset_id
    job = jobs.begin(client, dataset_id, options.checked())
    with pytest.raises(sutro.SchemaMismatchError, match="int64"):
        job.refuse_schema(rows_of(1).schema)
    with pytest.raises(sutro.SchemaMismatchError, match="int64"):
        job.task.stage(0, [rows_of(1)])


def test_a_partition_with_another_schema_stops_the_commit(
    client: sutro.Client, how: options.Options
) -> None:
    job = jobs.begin(client, None, how)
    results = [job.task.stage(0, [rows_of(1)]), job.task.stage(1, [pa.table({"id": ["text"]})])]
    with pytest.raises((sutro.RefusedError, sutro.SchemaMismatchError), match="part-00001"):
        job.commit(results, 2)
    assert ids_of_nothing(client, job.task.dataset_id)


def test_types_that_parquet_does_not_have_are_refused(
    client: sutro.Client, how: options.Options
) -> None:
    job = jobs.begin(client, None, how)
    table = pa.table({"x": pa.array([1], pa.duration("s"))})
    with pytest.raises(sutro.FrameError, match=r"partition 3.*Duration.*as a number: "):
        job.task.stage(3, [table])


def test_a_cast_to_the_dataset_is_the_same_job_again(client: sutro.Client) -> None:
    wide = pa.table({"id": pa.array([1], pa.int64())})
    narrow = pa.table({"id": pa.array([2], pa.int32())})
    dataset_id = client.upload({"a.parquet": wide}).dataset_id
    for status in ("uploaded", "skipped"):
        job = jobs.begin(client, dataset_id, options.checked(on_mismatch="cast"))
        job.refuse_schema(narrow.schema)
        report = job.commit([job.task.stage(0, [narrow])], 1)
        assert [file.status for file in report] == [status]
    assert ids(client, dataset_id) == [1, 2]


def test_a_pickled_task_has_no_key_unless_asked(
    server: sutro.LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = jobs.begin(server.client(), None, options.checked())
    client = sutro.Client(server.api_key, server.api_url, pickle_api_key=True)
    with_key = jobs.begin(client, None, options.checked())
    assert server.api_key.encode() not in pickle.dumps(without)
    assert server.api_key.encode() in pickle.dumps(with_key)

    monkeypatch.delenv("SUTRO_API_KEY")
    assert staged(with_key)
    with pytest.raises(sutro.MissingKeyError, match="worker of an engine: set SUTRO_API_KEY"):
        staged(without)


def test_the_result_of_a_task_is_small(client: sutro.Client) -> None:
    job = jobs.begin(client, None, options.checked())
    results = staged(job, 60)
    assert len(pickle.dumps(results)) < 60 * 300


def test_the_driver_logs_what_is_staged_and_committed(
    client: sutro.Client, caplog: pytest.LogCaptureFixture
) -> None:
    job = jobs.begin(client, None, options.checked())
    with caplog.at_level("INFO", logger="sutro"):
        job.commit(staged(job), len(SIZES))
    words = [record.message for record in caplog.records if record.name == "sutro.engines"]
    assert ["staged" in words[0], "committed" in words[1]] == [True, True]
    assert "files=4 partitions=6" in words[0]


def test_the_embedded_server_of_a_url_is_for_one_process(tmp_path: Path) -> None:
    client = sutro.Client(api_url=f"local:{tmp_path / 'datasets'}")
    with pytest.raises(sutro.ConfigurationError, match=r"only one process.*sutro serve"):
        jobs.begin(client, None, options.checked())
    job = jobs.begin(client, None, options.checked(), in_processes=False)
    assert len(job.commit(staged(job), len(SIZES))) == 4
    shared = jobs.begin(client, None, options.checked(staging=tmp_path / "shared"))
    assert len(shared.commit(staged(shared), len(SIZES))) == 4


class FakeFrame:
    """A frame of Dask, as far as its class tells."""


FakeFrame.__module__, FakeFrame.__name__ = "dask.dataframe", "DataFrame"


@pytest.mark.parametrize(
    "given",
    [{"names": ["a"]}, {"hive": True}, {"dry_run": True}, {"ordered": False}, {"exclude": "a"}],
)
def test_arguments_that_do_not_apply_to_an_engine_are_refused(
    client: sutro.Client, given: dict[str, object]
) -> None:
    with pytest.raises(sutro.ConfigurationError, match=next(iter(given))):
        client.upload(FakeFrame(), **given)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"pass it directly to sutro\.upload"):
        client.check(FakeFrame())  # type: ignore[arg-type]


def test_an_engine_that_is_not_installed_is_named() -> None:
    pytest.importorskip("sutro")
    try:
        import pyspark  # noqa: F401, PLC0415
    except ImportError:
        with pytest.raises(ImportError, match=r"pip install 'sutro\[spark\]'"):
            _ = sutro.spark
    with pytest.raises(AttributeError):
        _ = sutro.sparks  # type: ignore[attr-defined]


def test_files_of_partitions_have_no_trace_of_the_engine(
    client: sutro.Client, tmp_path: Path
) -> None:
    table = rows_of(4)
    job = jobs.begin(client, None, options.checked())
    with_metadata = table.replace_schema_metadata({"pandas": "{}", "engine": "x"})
    results = [job.task.stage(0, [table]), job.task.stage(0, [with_metadata])]
    assert results[0].files[0].sha256 == results[1].files[0].sha256
    job.commit(results, 1)
    (path,) = client.download_from_dataset(job.task.dataset_id, output_path=tmp_path)
    assert not pq.read_metadata(path).metadata
