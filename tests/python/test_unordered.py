"""Uploads with `ordered=False` resume from any state, and no message promises an order."""

from __future__ import annotations

import _thread
import random
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import sutro
from conftest import PARTS, write_parquet
from helpers.datasets import ids_in
from helpers.remembering_server import DATASET_ID, RememberingServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from helpers.holding_server import HoldingServer


def client_of(service: RememberingServer | HoldingServer) -> sutro.Client:
    return sutro.Client(service.api_key, service.api_url)


def named(count: int) -> dict[str, pl.DataFrame]:
    return {f"day-{day}": pl.DataFrame({"id": [day] * 3}) for day in range(count)}


def name_counts(dataset: list[sutro.DatasetFile]) -> Counter[str]:
    return Counter(file.file_name for file in dataset)


def status_by_name(report: sutro.UploadReport) -> dict[str, str]:
    return {file.name: file.status for file in report}


@pytest.mark.parametrize("seed", range(8))
def test_exactly_the_missing_files_are_sent_once_each(
    client: sutro.Client, folder: Path, tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    there = rng.sample(PARTS, rng.randrange(len(PARTS)))
    foreign = [write_parquet(tmp_path / f"other-{number}.parquet") for number in range(3)]
    before = [*(folder / name for name in there), *foreign]
    rng.shuffle(before)
    dataset_id = client.create_dataset()
    client.upload(before, dataset_id)
    expected = {name: "skipped" if name in there else "uploaded" for name in PARTS}

    check = client.check(folder, dataset_id, ordered=False)
    trial = client.upload(folder, dataset_id, ordered=False, dry_run=True)
    report = client.upload(folder, dataset_id, ordered=False)

    assert check
    assert {file.name for file in trial if file.status == "skipped"} == set(there)
    assert status_by_name(report) == expected
    assert [file.position for file in report] == list(range(len(PARTS)))
    assert all(file.file_id for file in report)
    assert name_counts(client.list_dataset_files(dataset_id)) == Counter(
        [*PARTS, *(path.name for path in foreign)]
    )


@pytest.mark.parametrize("seed", range(4))
def test_frames_already_in_the_dataset_are_skipped_at_any_position(
    client: sutro.Client, seed: int
) -> None:
    frames, rng = named(9), random.Random(seed)
    there = rng.sample(sorted(frames), 4)
    dataset_id = client.create_dataset()
    for name in there:
        client.upload({name: frames[name]}, dataset_id)
    expected = {f"{name}.parquet": "skipped" if name in there else "uploaded" for name in frames}

    check = client.check(frames, dataset_id, ordered=False)
    trial = client.upload(frames, dataset_id, ordered=False, dry_run=True)
    report = client.upload(frames, dataset_id, ordered=False)

    assert check
    assert status_by_name(trial) == {
        name: status.replace("uploaded", "pending") for name, status in expected.items()
    }
    assert status_by_name(report) == expected
    assert [file.position for file in report] == list(range(9))
    assert name_counts(client.list_dataset_files(dataset_id)) == Counter(list(expected))


def test_an_upload_of_rewritten_files_resumes(client: sutro.Client, data: Path) -> None:
    for number in range(6):
        dtype = pl.Int32 if number % 2 else pl.Int64
        frame = pl.DataFrame({"id": pl.Series([number], dtype=dtype)})
        frame.write_parquet(data / f"{number}.parquet", compression="zstd")
    options: dict[str, Any] = {"on_mismatch": "cast", "recompress": True, "ordered": False}
    dataset_id = client.create_dataset()
    client.upload([data / "4.parquet", data / "1.parquet"], dataset_id, **options)

    report = client.upload(data, dataset_id, **options)

    assert {name for name, status in status_by_name(report).items() if status == "skipped"} == {
        "1.parquet",
        "4.parquet",
    }
    assert [file.position for file in report] == list(range(6))
    assert sorted(ids_in(client, dataset_id)) == list(range(6))


def test_a_file_whose_name_is_in_use_for_other_content_is_rejected_before_sending(
    client: sutro.Client, folder: Path
) -> None:
    dataset_id = client.create_dataset()
    client.upload([folder / "part-3.parquet", folder / "part-7.parquet"], dataset_id)
    write_parquet(folder / "part-3.parquet", rows=50)

    check = client.check(folder, dataset_id, ordered=False)
    with pytest.raises(sutro.FileExistsInDatasetError, match="with other content") as caught:
        client.upload(folder, dataset_id, ordered=False)

    assert not check
    assert str(check.error) == str(caught.value)
    assert caught.value.names == ("part-3.parquet",)
    assert len(client.list_dataset_files(dataset_id)) == 2


def test_a_frame_whose_name_is_in_use_for_other_content_is_rejected(client: sutro.Client) -> None:
    dataset_id = client.create_dataset()
    client.upload({"day-3": pl.DataFrame({"id": [7]})}, dataset_id)

    with pytest.raises(sutro.UploadIncompleteError) as caught:
        client.upload(named(5), dataset_id, ordered=False)

    assert isinstance(caught.value.__cause__, sutro.FileExistsInDatasetError)
    assert caught.value.__cause__.names == ("day-3.parquet",)
    assert "with other content" in str(caught.value)
    assert not client.check(named(5), dataset_id, ordered=False)


def test_one_warning_counts_files_recognized_without_comparing_content(tmp_path: Path) -> None:
    frames = named(5)
    with RememberingServer("size_bytes", "row_count") as service:
        client_of(service).upload({"day-3": frames["day-3"]}, DATASET_ID)
        client_of(service).upload({"day-1": frames["day-1"]}, DATASET_ID)
        elsewhere = sutro.Client(service.api_key, service.api_url)
        for record in (tmp_path / "state").rglob("*.jsonl"):
            record.unlink()

        with pytest.warns(sutro.SutroWarning, match="^2 files of 2 already there were recogn"):
            elsewhere.upload(frames, DATASET_ID, ordered=False)


_UPLOAD = """
import sys
import sutro
folder, dataset_id, url, key = sys.argv[1:]
client = sutro.Client(key, url)
client.upload(folder, dataset_id, ordered=False, progress=lambda progress: print(
    progress.files_committed, flush=True))
"""


def test_after_kill_9_of_an_unordered_upload_the_next_run_sends_the_missing_files(
    server: sutro.LocalServer, client: sutro.Client, tmp_path: Path
) -> None:
    data = tmp_path / "many"
    data.mkdir()
    for number in range(60):
        write_parquet(data / f"{number}.parquet", rows=20_000 if number % 7 else 3)
    dataset_id = client.create_dataset()
    arguments = [str(data), dataset_id, server.api_url, server.api_key]
    for wanted in (5, 25):
        command = [sys.executable, "-c", _UPLOAD, *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if int(line) + (wanted > 5) >= wanted // 5:
                    break
            process.kill()
    there = {file.file_name for file in client.list_dataset_files(dataset_id)}

    report = client.upload(data, dataset_id, ordered=False)

    skipped = {file.name for file in report if file.status == "skipped"}
    # A request that the kill had let go may have arrived after the list was read.
    assert skipped >= there
    assert name_counts(client.list_dataset_files(dataset_id)) == Counter(
        path.name for path in data.iterdir()
    )


def test_the_message_after_ctrl_c_says_how_to_resume_and_does_not_mention_order(
    holding: HoldingServer, folder: Path
) -> None:
    holding.commits = 3
    holding.on_hold = _thread.interrupt_main
    client = client_of(holding)

    with pytest.raises(sutro.UploadInterrupted) as stopped:
        client.upload(folder, ordered=False, concurrency=1)
    holding.commits = len(PARTS)
    report = client.upload(folder, "dataset-held", ordered=False)

    assert str(stopped.value) == (
        "interrupted: 3 of 12 files are in dataset-held. Run the same upload with this dataset id "
        "and ordered=False to send the rest"
    )
    assert [file.status for file in report] == ["skipped"] * 3 + ["uploaded"] * 9
    assert Counter(holding.names) == Counter(PARTS)


def test_a_rejection_does_not_mention_order_and_its_advice_works(
    holding: HoldingServer, folder: Path
) -> None:
    holding.commits, holding.refusal = 3, (422, "we do not like this one")

    with pytest.raises(sutro.UploadIncompleteError) as caught:
        client_of(holding).upload(folder, ordered=False, concurrency=1)

    words = str(caught.value)
    assert "in order" not in words
    assert words.startswith("3 of 12 files are in dataset-held; then: ")
    assert words.endswith(
        "Fix this, then run the upload again with this dataset id and ordered=False to resume"
    )


def test_a_failed_generator_does_not_mention_order_and_the_upload_resumes(
    client: sutro.Client,
) -> None:
    def frames(fail_at: int) -> Iterator[pl.DataFrame]:
        for day, frame in enumerate(named(8).values()):
            if day == fail_at:
                message = "the source is gone"
                raise RuntimeError(message)
            yield frame

    dataset_id = client.create_dataset()
    with pytest.raises(sutro.UploadIncompleteError) as caught:
        client.upload(frames(5), dataset_id, ordered=False)

    report = client.upload(frames(99), dataset_id, ordered=False)

    assert str(caught.value) == (
        f"the source failed after 5 files, which are in {dataset_id}: the source is gone. Run the "
        "same upload again with this dataset id and ordered=False to resume"
    )
    assert [file.status for file in report] == ["skipped"] * 5 + ["uploaded"] * 3


def test_an_ordered_upload_cannot_resume_an_unordered_one_and_says_how_to_continue(
    client: sutro.Client, folder: Path
) -> None:
    dataset_id = client.create_dataset()
    client.upload([folder / PARTS[5], folder / PARTS[2]], dataset_id)

    with pytest.raises(sutro.FileExistsInDatasetError) as caught:
        client.upload(folder, dataset_id)
    check = client.check(folder, dataset_id)
    report = client.upload(folder, dataset_id, ordered=False)

    assert "resume it with ordered=False" in str(caught.value)
    assert caught.value.names == (PARTS[2], PARTS[5])
    assert not check
    assert sum(file.status == "uploaded" for file in report) == 10
    assert client.upload(folder, dataset_id, ordered=False, dry_run=True)[0].status == "skipped"


def test_an_ordered_feed_cannot_resume_an_unordered_one_and_says_how_to_continue(
    client: sutro.Client,
) -> None:
    frames = named(5)
    dataset_id = client.create_dataset()
    for name in ("day-0", "day-3"):
        client.upload({name: frames[name]}, dataset_id)

    with pytest.raises(sutro.FileExistsInDatasetError, match="resume it with ordered=False"):
        client.upload(frames, dataset_id)
    with pytest.raises(sutro.UploadIncompleteError, match="resume it with ordered=False"):
        client.upload({name: frames[name] for name in ("day-1", "day-3")}, dataset_id)


def test_an_unordered_upload_completes_an_ordered_one(client: sutro.Client, folder: Path) -> None:
    dataset_id = client.create_dataset()
    client.upload([folder / name for name in PARTS[:4]], dataset_id)

    report = client.upload(folder, dataset_id, ordered=False)

    assert [file.status for file in report] == ["skipped"] * 4 + ["uploaded"] * 8
