"""The core logs through `logging`, and never logs the key."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import pytest

from helpers.processes import run_python

if TYPE_CHECKING:
    from pathlib import Path

    import sutro


_ANSWERS = ("sutro.client.answer", "DEBUG")


def test_requests_and_uploads_are_logged_without_the_key(
    client: sutro.Client, server: sutro.LocalServer, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="sutro")

    report = client.upload(folder)

    logged = [(record.name, record.levelname, record.getMessage()) for record in caplog.records]
    uploads = [message for name, _, message in logged if name == "sutro.upload"]
    assert uploads[0].startswith(f"upload begins dataset_id={report.dataset_id} files=12")
    assert uploads[-1].startswith("upload is complete")
    answers = [message for name, level, message in logged if (name, level) == _ANSWERS]
    staged = [message for message in answers if "path=/stage-file status=200" in message]
    assert len(staged) == len(report)
    assert any("path=/commit-files status=200" in message for message in answers)
    assert any(name.startswith("sutro.service") for name, _, _ in logged)
    begun = next(record for record in caplog.records if record.name == "sutro.upload")
    assert vars(begun)["event"] == "upload begins"
    assert vars(begun)["fields"] == {"dataset_id": report.dataset_id, "files": 12}
    assert server.api_key not in str(logged)


def _run(folder: Path, tmp_path: Path, **environment: str) -> str:
    program = f"import sutro; sutro.upload({str(folder)!r}, api_url='local:{tmp_path / 'service'}')"
    done = run_python("-c", program, environment=environment)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_nothing_is_logged_to_stderr_unless_sutro_log_is_set(folder: Path, tmp_path: Path) -> None:
    assert not _run(folder, tmp_path)
    printed = _run(folder, tmp_path, SUTRO_LOG="info")
    assert "INFO sutro.upload: upload begins" in printed
    assert "DEBUG" not in printed


def test_only_records_that_a_logger_passes_on_are_collected(
    client: sutro.Client, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dataset_id = client.create_dataset()
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, logger="sutro.client")

    client.upload(folder, dataset_id)

    levels = {(record.name.split(".")[1], record.levelname) for record in caplog.records}
    assert levels >= {("client", "DEBUG"), ("upload", "INFO")}
    assert {name for name, level in levels if level == "DEBUG"} == {"client"}


def test_records_of_a_program_that_does_not_log_are_not_kept(folder: Path, tmp_path: Path) -> None:
    program = f"""
import sys
import sutro
from sutro import _core

place = "local:{tmp_path / "service"}"
sutro.upload({str(folder)!r}, api_url=place)
assert "logging" not in sys.modules
assert _core.take_log_records() == []

import logging
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(name)s: %(message)s")
sutro.upload({str(folder)!r}, api_url=place)
"""
    done = run_python("-c", program)
    assert (done.returncode, done.stderr) == (0, "")
    assert "sutro.upload: upload begins" in done.stdout


@pytest.mark.parametrize("level", [logging.CRITICAL, 255, sys.maxsize])
def test_logging_can_be_disabled_at_any_level(
    client: sutro.Client, folder: Path, caplog: pytest.LogCaptureFixture, level: int
) -> None:
    caplog.set_level(level, logger="sutro.client")
    logging.disable(level)
    try:
        report = client.upload(folder)
    finally:
        logging.disable(logging.NOTSET)

    assert len(report) == 12
    assert not caplog.records
