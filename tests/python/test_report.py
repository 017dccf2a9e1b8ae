"""Reports are readable for people and programs."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import sutro

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def report_of(count: int, skipped: int = 0) -> sutro.UploadReport:
    files = (
        sutro.UploadedFile(
            position=position,
            name=f"part-{position}.parquet",
            file_id=f"file_{position:03}",
            size_bytes=10**position % 10**13,
            row_count=1000 + position,
            status="skipped" if position < skipped else "uploaded",
            changes=(),
            attempts=1,
            started=NOON,
            transferred=NOON,
            committed=NOON,
        )
        for position in range(count)
    )
    return sutro.UploadReport(
        dataset_id="dataset-1", files=tuple(files), bytes=1234, seconds=1.25, concurrency=2
    )


def test_print_shows_totals_and_a_table() -> None:
    assert str(report_of(4, skipped=1)) == (
        "dataset-1: 4 files, 3 uploaded, 1 already there\n"
        "1.2 kB sent in 1.2 s\n"
        "#  file            status     rows    size  file id\n"
        "1  part-0.parquet  skipped   1,000     1 B  file_000\n"
        "2  part-1.parquet  uploaded  1,001    10 B  file_001\n"
        "3  part-2.parquet  uploaded  1,002   100 B  file_002\n"
        "4  part-3.parquet  uploaded  1,003  1.0 kB  file_003"
    )


def test_the_report_of_a_failed_run_has_committed_and_sent_bytes() -> None:
    whole = report_of(3)
    cut_off = replace(whole.files[2], status="pending", committed=None)
    report = replace(whole, files=(*whole.files[:2], cut_off), bytes_sent=2_000_000_000)

    assert repr(report) == (
        "UploadReport('dataset-1': 3 files, 2 uploaded, 1 not there, "
        "1.2 kB committed, 2.0 GB sent in 1.2 s)"
    )
    assert "<br>1.2 kB committed, 2.0 GB sent in 1.2 s, 1.6 GB/s, up to 2" in report._repr_html_()
    assert report.to_dict()["bytes"] == 1234
    assert report.to_dict()["bytes_sent"] == 2_000_000_000


def test_a_long_table_is_folded() -> None:
    lines = str(report_of(500)).splitlines()

    named = [line.split()[1] for line in lines[3:] if line.endswith(tuple("0123456789"))]
    assert named == [f"part-{place}.parquet" for place in (*range(15), *range(495, 500))]
    assert lines[18] == "... 480 more ..."


def test_repr_is_one_line() -> None:
    assert repr(report_of(500)) == (
        "UploadReport('dataset-1': 500 files, 500 uploaded, 1.2 kB sent in 1.2 s)"
    )


def test_a_report_is_a_sequence_of_files() -> None:
    report = report_of(5)

    assert len(report) == 5
    assert [file.position for file in report] == [0, 1, 2, 3, 4]
    assert report[-1] is report.files[4]
    assert report[1:3] == report.files[1:3]


def test_a_report_converts_to_plain_dicts() -> None:
    as_dict = report_of(2).to_dict()

    assert as_dict["dataset_id"] == "dataset-1"
    assert as_dict["files"][1]["name"] == "part-1.parquet"
    assert as_dict["files"][1]["committed"] == NOON


def test_a_report_is_immutable_and_can_be_pickled() -> None:
    report = report_of(2)

    assert pickle.loads(pickle.dumps(report)) == report
    with pytest.raises(AttributeError, match="seconds"):
        report.seconds = 0  # type: ignore[misc]
