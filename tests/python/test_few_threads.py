"""With a low thread limit, an upload completes or says which limit to raise."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from helpers.processes import run_python

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0,
    reason="the limit of threads does not hold for root, and only root becomes somebody else",
)

DATA = Path(__file__).parents[2] / "examples" / "data"

# What is imported later could be read by root only. Nobody else runs as this user.
PROGRAM = """
import logging, os, resource, sys
from sutro import *
import sutro, sutro._progress.bar, sutro._reports.check, sutro._reports.upload
folder, limit, is_warm = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "True"
if is_warm:
    sutro.upload(folder + "/data", api_url="local:" + folder + "/warm", progress=False)
resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
os.setgid(64321)
os.setuid(64321)
try:
    report = sutro.upload(folder + "/data", api_url="local:" + folder + "/cold", progress=False)
    print("uploaded", len(report))
except sutro.ConfigurationError as error:
    print("refused", error)
"""


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that every user can access, unlike `tmp_path`."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def test_a_thread_limit_is_reported_and_no_upload_hangs(shared_folder: Path) -> None:
    outcomes = set()
    for limit in (1, 2, 3, 4, 5, 6, 8, 12, 64):
        for is_warm in (False, True):
            folder = shared_folder / f"{limit}-{is_warm}"
            shutil.copytree(DATA, folder / "data")
            folder.chmod(0o777)
            done = run_python("-c", PROGRAM, folder, limit, is_warm)
            assert (done.returncode, done.stderr) == (0, ""), f"{limit} {is_warm}"
            outcome = done.stdout.strip()
            assert outcome == "uploaded 12" or "ulimit -u" in outcome, f"{limit} {is_warm}"
            outcomes.add(outcome)

    assert len(outcomes) == 2, "one limit is enough, and one is not"
