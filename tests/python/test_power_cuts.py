"""A power cut at any point of an upload loses no acknowledged upload."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import large_parquet_bytes, parquet_bytes
from helpers.assertions import assert_no_loss
from helpers.load import Uploader
from helpers.raw_client import RawClient
from helpers.server_process import API_KEY, ServerProcess
from helpers.simulated_disk import TRACED, Call, Disk, calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CUTS = int(os.environ.get("SUTRO_POWER_CUTS", "5"))
"""How often the power of a real file system is cut."""

FILES = {
    "part-0.parquet": parquet_bytes(1),
    "part-1.parquet": large_parquet_bytes(),
    "part-2.parquet": parquet_bytes(300),
}
"""A blob between two files that the catalog stores."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's tools")


class Traced:
    """Three uploads with a trace of the server's system calls."""

    def __init__(self, folder: Path) -> None:
        data = folder / "served"
        with ServerProcess(data) as served:
            client = RawClient(served.api_url, API_KEY)
            self.dataset_id = client.create_dataset()
            before = folder / "before" / "served"
            shutil.copytree(data, before)
            self._before = before
            tracer = subprocess.Popen(
                [
                    *("strace", "-f", "-z", "-yy", "-xx", "-s", "1000000"),
                    *("-e", f"trace={TRACED}", "-o", str(folder / "trace")),
                    *("-p", str(served.process.pid)),
                ],
                stderr=subprocess.PIPE,
                text=True,
            )
            assert tracer.stderr is not None
            first = tracer.stderr.readline()
            if "attached" not in first:
                pytest.skip(f"strace may not trace: {first}")
            statuses = [client.upload(self.dataset_id, *file).status for file in FILES.items()]
            # When this is acknowledged, the last answer before it has been traced.
            client.create_dataset()
            tracer.terminate()
            tracer.stderr.close()
            tracer.wait()
        assert statuses == [200] * len(FILES)
        # The disk of the model starts as a copy: the trace is told as if it had been there.
        old, new = (bytes(path).hex("x").replace("x", "\\x") for path in (data, before))
        trace = (folder / "trace").read_text().replace(f"\\x{old}", f"\\x{new}")
        (folder / "trace").write_text(trace)
        self.calls = list(calls(folder / "trace"))

    def disk(self) -> Disk:
        """The disk before the uploads."""
        return Disk(self._before)


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Traced:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    return Traced(tmp_path_factory.mktemp("traced"))


def _cut_power_after_each_call(
    traced: Traced,
    folder: Path,
    *,
    seeds: int,
    is_done: Callable[[Call], bool] = lambda _: True,
) -> None:
    """Cut the power after each call, and check what survives. Skip calls that are not done."""
    disk, acknowledged = traced.disk(), 0
    for number, call in enumerate(filter(is_done, traced.calls)):
        disk.apply(call)
        acknowledged += call.acknowledges_upload
        for seed in range(seeds + 1):
            left = folder / f"{number}-{seed}"
            disk.write_after_cut(left, random.Random(seed) if seed else None)
            assert_no_loss(
                left,
                traced.dataset_id,
                FILES,
                list(FILES)[:acknowledged],
                max_unacknowledged=1,
            )
            shutil.rmtree(left)
    assert acknowledged == len(FILES)


@pytest.mark.timeout(300)
def test_a_power_cut_after_any_system_call_loses_no_acknowledged_upload(
    traced: Traced, tmp_path: Path
) -> None:
    assert sum(call.name == "sync" for call in traced.calls) >= 5 * len(FILES)
    _cut_power_after_each_call(traced, tmp_path, seeds=1)


@pytest.mark.parametrize(
    "is_left_out",
    [
        pytest.param(lambda call: call.path.name == "blobs", id="the folder of the blobs"),
        pytest.param(lambda call: call.path.name.endswith("-journal"), id="the journal"),
        pytest.param(lambda call: "file_" in call.path.name, id="the blob"),
        pytest.param(lambda call: call.path.name == "catalog.sqlite", id="the catalog"),
    ],
)
def test_the_simulation_detects_a_missing_sync(
    traced: Traced, tmp_path: Path, is_left_out: Callable[[Call], bool]
) -> None:
    def is_done(call: Call) -> bool:
        return call.name != "sync" or not is_left_out(call)

    found = "damaged or missing|not found|was not swept|is lost|is not as it was sent"
    with pytest.raises((sutro.SutroError, AssertionError), match=found):
        _cut_power_after_each_call(traced, tmp_path, seeds=4, is_done=is_done)


@contextmanager
def _mounted(image: Path, folder: Path) -> Iterator[Path]:
    """Mount the image of a file system. Skip the test if mounting is not permitted."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-o", "loop", image, folder], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"an image may not be mounted: {done.stderr}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.skipif(shutil.which("mkfs.ext4") is None, reason="mkfs.ext4 is not installed")
@pytest.mark.timeout(60 + 10 * CUTS)
def test_a_power_cut_of_a_real_file_system_loses_no_acknowledged_upload(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    news = threading.Event()

    with _mounted(image, tmp_path / "disk") as disk:
        with ServerProcess(disk / "served") as served:
            client = RawClient(served.api_url, API_KEY)
            dataset_id = client.create_dataset()
            sender = Uploader(client, dataset_id, 0, news)
            sender.start()
            for cut in range(CUTS):
                for _ in range(chance.randrange(8)):
                    news.wait(30)
                    news.clear()
                time.sleep(chance.random() * 0.01)  # not for anything to happen: by chance
                # What the file system of the service has written is in the image, and no more.
                served.process.send_signal(signal.SIGSTOP)
                left = tmp_path / f"left-{cut}"
                shutil.copy(image, left)
                sent, acknowledged = dict(sender.sent), list(sender.acknowledged)
                served.process.send_signal(signal.SIGCONT)
                with _mounted(left, tmp_path / f"disk-{cut}") as disk_after_cut:
                    assert_no_loss(
                        disk_after_cut / "served",
                        dataset_id,
                        sent,
                        acknowledged,
                        max_unacknowledged=1,
                    )
                left.unlink()
        sender.join()
    print(f"{CUTS} power cuts, {len(sender.acknowledged)} files acknowledged")
