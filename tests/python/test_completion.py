"""Shells complete commands, options and files."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if sys.platform == "win32":
    pytest.skip("its shells are others", allow_module_level=True)

from helpers.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import RunSutro


def _has_new_bash() -> bool:
    try:
        test = ["bash", "-c", "((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404))"]
        return subprocess.run(test, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture
def bash(folder: Path, tmp_path: Path) -> Iterator[Terminal]:
    """A bash with the completion script, in a folder that contains `data`."""
    (folder / "more").mkdir()
    programs = tmp_path / "programs"
    programs.mkdir()
    command = programs / "sutro"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m sutro "$@"\n')
    command.chmod(0o755)
    environment = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PS1": "> ",
        "TERM": "dumb",
        "INPUTRC": os.devnull,
    }
    shell = ("bash", "--norc", "--noprofile", "-i")
    with Terminal(*shell, folder=tmp_path, environment=environment) as terminal:
        terminal.wait_for("> ")
        terminal.type('eval "$(sutro completion bash)"; echo rea""dy\n')
        terminal.wait_for("ready\r\n")
        yield terminal


@pytest.mark.skipif(not _has_new_bash(), reason="needs bash 4.4 or newer")
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("sutro up", "sutro upload "),
        ("sutro datasets cr", "sutro datasets create "),
        ("sutro upload --rec", "sutro upload --rec(ompress)?"),
        ("sutro upload --on-mismatch c", "sutro upload --on-mismatch cast "),
        ("sutro upload dat", "sutro upload data/"),
        ("sutro check data/part-5", r"sutro check data/part-5\.parquet "),
        ("sutro datasets download dataset-1 --output data/", "--output data/more/"),
    ],
)
def test_bash_completion_completes_commands_and_options(
    bash: Terminal, typed: str, completed: str
) -> None:
    bash.type(f"{typed}\t")

    bash.wait_for(completed)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_completion_script(run_sutro: RunSutro, shell: str) -> None:
    printed = run_sutro("completion", shell)

    assert (printed.returncode, printed.stderr) == (0, "")
    assert f"_SUTRO_COMPLETE={shell}_complete" in printed.stdout
