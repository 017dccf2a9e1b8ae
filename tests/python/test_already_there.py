"""A file counts as uploaded if its content is in the dataset, whatever the server lists."""

from __future__ import annotations

import shutil
import stat
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from conftest import write_parquet
from helpers.remembering_server import DATASET_ID, RememberingServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Upload = Callable[..., sutro.UploadReport]

TELLS = {
    "nothing but names": (),
    "sizes": ("size_bytes",),
    "sizes and rows": ("size_bytes", "row_count"),
    "hashes": ("size_bytes", "row_count", "sha256"),
}


@pytest.fixture(params=TELLS)
def service(request: pytest.FixtureRequest) -> Iterator[RememberingServer]:
    with RememberingServer(*TELLS[request.param]) as service:
        yield service


@pytest.fixture
def without_hashes() -> Iterator[RememberingServer]:
    """A server that lists only names and sizes, as some deployments do."""
    with RememberingServer("size_bytes") as service:
        yield service


def upload_to(service: RememberingServer) -> Upload:
    """Upload with a new client in each call, so that no state is kept."""

    def upload(source: object, **options: object) -> sutro.UploadReport:
        client = sutro.Client(service.api_key, service.api_url)
        return client.upload(source, DATASET_ID, progress=False, **options)  # type: ignore[arg-type]

    return upload


def statuses(report: sutro.UploadReport) -> list[str]:
    return [file.status for file in report]


def same_size_file(path: Path, number: int) -> Path:
    """A file whose size and row count do not depend on the number."""
    path.parent.mkdir(exist_ok=True)
    table = pa.table({"id": pa.array([number] * 3, pa.int64())})
    pq.write_table(table, path, use_dictionary=False, compression="none", write_statistics=False)
    return path


def on_another_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SUTRO_STATE_DIR", str(tmp_path / "state of another machine"))


def test_files_of_equal_name_and_size_but_other_content_are_different_files(
    service: RememberingServer, tmp_path: Path
) -> None:
    upload = upload_to(service)
    days = [same_size_file(tmp_path / f"day-{day}" / "data.parquet", day) for day in range(3)]
    assert len({day.stat().st_size for day in days}) == 1

    upload(days[0])
    for day in days[1:]:
        with pytest.raises(sutro.FileExistsInDatasetError, match="with other content") as refused:
            upload(day)
        assert refused.value.names == ("data.parquet",)
    assert service.files == {"data.parquet": days[0].read_bytes()}

    assert statuses(upload(days[0])) == ["skipped"]
    for day in days[1:]:
        assert statuses(upload({f"{day.parent.name}.parquet": day})) == ["uploaded"]
    assert list(service.files) == ["data.parquet", "day-1.parquet", "day-2.parquet"]


def test_thirty_frames_of_equal_shape_are_uploaded_once_each(
    service: RememberingServer,
) -> None:
    upload = upload_to(service)
    draws = [np.random.default_rng(seed).integers(0, 2**62, 100) for seed in range(30)]
    frames = [pd.DataFrame({"x": draw}) for draw in draws]

    assert [statuses(upload(frame)) for frame in frames] == [["uploaded"]] * 30
    assert [statuses(upload(frame)) for frame in frames] == [["skipped"]] * 30
    assert len(service.files) == 30


