"""Measures one piece of work in a process of its own: the job on stdin, figures on stdout."""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def peak_bytes() -> int:
    """Read how much memory this process has had at most.

    Not `ru_maxrss`: that begins with what the parent had when it forked.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(
        int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")
    )


def measure(work: Callable[[Any], object]) -> None:
    """Do the work of the job on stdin. What was imported before it is not counted as time."""
    job = json.load(sys.stdin)
    before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        work(job)
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF)
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figures = {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_bytes": peak_bytes()}
    print(json.dumps(figures))
