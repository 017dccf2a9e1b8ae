"""Run Python and the `sutro` command in child processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from helpers.holding_proxy import HoldingProxy
    from helpers.holding_server import HoldingServer


def run_python(
    *arguments: object,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout: float = 50,
) -> subprocess.CompletedProcess[str]:
    """Run Python until it exits. The exit code is not checked."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def python_output(*arguments: object, cwd: Path | None = None, timeout: float = 50) -> str:
    """Run Python, assert that it succeeds, and return its stdout."""
    done = run_python(*arguments, cwd=cwd, timeout=timeout)
    assert done.returncode == 0, done.stderr
    return done.stdout


def interrupt_sutro(
    server: HoldingServer | HoldingProxy, api_key: str, *arguments: object
) -> subprocess.CompletedProcess[str]:
    """Run `sutro`, and send it SIGINT when the server holds one of its requests."""
    settings = {"SUTRO_API_KEY": api_key, "SUTRO_API_URL": server.api_url}
    with subprocess.Popen(
        [sys.executable, "-m", "sutro", *map(str, arguments)],
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        assert server.held.wait(30)
        command.send_signal(signal.SIGINT)
        stdout, stderr = command.communicate(timeout=30)
    return subprocess.CompletedProcess(command.args, command.returncode, stdout, stderr)
