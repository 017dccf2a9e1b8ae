"""Contenders run in processes of their own, which tell what they cost."""

from __future__ import annotations

import functools
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from compare.cases import ContenderError, Sample

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

CONTENDERS = Path(__file__).parent / "contenders"
_CURL = "curl"
_LOOK_SECONDS = 0.005


def python(
    script: str, *arguments: object, job: Any = None, interpreter: str = sys.executable
) -> Sample:
    """Run a script of `contenders`, which measures its own work."""
    figures = _run_python(script, *arguments, job=job, interpreter=interpreter)
    bare = _bare_peak(interpreter)
    return Sample(
        seconds=figures["seconds"],
        cpu_seconds=figures["cpu_seconds"],
        peak_bytes=figures["peak_bytes"] - bare,
    )


def _run_python(script: str, *arguments: object, job: Any, interpreter: str) -> dict[str, Any]:
    done = subprocess.run(
        [interpreter, CONTENDERS / script, *map(str, arguments)],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ContenderError(script, done.stderr)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


@functools.cache
def _bare_peak(interpreter: str) -> int:
    peak: int = _run_python("bare.py", job=None, interpreter=interpreter)["peak_bytes"]
    return peak


_IMPORT = """
import sys, time
begun = time.perf_counter()
exec(sys.argv[1])
print(time.perf_counter() - begun)
"""
_FIND_STANDARD = """
import sys
before = set(sys.modules)
exec(sys.argv[1])
found = [name for name in sys.modules if name.partition(".")[0] in sys.stdlib_module_names]
for name in found:
    if name not in before:
        try:
            __import__(name)
        except ImportError: # such as typing.io, which is no module of its own
            continue
        print(name)
"""


def imports(code: str) -> Sample:
    """Import with this code, in an interpreter that has imported nothing else."""
    return Sample(seconds=float(_run_code(_IMPORT, code)))


def standard_imports(code: str) -> str:
    """Return code that imports what this code imports of the standard library."""
    return f"import {','.join(_run_code(_FIND_STANDARD, code).split())}"


def _run_code(program: str, code: str) -> str:
    command = [sys.executable, "-I", "-c", program, code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def curl(arguments: Sequence[str]) -> Sample:
    """Run `curl`; what it costs to start it is taken off, as it is for interpreters."""
    sample, bare = _run_curl(arguments), _bare_curl()
    return Sample(
        seconds=sample.seconds - bare.seconds,
        cpu_seconds=(sample.cpu_seconds or 0) - (bare.cpu_seconds or 0),
        peak_bytes=(sample.peak_bytes or 0) - (bare.peak_bytes or 0),
    )


@functools.cache
def _bare_curl() -> Sample:
    _run_curl(["--version"])
    return _run_curl(["--version"])


def _run_curl(arguments: Sequence[str]) -> Sample:
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with subprocess.Popen([_CURL, *arguments], stdout=subprocess.DEVNULL) as process:
        # What the kernel keeps of a dead process begins with its parent's peak, so its
        # own is looked at while it runs: it only grows.
        peak = 0
        while process.poll() is None:
            peak = max(peak, _peak_of(process.pid))
            time.sleep(_LOOK_SECONDS)
        seconds = time.perf_counter() - begun
    if process.returncode != 0:
        raise ContenderError(_CURL, f"exit status {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Sample(seconds=seconds, cpu_seconds=cpu_seconds, peak_bytes=peak)


def _peak_of(process_id: int) -> int:
    try:
        status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    sizes = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(sizes[0]) * 1024 if sizes else 0
