"""Run a command on a pseudo-terminal, as a user would see it."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING, Self

from pexpect.fdpexpect import fdspawn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CTRL_C = "\x03"

# In a session of its own, stdin becomes the terminal from which Ctrl-C comes.
_WITH_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)


SUTRO = (sys.executable, "-m", "sutro")


class Terminal:
    """Runs a command on a terminal until the end of the block.

    Args:
        *command: The command with its arguments.
        folder: The working directory.
        columns: The width of the terminal.
        environment: Environment variables to add or override.
    """

    def __init__(
        self,
        *command: object,
        folder: Path,
        columns: int = 100,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._terminal, other_end = os.openpty()
        fcntl.ioctl(other_end, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-c", _WITH_TERMINAL, *map(str, command)],
            cwd=folder,
            env={**os.environ, "TERM": "xterm-256color", **(environment or {})},
            stdin=other_end,
            stdout=other_end,
            stderr=other_end,
            start_new_session=True,
        )
        os.close(other_end)
        self._output = fdspawn(self._terminal, encoding="utf-8", timeout=30)
        self._seen = ""

    def wait_for(self, pattern: str) -> None:
        """Wait until the output contains a text after the text of the last wait."""
        self._output.expect(pattern)
        self._seen += f"{self._output.before}{self._output.after}"

    def type(self, text: str) -> None:
        self._output.send(text)

    def wait(self) -> int:
        """Wait until the command exits, and return its exit code."""
        self._seen += self._output.read()
        return self._process.wait(timeout=30)

    @property
    def output(self) -> str:
        """The output so far, with its control characters."""
        return self._seen

    @property
    def screen(self) -> list[str]:
        """The visible lines, without what was overwritten."""
        return [_written_over(line) for line in self._seen.removesuffix("\n").split("\n")]

    @property
    def echoes(self) -> bool:
        """Whether the terminal echoes typed characters."""
        return bool(termios.tcgetattr(self._terminal)[3] & termios.ECHO)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._terminal)


def _written_over(line: str) -> str:
    shown: list[str] = []
    for part in line.split("\r"):
        shown[: len(part)] = part
    return "".join(shown).rstrip()
