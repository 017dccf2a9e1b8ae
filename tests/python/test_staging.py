"""Workers stage files, one driver commits them; atomic uploads."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import sutro
from conftest import PARTS
from helpers.datasets import ids_in, names_in
from helpers.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import RunSutro


class BrokenSourceError(Exception):
    pass


def frame(number: int) -> pl.DataFrame:
    return pl.DataFrame({"id": [number]})


def staged_frames(client: sutro.Client, dataset_id: str, count: int) -> list[sutro.StagedFile]:
    frames = {f"{number}.parquet": frame(number) for number in range(count)}
    return client.stage(frames, dataset_id)


@pytest.fixture
def client_without_staging(tmp_path: Path) -> Iterator[sutro.Client]:
    """A client of a server that does not stage files."""
    with sutro.LocalServer(tmp_path / "no-staging", max_staged_files=0) as server:
        yield server.client()


def test_staged_files_become_visible_in_commit_order(client: sutro.Client, folder: Path) -> None:
    dataset_id = client.create_dataset()
    staged = client.stage(folder, dataset_id)
    assert names_in(client, dataset_id) == []

    report = client.commit(reversed(staged), dataset_id)
    assert names_in(client, dataset_id) == [file.file_name for file in reversed(staged)]
    assert [file.status for file in report] == ["uploaded"] * len(staged)
    assert [file.file_id for file in report] == [file.staged_id for file in reversed(staged)]
    listed = client.list_dataset_files(dataset_id)
    assert [file.sha256 for file in listed] == [file.sha256 for file in reversed(staged)]


def test_repeating_a_commit_changes_nothing_even_after_other_writes(
    client: sutro.Client,
) -> None:
    dataset_id = client.create_dataset()
    staged = staged_frames(client, dataset_id, 3)
    first = client.commit(staged, dataset_id)
    client.upload({"more.parquet": frame(7)}, dataset_id)
    again = client.commit(staged, dataset_id)
    assert [file.file_id for file in again] == [file.file_id for file in first]
    assert ids_in(client, dataset_id) == [0, 1, 2, 7]


def test_a_staged_file_is_small_and_can_be_pickled_and_printed(client: sutro.Client) -> None:
    dataset_id = client.create_dataset()
    staged = staged_frames(client, dataset_id, 100)
    assert pickle.loads(pickle.dumps(staged)) == staged
    assert len(pickle.dumps(staged[0])) < 400
    assert "0.parquet" in repr(staged[0])
    assert staged[0].sha256 not in repr(staged[0]), "a list of them is to be read"
    client.commit(pickle.loads(pickle.dumps(staged)), dataset_id)


WORKER = """
import pickle, sys
import polars as pl, sutro
url, key, dataset_id, first = sys.argv[1:]
numbers = range(int(first), int(first) + 5)
frames = {f"{number}.parquet": pl.DataFrame({"id": [number]}) for number in numbers}
staged = sutro.Client(key, url).stage(frames, dataset_id)
sys.stdout.buffer.write(pickle.dumps(staged))
"""


def test_workers_in_other_processes_stage_and_one_driver_commits(
    server: sutro.LocalServer,
) -> None:
    client = server.client()
    dataset_id = client.create_dataset()
    arguments = [server.api_url, server.api_key, dataset_id]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, *arguments, str(first)], stdout=subprocess.PIPE
        )
        for first in (0, 5, 10)
    ]
    parts = [pickle.loads(worker.communicate()[0]) for worker in workers]
    assert names_in(client, dataset_id) == []

    report = client.commit([file for part in parts for file in part], dataset_id)
    assert len(report) == 15
    assert ids_in(client, dataset_id) == list(range(15))


def test_exactly_one_of_two_racing_drivers_commits(client: sutro.Client) -> None:
    for _ in range(10):
        dataset_id = client.create_dataset()
        lists = [
            client.stage({f"{driver}-{n}.parquet": frame(n) for n in range(3)}, dataset_id)
            for driver in "ab"
        ]

        def commit(staged: list[sutro.StagedFile], dataset_id: str = dataset_id) -> bool:
            try:
                client.commit(staged, dataset_id, expected_file_count=0)
            except sutro.ForeignWriterError:
                return False
            return True

        with ThreadPoolExecutor(2) as drivers:
            won = list(drivers.map(commit, lists))
        assert sorted(won) == [False, True]
        winner = lists[won.index(True)]
        assert names_in(client, dataset_id) == [file.file_name for file in winner]


def test_two_drivers_with_one_list_both_succeed_and_it_is_there_once(
    client: sutro.Client,
) -> None:
    for _ in range(10):
        dataset_id = client.create_dataset()
        staged = staged_frames(client, dataset_id, 3)

        def commit(dataset_id: str = dataset_id, staged: Any = staged) -> list[str | None]:
            report = client.commit(staged, dataset_id, expected_file_count=0)
            return [file.file_id for file in report]

        with ThreadPoolExecutor(2) as drivers:
            one, other = [drivers.submit(commit) for _ in range(2)]
        assert one.result() == other.result() == [file.staged_id for file in staged]
        assert ids_in(client, dataset_id) == [0, 1, 2]


def test_a_failed_commit_commits_nothing(client: sutro.Client) -> None:
    dataset_id, other = client.create_dataset(), client.create_dataset()
    staged = staged_frames(client, dataset_id, 2)
    elsewhere = client.stage({"elsewhere.parquet": frame(1)}, other)
    unknown = replace(elsewhere[0], staged_id="file_unknown")
    same_name = client.stage({"1.parquet": frame(5)}, dataset_id)
    differs = client.stage({"text.parquet": pl.DataFrame({"id": ["x"]})}, dataset_id)

    for files, error, words in [
        ([*staged, *elsewhere], sutro.RefusedError, "file_"),
        ([*staged, unknown], sutro.RefusedError, "file_unknown"),
        ([*staged, *same_name], sutro.ConfigurationError, "two of .* called 1.parquet: commit one"),
        ([*staged, *differs], sutro.RefusedError, "text.parquet .*expected int64"),
        ([*staged, staged[0]], sutro.ConfigurationError, "0.parquet .* is listed twice"),
        ([], sutro.ConfigurationError, "nothing to commit"),
    ]:
        with pytest.raises(error, match=words):
            client.commit(files, dataset_id)
        assert names_in(client, dataset_id) == [], words

    with pytest.raises(
        sutro.ForeignWriterError, match="has 0 files before these, not 3 as expected"
    ):
        client.commit(staged, dataset_id, expected_file_count=3)
    with pytest.raises(sutro.DatasetNotFoundError, match="dataset-unknown not found"):
        client.commit(staged, "dataset-unknown")
    client.commit(staged, dataset_id, expected_file_count=0)
    with pytest.raises(sutro.FileExistsInDatasetError, match=r"1\.parquet"):
        client.commit(same_name, dataset_id)


def test_a_file_that_has_expired_is_named_with_what_to_do(tmp_path: Path) -> None:
    with sutro.LocalServer(tmp_path / "short", stage_expiry=0.1) as server:
        client = server.client()
        dataset_id = client.create_dataset()
        [staged] = staged_frames(client, dataset_id, 1)
        expiry = datetime.fromisoformat(staged.expires_at or "")
        wait_for(lambda: datetime.now(UTC) > expiry)
        with pytest.raises(sutro.RefusedError, match=r"0\.parquet .* has expired") as error:
            client.commit([staged], dataset_id)
    assert error.value.file_name == "0.parquet"
    assert str(error.value).endswith("stage it again")


def test_a_report_of_a_commit_claims_no_bytes_that_others_have_sent(client: sutro.Client) -> None:
    dataset_id = client.create_dataset()
    report = client.commit(staged_frames(client, dataset_id, 2), dataset_id)
    assert report.bytes_sent == 0
    assert f"{sum(file.size_bytes for file in report) / 1000:.1f} kB committed in" in str(report)
    assert " sent" not in str(report)
    assert "B/s" not in report._repr_html_()


def test_staged_files_of_another_key_cannot_be_committed(tmp_path: Path) -> None:
    with sutro.LocalServer(tmp_path / "keys", api_keys=["a" * 32, "b" * 32]) as server:
        mine, theirs = (sutro.Client(key * 32, server.api_url) for key in "ab")
        dataset_id, other = mine.create_dataset(), theirs.create_dataset()
        staged = staged_frames(mine, dataset_id, 1)
        unknown = replace(staged[0], staged_id="file_unknown")
        messages = []
        for file in (staged[0], unknown):
            with pytest.raises(sutro.RefusedError) as error:
                theirs.commit([file], other)
            messages.append(str(error.value).replace(file.staged_id, "ID"))
        assert messages[0] == messages[1]


def test_a_list_of_other_objects_is_rejected(client: sutro.Client) -> None:
    dataset_id = client.create_dataset()
    staged = staged_frames(client, dataset_id, 1)
    for wrong in ("file_1", 1, staged[0], ["file_1"], [staged]):
        with pytest.raises(TypeError, match=r"sutro\.StagedFile"):
            client.commit(wrong, dataset_id)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="dataset_id must be the id"):
        client.stage(frame(1), None)  # type: ignore[arg-type]
    with pytest.raises(sutro.ConfigurationError, match="expected_file_count"):
        client.commit(staged, dataset_id, expected_file_count=-1)


def test_names_already_in_the_dataset_are_not_staged(client: sutro.Client) -> None:
    dataset_id = client.create_dataset()
    client.upload({"0.parquet": frame(0)}, dataset_id)
    with pytest.raises(sutro.FileExistsInDatasetError, match=r"give them other names \(names="):
        client.stage({"0.parquet": frame(1)}, dataset_id)


def test_files_that_the_check_rejects_are_not_staged(client: sutro.Client, tmp_path: Path) -> None:
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    frame(1).write_parquet(paths[0], compression="snappy")
    dataset_id = client.create_dataset()
    for other, codec in [(frame(2), "zstd"), (pl.DataFrame({"id": ["x"]}), "snappy")]:
        other.write_parquet(paths[1], compression=codec)  # type: ignore[arg-type]
        with pytest.raises(sutro.CheckError, match=r"b\.parquet|a\.parquet"):
            client.stage(paths, dataset_id)
    paths[1].unlink()
    [staged] = client.stage(paths[:1], dataset_id)
    left = datetime.fromisoformat(staged.expires_at or "") - datetime.now(UTC)
    assert timedelta(hours=23) < left <= timedelta(hours=24), "the default of --stage-expiry"
    report = client.commit([staged], dataset_id, expected_file_count=0)
    assert [file.name for file in report] == ["a.parquet"]


def test_staging_casts_recompresses_and_packs_files(client: sutro.Client, tmp_path: Path) -> None:
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    frame(1).with_columns(pl.col("id").cast(pl.Int32)).write_parquet(paths[0])
    frame(2).write_parquet(paths[1], compression="snappy")
    dataset_id = client.create_dataset()
    staged = client.stage(
        paths, dataset_id, on_mismatch="cast", recompress=True, target_file_size="1MB"
    )
    assert [file.row_count for file in staged] == [2]
    client.commit(staged, dataset_id)
    assert ids_in(client, dataset_id) == [1, 2]


def test_a_generator_error_during_staging_is_raised_unchanged(
    client: sutro.Client,
) -> None:
    def frames() -> Iterator[pl.DataFrame]:
        yield frame(0)
        raise BrokenSourceError

    dataset_id = client.create_dataset()
    with pytest.raises(BrokenSourceError):
        client.stage(frames(), dataset_id)
    assert names_in(client, dataset_id) == []


def test_stage_and_commit_have_async_twins(client: sutro.Client) -> None:
    async def work() -> str:
        dataset_id = await client.create_dataset_async()
        parts = await asyncio.gather(
            *(client.stage_async({f"{n}.parquet": frame(n)}, dataset_id) for n in range(4))
        )
        await client.commit_async([file for part in parts for file in part], dataset_id)
        return dataset_id

    assert ids_in(client, asyncio.run(work())) == [0, 1, 2, 3]


def test_a_server_without_staging_is_reported(
    client_without_staging: sutro.Client, folder: Path
) -> None:
    dataset_id = client_without_staging.create_dataset()
    with pytest.raises(sutro.ConfigurationError, match=r"cannot stage files: .*use sutro.upload"):
        client_without_staging.stage(folder, dataset_id)
    with pytest.raises(sutro.ConfigurationError, match=r"cannot upload atomically: .*atomic=True"):
        client_without_staging.upload(folder, dataset_id, atomic=True)
    with pytest.raises(sutro.ConfigurationError, match="cannot upload atomically"):
        client_without_staging.upload(folder, atomic=True)
    staged = sutro.StagedFile("file_1", "a.parquet", 1, 1, "0" * 64, None)
    with pytest.raises(sutro.ConfigurationError, match="cannot commit staged files"):
        client_without_staging.commit([staged], dataset_id)
    assert len(client_without_staging.list_datasets()) == 1


def test_an_atomic_upload_commits_all_files_or_none(client: sutro.Client, folder: Path) -> None:
    report = client.upload(folder, atomic=True)
    assert [file.status for file in report] == ["uploaded"] * len(report)

    def frames() -> Iterator[pl.DataFrame]:
        yield frame(0)
        yield frame(1)
        raise BrokenSourceError

    dataset_id = client.create_dataset()
    with pytest.raises(BrokenSourceError):
        client.upload(frames(), dataset_id, atomic=True)
    assert names_in(client, dataset_id) == []
    assert not client.upload(folder, dataset_id, atomic=True, dry_run=True)[0].file_id
    with pytest.raises(sutro.ConfigurationError, match="leave out ordered=False"):
        client.upload(folder, dataset_id, atomic=True, ordered=False)


def test_more_files_than_one_commit_can_have_are_refused_before_anything_is_sent(
    client: sutro.Client, tmp_path: Path, folder: Path
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(10_001):
        (many / f"{number}.parquet").hardlink_to(folder / PARTS[0])
    with pytest.raises(sutro.ConfigurationError, match="10000 files, not 10001; target_file_size"):
        client.upload(many, atomic=True)
    assert client.list_datasets() == []


def test_frames_are_uploaded_one_by_one_if_others_have_staged_too_much(tmp_path: Path) -> None:
    def frames() -> Iterator[pl.DataFrame]:
        yield from map(frame, range(6))
        raise BrokenSourceError

    with sutro.LocalServer(tmp_path / "full", max_staged_files=2) as server:
        client = server.client()
        staged_frames(client, client.create_dataset(), 2)
        with pytest.warns(sutro.SutroWarning, match="one by one, .*the key has 2 staged files"):
            report = client.upload(map(frame, range(6)))
        assert ids_in(client, report.dataset_id) == list(range(6))
        assert report.notes

        with pytest.raises(sutro.UploadIncompleteError) as error:
            client.upload(frames())
        assert isinstance(error.value.__cause__, BrokenSourceError)
        assert ids_in(client, error.value.report.dataset_id) == list(range(6))

        for rejected in (client.stage, partial(client.upload, atomic=True)):
            with pytest.raises(sutro.RefusedError, match="commit staged files, or wait until"):
                rejected(frame(1), report.dataset_id)
        assert ids_in(client, report.dataset_id) == list(range(6))


def test_the_command_uploads_atomically(
    server: sutro.LocalServer, folder: Path, run_sutro: RunSutro
) -> None:
    environment = {"SUTRO_API_KEY": server.api_key, "SUTRO_API_URL": server.api_url}
    done = run_sutro("upload", folder, "--atomic", "-q", environment=environment)
    assert names_in(server.client(), done.stdout.strip())
    check = run_sutro("upload", folder, "--atomic", "--dry-run", environment=environment)
    assert check.returncode == 0
    refused = run_sutro("upload", folder, "--atomic", "--unordered", environment=environment)
    assert "leave out --unordered" in refused.stderr
