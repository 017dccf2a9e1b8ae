"""A worker of an engine holds little of its partition, however large that is."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import sutro

BATCH_BYTES = 8 << 20
PARTITION_BATCHES = 40
"""Together three times what a worker may hold."""

BOUND_BYTES = 100 << 20
"""What the guide says."""

WORKER = f"""
import resource, sys
import numpy as np, pyarrow as pa
import sutro
from sutro.engines import job, options

def batches(count):
    for number in range(count):
        random = np.random.default_rng(number)
        yield pa.record_batch({{"x": random.integers(0, 2**60, {BATCH_BYTES} // 8)}})

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

job = job.begin(sutro.Client(), None, options.checked(staging=sys.argv[1] or None))
# Everything that a worker needs is imported, and a batch of its own is in memory.
job.task.stage(0, [batch.slice(0, 1000) for batch in batches(2)])
before = peak()
partition = job.task.stage(1, batches({PARTITION_BATCHES}))
job.clean_up()
print(partition.files[0].size_bytes, peak() - before)
"""


@pytest.mark.timeout(240)
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory has other units elsewhere")
@pytest.mark.parametrize("how", ["staged", "shared folder"])
def test_a_partition_that_is_much_larger_than_the_memory_of_a_worker_is_streamed(
    server: sutro.LocalServer, tmp_path_factory: pytest.TempPathFactory, how: str
) -> None:
    shared = "" if how == "staged" else str(tmp_path_factory.mktemp("shared"))
    settings = {"SUTRO_API_KEY": server.api_key, "SUTRO_API_URL": server.api_url}
    worker = subprocess.run(
        [sys.executable, "-c", WORKER, shared],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert worker.returncode == 0, worker.stderr
    size, grown = map(int, worker.stdout.split())
    assert size > PARTITION_BATCHES * BATCH_BYTES * 0.9
    assert grown < BOUND_BYTES, f"{grown / 2**20:.0f} MiB"
