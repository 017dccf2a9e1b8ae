"""System calls of a service that fail, by `strace`."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from helpers.server_process import Served

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@contextmanager
def injected(
    served: Served, injection: str, *, path: Path | None = None, trace: str | Path = os.devnull
) -> Iterator[None]:
    """Make a system call of the service fail, or kill it there; skip where that is forbidden.

    Args:
        served: The service.
        injection: As `strace -e inject=` takes it.
        path: Only calls that concern this file or folder.
        trace: A file for the calls; `(INJECTED)` stands behind those that failed.
    """
    calls = injection.partition(":")[0]
    command = [
        "strace",
        "-f",
        "-o",
        str(trace),
        "-e",
        f"trace={calls}",
        "-e",
        f"inject={injection}",
    ]
    if path is not None:
        command += ["-P", str(path)]
    tracer = subprocess.Popen(
        [*command, "-p", str(served.process.pid)], stderr=subprocess.PIPE, text=True
    )
    assert tracer.stderr is not None
    try:
        # Before it, strace may write which path it resolves.
        line = ""
        while "attached" not in line:
            line = tracer.stderr.readline()
            if not line or "not permitted" in line:
                pytest.skip(f"strace may not trace: {line}")
        yield
    finally:
        # Asked to end, it waits for ever where the threads of a killed service are not all gone.
        tracer.kill()
        tracer.stderr.close()
        tracer.wait()