def test_a_named_frame_with_other_content_is_rejected_even_on_another_machine(
    service: RememberingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not service.tells:
        pytest.skip("a name alone tells nothing to another machine")
    upload = upload_to(service)
    upload({"day": pd.DataFrame({"x": range(100)})})
    on_another_machine(monkeypatch, tmp_path)

    for number in range(1, 10):
        with pytest.raises(sutro.FileExistsInDatasetError, match="with other content"):
            upload({"day": pd.DataFrame({"x": range(number, 100 + number)})})


def test_rows_are_compared_if_sizes_agree(tmp_path: Path) -> None:
    """Two files of equal size and different row counts, without an upload record."""
    first = pa.table({"x": pa.array([0] * 8, pa.int8())})
    second = pa.table({"x": pa.array([0] * 9, pa.int8())})
    paths = [tmp_path / f"{number}" / "a.parquet" for number in range(2)]
    for path, table in zip(paths, (first, second), strict=True):
        path.parent.mkdir()
        pq.write_table(table, path)
    assert len({path.stat().st_size for path in paths}) == 1
    with RememberingServer("size_bytes", "row_count") as service:
        service.files["a.parquet"] = paths[0].read_bytes()
        with pytest.raises(sutro.FileExistsInDatasetError, match="with other content"):
            upload_to(service)(paths[1])


def test_one_warning_counts_the_files_that_could_not_be_compared(
    without_hashes: RememberingServer, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = upload_to(without_hashes)
    upload(folder)
    assert statuses(upload(folder)) == ["skipped"] * 12
    on_another_machine(monkeypatch, tmp_path)

    with pytest.warns(sutro.SutroWarning, match="12 files of 12 already there") as warned:
        report = upload(folder)

    assert len(warned) == 1
    assert statuses(report) == ["skipped"] * 12
    assert "12 files of 12 already there" in report.notes[0]


def test_hashes_listed_by_the_server_work_on_every_machine(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RememberingServer("sha256") as service:
        upload = upload_to(service)
        upload(folder)
        on_another_machine(monkeypatch, tmp_path)
        assert statuses(upload(folder)) == ["skipped"] * 12
        write_parquet(folder / "part-7.parquet", rows=9)
        with pytest.raises(sutro.FileExistsInDatasetError) as refused:
            upload(folder)
        assert refused.value.names == ("part-7.parquet",)


def test_rewritten_files_are_compared_by_their_rewritten_content(
    service: RememberingServer, tmp_path: Path
) -> None:
    folder = tmp_path / "codecs"
    folder.mkdir()
    for number in range(3):
        table = pa.table({"id": [number] * 3})
        pq.write_table(table, folder / f"part-{number}.parquet", compression="zstd")
    upload = upload_to(service)

    assert statuses(upload(folder, recompress=True)) == ["uploaded"] * 3
    assert statuses(upload(folder, recompress=True)) == ["skipped"] * 3
    pq.write_table(pa.table({"id": [7] * 3}), folder / "part-1.parquet", compression="zstd")
    with pytest.raises(sutro.FileExistsInDatasetError) as refused:
        upload(folder, recompress=True)
    assert refused.value.names == ("part-1.parquet",)


def test_a_complete_upload_is_recognized_at_any_position(
    service: RememberingServer, tmp_path: Path
) -> None:
    upload = upload_to(service)
    files = [same_size_file(tmp_path / "days" / f"{day}.parquet", day) for day in range(5)]

    assert [statuses(upload(file)) for file in files] == [["uploaded"]] * 5
    assert [statuses(upload(file)) for file in files] == [["skipped"]] * 5
    assert statuses(upload(files[1:4])) == ["skipped"] * 3
    with pytest.raises(sutro.FileExistsInDatasetError, match="in order"):
        upload(files[3::-1])


def test_a_generator_resumes_in_the_middle(service: RememberingServer) -> None:
    frames = [pa.table({"x": [number] * 10}) for number in range(6)]
    upload = upload_to(service)
    upload(iter(frames[:4]))

    assert statuses(upload(iter(frames))) == ["skipped"] * 4 + ["uploaded"] * 2
    assert statuses(upload(iter(frames[:2]))) == ["skipped"] * 2
    table = pa.concat_tables(frames)
    assert statuses(upload(table, rows_per_file=20)) == ["uploaded"] * 3
    assert statuses(upload(table, rows_per_file=20)) == ["skipped"] * 3
    assert len(service.files) == 9


@pytest.mark.parametrize(("sent", "again"), [("é", "e\u0301"), ("e\u0301", "é")])
def test_a_name_in_another_unicode_form_is_the_same_name(
    service: RememberingServer, tmp_path: Path, sent: str, again: str
) -> None:
    file = write_parquet(tmp_path / "a.parquet")
    upload = upload_to(service)
    upload({f"{sent}.parquet": file})

    report = upload({f"{again}.parquet": file})

    assert statuses(report) == ["skipped"]
    assert len(service.files) == 1


def test_check_and_upload_agree_on_files_already_in_the_dataset(
    service: RememberingServer, tmp_path: Path
) -> None:
    first, other = (same_size_file(tmp_path / f"{n}" / "a.parquet", n) for n in range(2))
    upload_to(service)(first)
    client = sutro.Client(service.api_key, service.api_url)

    assert client.check(first, DATASET_ID)
    refused = client.check(other, DATASET_ID)

    assert isinstance(refused.error, sutro.FileExistsInDatasetError)
    assert "with other content" in str(refused.error)


def test_check_and_upload_agree_on_files_that_the_upload_rewrites(
    service: RememberingServer, tmp_path: Path
) -> None:
    folder, options = tmp_path / "rewritten", {"recursive": True, "hive": True}
    options |= {"recompress": True, "on_mismatch": "cast"}  # type: ignore[dict-item]
    for year, kind in [(2024, pa.int32()), (2025, pa.int64())]:
        (folder / f"year={year}").mkdir(parents=True)
        table = pa.table({"id": pa.array([year] * 3, kind)})
        pq.write_table(table, folder / f"year={year}" / f"{year}.parquet", compression="zstd")
    client = sutro.Client(service.api_key, service.api_url)
    upload = upload_to(service)

    report = upload(folder, **options)

    assert [set(file.changes) for file in report] == [
        {"cast", "hive", "recompressed"},
        {"hive", "recompressed"},
    ]
    assert client.check(folder, DATASET_ID, **options)  # type: ignore[arg-type]
    assert statuses(upload(folder, **options)) == ["skipped"] * 2
    other = pa.table({"id": [7] * 3})
    pq.write_table(other, folder / "year=2025" / "2025.parquet", compression="zstd")
    checked = client.check(folder, DATASET_ID, **options)  # type: ignore[arg-type]
    with pytest.raises(sutro.FileExistsInDatasetError) as refused:
        upload(folder, **options)
    assert isinstance(checked.error, sutro.FileExistsInDatasetError)
    assert checked.error.names == refused.value.names == ("year=2025,2025.parquet",)


@pytest.mark.skipif(not hasattr(stat, "S_IRWXG"), reason="permissions of Unix")
def test_the_upload_record_is_private_and_contains_no_key(
    without_hashes: RememberingServer, folder: Path, tmp_path: Path
) -> None:
    upload_to(without_hashes)(folder)

    (record,) = (tmp_path / "state" / "sent").iterdir()
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert without_hashes.api_key not in record.read_text()


def test_an_unwritable_home_folder_is_not_an_error(
    without_hashes: RememberingServer, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("SUTRO_STATE_DIR", str(tmp_path / "file"))
    upload = upload_to(without_hashes)

    assert statuses(upload(folder)) == ["uploaded"] * 12
    with pytest.warns(sutro.SutroWarning, match="12 files of 12"):
        assert statuses(upload(folder)) == ["skipped"] * 12


def test_progress_counts_compared_bytes(without_hashes: RememberingServer, folder: Path) -> None:
    upload_to(without_hashes)(folder)
    moments: list[sutro.Progress] = []
    client = sutro.Client(without_hashes.api_key, without_hashes.api_url)

    client.upload(folder, DATASET_ID, progress=moments.append)

    sizes = sum(path.stat().st_size for path in folder.iterdir())
    assert (moments[-1].bytes_compared, moments[-1].bytes_to_compare) == (sizes, sizes)


def test_an_outdated_upload_record_is_ignored(
    without_hashes: RememberingServer, tmp_path: Path
) -> None:
    """Another client has replaced the file in the dataset by one of another size."""
    file = write_parquet(tmp_path / "a.parquet", rows=3)
    upload = upload_to(without_hashes)
    upload(file)
    other = write_parquet(tmp_path / "b.parquet", rows=300)
    without_hashes.files["a.parquet"] = other.read_bytes()
    shutil.copy(other, file)

    with pytest.warns(sutro.SutroWarning, match="1 file of 1"):
        assert statuses(upload(file)) == ["skipped"]
