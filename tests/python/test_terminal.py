"""Bars, the key prompt and tables on a real terminal."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import pytest

from conftest import write_parquet

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo-terminals of this kind", allow_module_level=True)

from helpers.terminal import CTRL_C, SUTRO, Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import sutro
    from conftest import RunSutro
    from helpers.holding_server import HoldingServer

_WAITING = r"waiting for part-3\.parquet \(\d+ s"

_SCRIPT = "import sutro; sutro.upload('data')"


@pytest.fixture
def held(holding: HoldingServer, folder: Path) -> Mapping[str, str]:  # noqa: ARG001 - it is sent
    """The environment for an upload that hangs after three committed files."""
    holding.commits = 3
    return {"SUTRO_API_KEY": holding.api_key, "SUTRO_API_URL": holding.api_url}


def test_a_bar_shows_bytes_rate_files_and_the_reason_of_a_wait(
    held: Mapping[str, str], tmp_path: Path
) -> None:
    command = (*SUTRO, "upload", "data")
    with Terminal(*command, folder=tmp_path, columns=160, environment=held) as terminal:
        terminal.wait_for(_WAITING)
        bar = terminal.screen[-1]

    assert len(terminal.screen) == 1, "it is one line"
    assert "%|" in bar
    assert "B/s" in terminal.output
    assert "3/12 files" in bar


def test_ctrl_c_closes_the_bar_cleanly(held: Mapping[str, str], tmp_path: Path) -> None:
    command = (*SUTRO, "upload", "data")
    with Terminal(*command, folder=tmp_path, columns=160, environment=held) as terminal:
        terminal.wait_for(_WAITING)
        terminal.type(CTRL_C)
        code = terminal.wait()
        echoes = terminal.echoes

    bar, last = terminal.screen
    assert code == 130
    assert "3/12 files" in bar
    assert terminal.output.endswith("\r\n")
    assert echoes
    assert last.endswith(
        "interrupted: 3 of 12 files are in dataset-held, in order. "
        "Run the same upload with --dataset dataset-held to send the rest"
    )


def test_ctrl_c_in_a_script_closes_the_bar_cleanly(held: Mapping[str, str], tmp_path: Path) -> None:
    command = (sys.executable, "-c", _SCRIPT)
    with Terminal(*command, folder=tmp_path, columns=160, environment=held) as terminal:
        terminal.wait_for(_WAITING)
        terminal.type(CTRL_C)
        code = terminal.wait()
        echoes = terminal.echoes

    bar, traceback = terminal.screen[:2]
    assert code != 0
    assert "3/12 files" in bar
    assert traceback == "Traceback (most recent call last):"
    assert "UploadInterrupted: interrupted: 3 of 12 files" in terminal.screen[-1]
    assert echoes


def test_an_error_closes_the_bar_cleanly(
    holding: HoldingServer, held: Mapping[str, str], tmp_path: Path
) -> None:
    holding.refusal = (413, "the file is too large")
    command = (*SUTRO, "upload", "data")
    with Terminal(*command, folder=tmp_path, columns=160, environment=held) as terminal:
        code = terminal.wait()

    bar, error = terminal.screen
    assert code == 6
    assert "3/12 files" in bar
    assert "Error:" in error
    assert "the file is too large" in error
    assert "--dataset dataset-held" in error


def test_verbose_logging_replaces_the_bar(folder: Path, tmp_path: Path) -> None:
    command = (*SUTRO, "upload", folder, "--api-url", "local:service", "-vv")
    with Terminal(*command, folder=tmp_path) as terminal:
        code = terminal.wait()

    assert code == 0
    assert " DEBUG sutro." in terminal.output
    assert "%|" not in terminal.output


def test_a_typed_key_is_not_echoed(server: sutro.LocalServer, tmp_path: Path) -> None:
    with Terminal(*SUTRO, "login", "--api-url", server.api_url, folder=tmp_path) as terminal:
        terminal.wait_for(f"API key for {server.api_url}: ")
        echoes_the_key = terminal.echoes
        terminal.type(f"{server.api_key}\n")
        code = terminal.wait()
        echoes = terminal.echoes

    assert code == 0
    assert (echoes_the_key, echoes) == (False, True)
    assert server.api_key not in terminal.output
    kept = json.loads((tmp_path / "no-settings" / "config.json").read_text())
    assert kept["api_key"] == server.api_key


def test_ctrl_c_at_the_key_prompt_changes_nothing(
    server: sutro.LocalServer, tmp_path: Path
) -> None:
    with Terminal(*SUTRO, "login", "--api-url", server.api_url, folder=tmp_path) as terminal:
        terminal.wait_for("API key for .*: ")
        terminal.type(CTRL_C)
        code = terminal.wait()
        echoes = terminal.echoes

    prompt, last = terminal.screen
    assert code == 130
    assert prompt == f"API key for {server.api_url}:"
    assert last.endswith("interrupted")
    assert "Traceback" not in terminal.output
    assert echoes
    assert not (tmp_path / "no-settings").exists()


def test_a_table_is_truncated_only_on_a_terminal(
    run_sutro: RunSutro, folder: Path, tmp_path: Path
) -> None:
    name = f"{'a-very-long-name-' * 4}1.parquet"
    write_parquet(folder / name)
    command = (*SUTRO, "check", folder)

    with Terminal(*command, folder=tmp_path, columns=70) as terminal:
        code = terminal.wait()

    assert code == 0
    summary, header, *rows = terminal.screen
    assert "13 files" in summary
    assert header.endswith("schema")
    assert all(len(row) <= 70 for row in rows)
    assert re.search(r" a-very-long[-a-z]*\.\.\.[-a-z]*1\.parquet ", rows[0])
    assert name in run_sutro("check", folder).stdout


def test_columns_that_do_not_fit_are_omitted(folder: Path, tmp_path: Path) -> None:
    with Terminal(*SUTRO, "check", folder, folder=tmp_path, columns=40) as terminal:
        terminal.wait()

    assert terminal.screen[1].split() == ["#", "file", "rows", "size"]


@pytest.mark.parametrize(
    ("arguments", "environment", "has_colors"),
    [
        (("check", "nowhere", "--sort=alphabet"), {}, True),
        (("check", "nowhere", "--sort=alphabet"), {"NO_COLOR": "1"}, False),
        (("datasets", "list", "--api-url=local:service"), {}, False),
        (("upload", "--help"), {}, False),
        (("upload", "data", "--api-url=local:service"), {}, False),
    ],
)
def test_colors_are_used_only_for_labels_and_only_on_a_terminal(
    folder: Path,
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    *,
    has_colors: bool,
) -> None:
    terminal = Terminal(*SUTRO, *arguments, folder=folder.parent, environment=environment)
    with terminal:
        terminal.wait()

    assert terminal.output
    assert ("\x1b" in terminal.output) is has_colors


def test_a_name_cannot_move_the_cursor(tmp_path: Path) -> None:
    write_parquet(tmp_path / "red-\x1b[31m.parquet")
    write_parquet(tmp_path / "back-\u202egpj.parquet")

    with Terminal(*SUTRO, "check", tmp_path, folder=tmp_path) as terminal:
        terminal.wait()

    assert "\x1b" not in terminal.output
    assert "\u202e" not in terminal.output
    assert r"red-\x1b[31m.parquet" in terminal.output


_END_OF_INPUT = "\x04"


def test_before_a_deletion_the_command_asks(run_sutro: RunSutro, tmp_path: Path) -> None:
    local = ("--api-url", "local:service")
    dataset_id = run_sutro("datasets", "create", *local).stdout.strip()
    for typed, code, is_there in (("n\r", 1, True), (_END_OF_INPUT, 130, True), ("y\r", 0, False)):
        command = (*SUTRO, "datasets", "delete", dataset_id, *local)
        with Terminal(*command, folder=tmp_path) as terminal:
            terminal.wait_for(r"\[y/N\]: ")
            terminal.type(typed)
            assert terminal.wait() == code
        assert (dataset_id in run_sutro("datasets", "list", "-q", *local).stdout) == is_there
