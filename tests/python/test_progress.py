"""Progress is shown to those who can see it, and leaves nothing broken behind."""

from __future__ import annotations

import pickle
import sys
import types
from typing import TYPE_CHECKING

import pytest

import sutro
from sutro.progress import in_notebook, shown

if TYPE_CHECKING:
    from pathlib import Path


def progress_of(sent: int, *, waiting_for: str | None = None) -> sutro.Progress:
    return sutro.Progress(
        phase="transfer",
        bytes_sent=sent,
        bytes_total=1000,
        files_committed=1,
        files_in_transfer=2,
        files_held=3,
        files_total=12,
        files_skipped=4,
        waiting_for=waiting_for,
    )


def test_a_callable_follows_the_upload_to_its_end(client: sutro.Client, folder: Path) -> None:
    seen: list[sutro.Progress] = []

    report = client.upload(folder, progress=seen.append)

    assert seen[-1].files_committed == seen[-1].files_total == 12
    assert seen[-1].bytes_sent == seen[-1].bytes_total == report.bytes
    sent = [progress.bytes_sent for progress in seen]
    assert sent == sorted(sent)


def test_files_that_were_there_do_not_count_as_bytes_to_send(
    client: sutro.Client, folder: Path
) -> None:
    dataset_id = client.upload(folder).dataset_id
    seen: list[sutro.Progress] = []

    client.upload(folder, dataset_id, progress=seen.append)

    assert (seen[-1].files_skipped, seen[-1].bytes_total) == (12, 0)


def test_a_snapshot_pickles_and_cannot_be_changed() -> None:
    progress = progress_of(7)

    assert pickle.loads(pickle.dumps(progress)) == progress
    with pytest.raises(AttributeError):
        progress.bytes_sent = 8  # type: ignore[misc]


def test_a_bar_shows_bytes_and_files(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(True) as show:
        show(progress_of(500))
        show(progress_of(1000))

    bar = capsys.readouterr().err
    assert "sutro" in bar
    assert "1.00k/1.00k" in bar
    assert "5/12 files, 2 sending, 3 waiting" in bar


def test_a_bar_is_closed_by_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), shown(True) as show:
        show(progress_of(500))
        raise KeyboardInterrupt

    assert capsys.readouterr().err.endswith("\n")


def test_a_bar_says_what_is_waited_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("sutro.progress.time", types.SimpleNamespace(monotonic=lambda: now))
    with shown(True) as show:
        show(progress_of(1000, waiting_for="part-7.parquet"))
        now += 12
        show(progress_of(1000, waiting_for="part-7.parquet"))

    assert "waiting for part-7.parquet (12 s)" in capsys.readouterr().err


@pytest.mark.parametrize("option", [None, False])
def test_nothing_is_shown_where_nobody_looks(
    client: sutro.Client, folder: Path, capsys: pytest.CaptureFixture[str], option: bool | None
) -> None:
    client.upload(folder, progress=option)

    assert capsys.readouterr() == ("", "")


def test_a_batch_job_gets_a_log_line_now_and_then(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("sutro.progress.time", types.SimpleNamespace(monotonic=lambda: now))
    caplog.set_level("INFO", "sutro")
    with shown(None) as show:
        for _ in range(62):
            show(progress_of(500))
            now += 1

    assert [record.name for record in caplog.records] == ["sutro", "sutro"]
    assert "500 of 1000 bytes" in caplog.text


@pytest.mark.parametrize(
    ("name", "value", "is_shown"),
    [
        ("SUTRO_PROGRESS", "on", True),
        ("SUTRO_PROGRESS", "off", False),
        ("TQDM_DISABLE", "1", False),
    ],
)
def test_the_environment_decides_where_the_call_does_not(
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


def test_a_notebook_is_told_by_its_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    class ZMQInteractiveShell:
        pass

    ipython = types.ModuleType("IPython")
    ipython.get_ipython = ZMQInteractiveShell  # type: ignore[attr-defined]
    assert not in_notebook()

    monkeypatch.setitem(sys.modules, "IPython", ipython)

    assert in_notebook()
