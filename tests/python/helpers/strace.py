"""Inject failures into the system calls of a server with `strace`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from helpers.server_process import ServerProcess

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

RUNTIME, CATALOG = "sutro", "sqlx"
"""The threads that serve requests and write blobs, and those that read and write a catalog."""

STORING_CALLS = [
    *((RUNTIME, call) for call in ("openat", "lseek", "fsync", "rename")),
    *((CATALOG, call) for call in ("openat", "pwrite64", "fsync")),
]
"""The system calls that store files, and the threads that make them. A `write` of a blob cannot be
told from one that wakes a thread: `lseek`, right before it, stands for it."""

_CPU = min(os.sched_getaffinity(0)) if sys.platform == "linux" else 0

ONE_WORKER = ["taskset", "--cpu-list", str(_CPU)]
"""Runs a program on one CPU, so that one thread of its runtime sends and receives everything."""


@contextmanager
def injected(
    served: ServerProcess,
    injection: str,
    *,
    threads: str = "",
    path: Path | None = None,
    trace: str | Path = os.devnull,
) -> Iterator[None]:
    """Make a system call of the server fail, or kill it there.

    Skips the test if this is not permitted.

    Args:
        served: The server.
        injection: The argument of `strace -e inject=`. Its `when=` counts the calls of each thread
            separately.
        threads: Only inject into threads whose names start so. Otherwise the calls of one thread
            hide those of another that come later.
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
    for thread in Path(f"/proc/{served.process.pid}/task").iterdir():
        if (thread / "comm").read_text().startswith(threads):
            command += ["-p", thread.name]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
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
