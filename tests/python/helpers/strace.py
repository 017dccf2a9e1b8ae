"""Inject failures into the system calls of a server with `strace`."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from helpers.soak import STRIDE

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


def moments(call: str) -> Iterator[int]:
    """Which calls to inject into, by their numbers: `make soak` tries all of them."""
    often = 3 if call.startswith("pwrite64") and STRIDE > 1 else 1
    return itertools.count(1, STRIDE * often)


def was_injected(trace: Path) -> bool:
    """Whether a call failed, according to a trace of `injected`. A kill is not in it."""
    return "(INJECTED)" in trace.read_text()


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
    command = ["strace", "-o", str(trace), "-e", f"trace={calls}", "-e", f"inject={injection}"]
    if path is not None:
        command += ["-P", str(path)]
    process = served.process.pid
    if threads:
        # With `-f`, strace would attach to all threads of the process.
        tasks = Path(f"/proc/{process}/task").iterdir()
        names = {task.name: (task / "comm").read_text() for task in tasks}
        for task, name in names.items():
            command += ["-p", task] if name.startswith(threads) else []
    else:
        command += ["-f", "-p", str(process)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    try:
        # Before it attaches, strace may write which path it resolves.
        left = command.count("-p")
        while left:
            line = tracer.stderr.readline()
            if not line or "not permitted" in line:
                pytest.skip(f"strace may not trace: {line}")
            left -= "attached" in line
        yield
    finally:
        # Asked to end, it waits for ever where the threads of a killed service are not all gone.
        tracer.kill()
        tracer.stderr.close()
        tracer.wait()
