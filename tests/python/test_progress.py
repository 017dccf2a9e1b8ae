"""Progress is shown only where it is visible, and bars are closed in every case."""

from __future__ import annotations

import asyncio
import pickle
import re
import sys
import threading
import time
import types
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

import sutro
from helpers.holding_proxy import HoldingProxy
from helpers.processes import run_python
from sutro._progress.display import in_notebook, shown

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    now = 100.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock for waits and intervals."""
    clock = Clock()
    fake = types.SimpleNamespace(monotonic=lambda: clock.now, time=time.time)
    monkeypatch.setattr("sutro._progress.snapshot.time", fake)
    monkeypatch.setattr("sutro._progress.display.time", fake)
    monkeypatch.setattr("sutro._progress.bar.time", fake)
    return clock


def progress_of(sent: int, **fields: Any) -> sutro.Progress:
    progress = sutro.Progress(
        phase="transfer",
        bytes_sent=sent,
        bytes_total=1000,
        files_committed=1,
        files_in_transfer=2,
        files_held=3,
        files_total=12,
        files_skipped=4,
        waiting_for=None,
    )
    return replace(progress, **fields)


AT_THE_END = {"files_committed": 7, "files_in_transfer": 1, "files_held": 0}
"""All bytes are sent, and one acknowledgement is missing."""

COMPLETE = {
    "phase": "verify",
    "files_committed": 8,
    "files_in_transfer": 0,
    "files_held": 0,
    "waiting_for": None,
}
"""All files are committed, and the order in the dataset is compared."""


def test_a_progress_function_sees_the_upload_until_it_ends(
    client: sutro.Client, folder: Path
) -> None:
    seen: list[sutro.Progress] = []

    report = client.upload(folder, progress=seen.append)

    assert seen[-1].files_committed == seen[-1].files_total == 12
    assert seen[-1].bytes_sent == seen[-1].bytes_total == report.bytes
    sent = [progress.bytes_sent for progress in seen]
    assert sent == sorted(sent)


def test_skipped_files_do_not_count_as_bytes_to_send(client: sutro.Client, folder: Path) -> None:
    dataset_id = client.upload(folder).dataset_id
    seen: list[sutro.Progress] = []

    client.upload(folder, dataset_id, progress=seen.append)

    assert (seen[-1].files_skipped, seen[-1].bytes_total) == (12, 0)


def test_a_progress_snapshot_is_immutable_and_can_be_pickled() -> None:
    progress = progress_of(7)

    assert pickle.loads(pickle.dumps(progress)) == progress
    with pytest.raises(AttributeError, match="bytes_sent"):
        progress.bytes_sent = 8  # type: ignore[misc]


def test_a_bar_shows_bytes_and_files(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(True) as show:
        show(progress_of(500))
        show(progress_of(1000))

    bar = capsys.readouterr().err
    assert " 50%|" in bar
    assert "1.00k/1.00k [" in bar
    assert "5/12 files, 2 sending, 3 waiting]" in bar


def test_a_bar_fits_into_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with shown(True) as show:
        show(progress_of(29_400_000_000, bytes_total=120_000_000_000))

    assert capsys.readouterr().err.strip().endswith("5/12 files, 2 sending, 3 waiting]")


def test_a_bar_appears_only_once_there_are_bytes_to_send(
    capsys: pytest.CaptureFixture[str],
) -> None:
    nothing_moves = {"files_committed": 0, "files_in_transfer": 0, "files_held": 0}
    with shown(True) as show:
        show(progress_of(0, **nothing_moves, phase="check", files_skipped=0))
        show(progress_of(0, **nothing_moves, bytes_total=0, files_skipped=12))

    assert capsys.readouterr().err == ""


def test_an_error_closes_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), shown(True) as show:
        show(progress_of(500))
        raise KeyboardInterrupt

    drawn = capsys.readouterr().err
    assert drawn.endswith("\n")
    # Blanks cover the rest of the line before, where that was longer.
    assert drawn.rstrip().endswith("]")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        # Others still send: their time left counts.
        ({}, r"<00:00, .*B/s, 5/12 files, 1 sending, 3 waiting for part-7.parquet \(12 s\)\]"),
        (
            {"files_in_transfer": 1, "files_held": 6},
            r"\| 990B \[[\d:]+, 5/12 files, 6 waiting for part-7.parquet \(12 s\)\]",
        ),
        (AT_THE_END, r"\| 990B \[[\d:]+, 11/12 files, waiting for part-7.parquet \(12 s\)\]"),
        (
            {"phase": "commit", "files_in_transfer": 0, "files_held": 7, "waiting_for": None},
            r"\| 990B \[[\d:]+, 12/12 files staged, waiting for the commit \(12 s\)\]",
        ),
        (COMPLETE, r"\| 990B \[[\d:]+, 12/12 files, waiting for the list of files \(12 s\)\]"),
    ],
)
def test_after_the_last_byte_the_bar_says_what_it_waits_for(
    capsys: pytest.CaptureFixture[str], clock: Clock, state: dict[str, Any], words: str
) -> None:
    waiting = progress_of(990, **{"waiting_for": "part-7.parquet", **state})
    with shown(True) as show:
        show(waiting)
        assert " for " not in capsys.readouterr().err, "a moment is no wait"
        clock.now += 12
        show(waiting)

        assert re.search(words, capsys.readouterr().err)


def test_files_that_are_staged_are_not_said_to_be_there(
    server: sutro.LocalServer, folder: Path
) -> None:
    seen: list[sutro.Progress] = []

    def show(progress: sutro.Progress) -> None:
        if proxy.held.is_set():
            seen.append(progress)
            message = "seen"
            raise RuntimeError(message)

    with (
        HoldingProxy(server.api_url, "/commit-files") as proxy,
        pytest.raises(RuntimeError, match="seen"),
    ):
        sutro.Client(server.api_key, proxy.api_url).upload(folder, atomic=True, progress=show)

    assert (seen[0].phase, seen[0].files_committed, seen[0].files_held) == ("commit", 0, 12)
    assert str(seen[0]) == "12/12 files staged"
    staging = progress_of(500, phase="stage", files_committed=0, files_skipped=0)
    assert str(staging) == "3/12 files staged, 2 sending"


def test_the_bar_of_stage_ends_with_what_is_staged(
    client: sutro.Client, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client.stage(folder, client.create_dataset(), progress=True)

    assert capsys.readouterr().err.rstrip().endswith("B/s, 12/12 files staged]")


def test_a_complete_bar_no_longer_says_what_it_waited_for(
    capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    with shown(True) as show:
        show(progress_of(1000, **COMPLETE))
        clock.now += 12
        show(progress_of(1000, **COMPLETE))
        capsys.readouterr()

    assert capsys.readouterr().err.rstrip().endswith("B/s, 12/12 files]")


def test_the_total_of_the_bar_grows_while_files_are_prepared(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with shown(True) as show:
        show(progress_of(500))
        show(progress_of(500, bytes_total=2000, files_held=4))

    assert " 25%|" in capsys.readouterr().err


@pytest.mark.parametrize("option", [None, False])
def test_no_progress_is_shown_without_a_terminal(
    client: sutro.Client, folder: Path, capsys: pytest.CaptureFixture[str], option: bool | None
) -> None:
    client.upload(folder, progress=option)

    assert capsys.readouterr() == ("", "")


def test_a_batch_job_logs_progress_at_intervals(
    caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    caplog.set_level("INFO", "sutro")
    with shown(None) as show:
        for second in range(100):
            checked = progress_of(0, phase="check")
            waiting = progress_of(990, **AT_THE_END, waiting_for="part-7.parquet")
            show(checked if second < 40 else progress_of(500) if second < 70 else waiting)
            clock.now += 1

    assert caplog.messages == [
        "checking files",
        "500 B of 1.0 kB sent, 5/12 files, 2 sending, 3 waiting",
        "990 B of 1.0 kB sent, 11/12 files, waiting for part-7.parquet (20 s)",
    ]


JOB = """
import sys, sutro, sutro._progress.display
sutro._progress.display.LOG_INTERVAL_SECONDS = 0.0
sutro.upload(sys.argv[1], api_url=sys.argv[2])
"""


def test_a_job_without_a_terminal_logs_its_progress(folder: Path, tmp_path: Path) -> None:
    job = run_python(
        "-c", JOB, folder, f"local:{tmp_path / 'service'}", environment={"SUTRO_LOG": "info"}
    )

    assert job.returncode == 0, job.stderr
    lines = [line for line in job.stderr.splitlines() if " INFO sutro: " in line]
    assert re.search(r" INFO sutro: ([\d.]+ kB) of \1 sent, 12/12 files$", lines[-1])


def test_a_program_without_stderr_gets_no_bar(
    client: sutro.Client, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", None)

    assert len(client.upload(folder)) == 12


def test_each_upload_in_a_thread_draws_its_own_bar(
    client: sutro.Client, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    threads_before = set(threading.enumerate())
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: client.upload(folder, progress=True), range(4)))

    assert len({report.dataset_id for report in reports}) == 4
    assert set(threading.enumerate()) <= threads_before, "tqdm has started none"
    drawn = re.split(r"[\r\n]|\x1b\[A", capsys.readouterr().err)
    assert all(re.fullmatch(r" *\d+%\|[^|]+\| [^|]+\] *", bar) for bar in drawn if bar.strip())
    assert sum("12/12 files]" in bar for bar in drawn) >= 4


@pytest.mark.parametrize(
    ("name", "value", "is_shown"),
    [
        ("SUTRO_PROGRESS", "on", True),
        ("SUTRO_PROGRESS", "off", False),
        ("TQDM_DISABLE", "1", False),
    ],
)
def test_the_environment_decides_if_the_call_does_not_set_progress(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    is_shown: bool,
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    with shown(None) as show:
        show(progress_of(500))

    assert bool(capsys.readouterr().err) is is_shown


def test_a_notebook_is_detected_by_its_ipython_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    class ZMQInteractiveShell:
        pass

    ipython = types.ModuleType("IPython")
    ipython.get_ipython = ZMQInteractiveShell  # type: ignore[attr-defined]
    assert not in_notebook()

    monkeypatch.setitem(sys.modules, "IPython", ipython)

    assert in_notebook()


def test_an_error_in_a_progress_function_keeps_the_report_and_the_dataset_id(
    client: sutro.Client, folder: Path
) -> None:
    def fail_after_the_first(progress: sutro.Progress) -> None:
        if progress.files_committed:
            message = "my display is broken"
            raise ValueError(message) from KeyError("its cause")

    for upload in (client.upload, lambda *a, **k: asyncio.run(client.upload_async(*a, **k))):
        with pytest.raises(ValueError, match="my display is broken") as raised:
            upload(folder, progress=fail_after_the_first)

        report = raised.value.report  # type: ignore[attr-defined]
        assert report.dataset_id in raised.value.__notes__[0]
        assert isinstance(raised.value.__cause__, KeyError)
        again = client.upload(folder, report.dataset_id)
        assert len(client.list_dataset_files(report.dataset_id)) == len(again) == 12


def test_an_error_in_a_progress_function_is_not_blamed_on_the_source(client: sutro.Client) -> None:
    frames = (pa.table({"id": [number]}) for number in range(9))

    def fail(_: sutro.Progress) -> None:
        raise ValueError

    with pytest.raises(ValueError, match="nothing was sent") as raised:
        client.upload(frames, progress=fail)
    assert type(raised.value) is ValueError
