"""Inject failures into the system calls of a server with `strace`."""

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

    from helpers.server_process import ServerProcess

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@contextmanager
def injected(
    served: ServerProcess,
    injection: str,
    *,
    path: Path | None = None,
    trace: str | Path = os.devnull,
) -> Iterator[None]:
    """Make a system call of the server fail, or kill it there.

    Skips the test if this is not permitted.

    Args:
        served: The server.
        injection: The argument of `strace -e inject=`.
        path: Only inject into calls that use this file or folder.
        trace: A file for the trace. `(INJECTED)` marks the calls that failed.
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
