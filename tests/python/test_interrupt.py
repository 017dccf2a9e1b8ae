"""Ctrl-C ends an upload at once, and reports its progress."""

from __future__ import annotations

import _thread
import sys
from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import PARTS
from helpers.processes import interrupt_sutro

if TYPE_CHECKING:
    from pathlib import Path

    from helpers.holding_server import HoldingServer


def test_ctrl_c_reports_what_is_in_the_dataset(holding: HoldingServer, folder: Path) -> None:
    holding.commits = 3
    holding.on_hold = _thread.interrupt_main
    client = sutro.Client(holding.api_key, holding.api_url)

    with pytest.raises(sutro.UploadInterrupted) as stopped:
        client.upload(folder)

    report = stopped.value.report
    assert report is not None
    assert [file.status for file in report] == ["uploaded"] * 3 + ["pending"] * 9
    assert "3 of 12 files" in str(stopped.value)
    assert report.dataset_id in str(stopped.value)
    sizes = [file.size_bytes for file in report]
    assert report.bytes == sum(sizes[:3]), "what is in the dataset"
    assert sum(sizes[:4]) <= report.bytes_sent <= sum(sizes), "what was on the way, too"
    assert holding.dropped.wait(30)
    assert holding.names == PARTS[:3]


def test_after_ctrl_c_the_same_upload_sends_the_rest(holding: HoldingServer, folder: Path) -> None:
    holding.commits = 3
    holding.on_hold = _thread.interrupt_main
    client = sutro.Client(holding.api_key, holding.api_url)
    with pytest.raises(KeyboardInterrupt) as stopped:
        client.upload(folder)
    assert isinstance(stopped.value, sutro.UploadInterrupted)
    assert stopped.value.report is not None
    holding.commits = len(PARTS)

    report = client.upload(folder, stopped.value.report.dataset_id)

    assert [file.status for file in report] == ["skipped"] * 3 + ["uploaded"] * 9
    assert holding.names == PARTS


def test_an_error_in_the_progress_callable_ends_the_upload(
    holding: HoldingServer, folder: Path
) -> None:
    def show(_progress: sutro.Progress) -> None:
        if holding.held.is_set():
            message = "of the callable"
            raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="of the callable"):
        sutro.Client(holding.api_key, holding.api_url).upload(folder, progress=show)

    assert holding.dropped.wait(30)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_ends_the_command_with_130_and_no_stack_trace(
    holding: HoldingServer, folder: Path
) -> None:
    done = interrupt_sutro(holding, holding.api_key, "upload", folder)

    assert done.returncode == 130
    assert "0 of 12 files" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
