"""A client on a full disk says so, and loses nothing."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from helpers.datasets import names_in
from helpers.small_disk import small_disk

if TYPE_CHECKING:
    from pathlib import Path

    import sutro

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's tools")

SMALL = 5
"""Frames before the one that does not fit."""

UPLOAD = """
import random, sys
import pyarrow as pa, sutro

def frame(seed, size):
    return pa.table({"bytes": [random.Random(seed).randbytes(size)]})

frames = (frame(number, SIZES[number]) for number in range(len(SIZES)))
sutro.Client(*sys.argv[1:3]).upload(frames, sys.argv[3], OPTIONS)
"""


@pytest.mark.parametrize("options", ["", "atomic=True"], ids=["in order", "atomic"])
def test_a_full_temporary_folder_is_named_and_leaves_a_prefix_or_nothing(
    server: sutro.LocalServer, tmp_path: Path, options: str
) -> None:
    client = server.client()
    dataset_id = client.create_dataset()
    folder = tmp_path / "disk"
    script = UPLOAD.replace("SIZES", str([10_000] * SMALL + [4_000_000])).replace(
        "OPTIONS", options
    )
    command = [sys.executable, "-c", script, server.api_key, server.api_url, dataset_id]
    with small_disk(folder, 1024) as disk:
        failed = subprocess.run(
            [*disk.wrapper, "env", f"TMPDIR={folder}", *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=50,
        )
        left = list(disk.folder.iterdir())

    assert f"FileAccessError: {folder}: No space left on device" in failed.stderr
    assert "set TMPDIR for another one" in failed.stderr
    assert left == []
    plan = [f"part-{number:05}.parquet" for number in range(SMALL)]
    names = names_in(client, dataset_id)
    assert [name[:10] for name in names] == [name[:10] for name in plan[: len(names)]]
    if options:
        assert names == []
    subprocess.run(command, check=True, timeout=50)
    assert len(names_in(client, dataset_id)) == SMALL + 1
