"""Uploads that are packed, or read from a store, are killed or interrupted at any byte."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import through_gate_and_staged
from helpers import s3
from helpers.datasets import ids_in, names_in
from helpers.metered_proxy import MeteredProxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import sutro
    from helpers.bucket import Bucket

pytestmark = [
    pytest.mark.skipif(s3.program() is None, reason=s3.MISSING),
    pytest.mark.skipif(sys.platform == "win32", reason="about signals of POSIX"),
]

RUNS = int(os.environ.get("SUTRO_SOURCE_KILLS", "1"))
"""The number of runs of each test; `make soak` sets a higher one."""
SEED = os.environ.get("SUTRO_SOURCE_KILL_SEED")
SEEDS = range(RUNS) if SEED is None else [int(SEED)]

FILES, ROWS = 18, 200


@dataclass
class Scene:
    """Where the files are, and how they are uploaded."""

    server: sutro.LocalServer
    sources: list[str]
    target_file_size: str | None
    bucket: Bucket
    to_server: MeteredProxy
    to_store: MeteredProxy
    names: list[str] = field(default_factory=list)
    """Those of a complete upload."""

    def options(self, port: int | None = None) -> dict[str, Any]:
        size = {} if self.target_file_size is None else {"target_file_size": self.target_file_size}
        return {"storage_options": self.bucket.options(port), **size}

    def command(self, dataset_id: str) -> subprocess.Popen[str]:
        """The same upload, by the command, through both proxies."""
        options = self.options(self.to_store.port)
        arguments = [f"--storage-option={k}={v}" for k, v in options["storage_options"].items()]
        if self.target_file_size is not None:
            arguments.append(f"--target-file-size={self.target_file_size}")
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "sutro", "upload", *self.sources),
                *("--dataset", dataset_id, "--quiet", *arguments),
            ],
            env={
                **os.environ,
                "SUTRO_API_KEY": self.server.api_key,
                "SUTRO_API_URL": self.to_server.url,
            },
            stderr=subprocess.PIPE,
            text=True,
        )

    def upload(self, dataset_id: str | None = None) -> sutro.UploadReport:
        return self.server.client().upload(self.sources, dataset_id, **self.options())

    def check_prefix(self, dataset_id: str) -> int:
        names = names_in(self.server.client(), dataset_id)
        assert names == self.names[: len(names)]
        return len(names)


def contents() -> Iterator[bytes]:
    """Files of about 20 kB whose rows are numbered, each with four row groups."""
    for number in range(FILES):
        ids = range(number * ROWS, (number + 1) * ROWS)
        texts = [random.Random(row).randbytes(100) for row in ids]
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"id": ids, "bytes": texts}), sink, row_group_size=ROWS // 4)
        yield sink.getvalue().to_pybytes()


@pytest.fixture(params=["packed", "remote", "packed and remote", "packed and in both places"])
def scene(
    server: sutro.LocalServer, bucket: Bucket, data: Path, request: pytest.FixtureRequest
) -> Iterator[Scene]:
    sources = []
    for number, content in enumerate(contents()):
        name = f"file-{number:02}.parquet"
        is_remote = "remote" in request.param or ("both" in request.param and number % 3 > 0)
        if is_remote:
            sources.append(bucket.put(name, content))
        else:
            (data / name).write_bytes(content)
            sources.append(str(data / name))
    size = "50kB" if "packed" in request.param else None
    port = int(server.api_url.rpartition(":")[2])
    with MeteredProxy(port) as to_server, MeteredProxy(bucket.port) as to_store:
        scene = Scene(server, sources, size, bucket, to_server, to_store)
        dataset_id = server.client().create_dataset()
        process = scene.command(dataset_id)
        _, told = process.communicate(timeout=50)
        assert process.returncode == 0, told
        scene.names = names_in(server.client(), dataset_id)
        assert len(scene.names) > 5
        yield scene


@through_gate_and_staged
@pytest.mark.timeout(60 + 30 * RUNS)
def test_after_a_kill_at_any_byte_the_dataset_is_a_prefix_and_the_next_run_completes_it(
    scene: Scene,
) -> None:
    bytes_of = {proxy: proxy.passed for proxy in (scene.to_server, scene.to_store)}
    for seed in SEEDS:
        try:
            kill_and_complete(scene, random.Random(seed), bytes_of)
        except BaseException:
            print(f"run it again with SUTRO_SOURCE_KILL_SEED={seed}")
            raise


def kill_and_complete(
    scene: Scene, chance: random.Random, bytes_of: dict[MeteredProxy, int]
) -> None:
    client = scene.server.client()
    dataset_id = client.create_dataset()
    there = 0
    for how in chance.sample([signal.SIGKILL, signal.SIGINT], 2):
        proxy = chance.choice([proxy for proxy, count in bytes_of.items() if count > 0])
        process = scene.command(dataset_id)
        proxy.stop_at(chance.randrange(bytes_of[proxy]), partial(process.send_signal, how))
        while process.poll() is None:
            before, there = there, scene.check_prefix(dataset_id)
            assert there >= before
        _, told = process.communicate()
        proxy.go_on()
        # A resumed upload may pass fewer bytes than the moment of its end.
        assert process.returncode in {-signal.SIGKILL, 130, 0}, told
        assert "Traceback" not in told

    there = scene.check_prefix(dataset_id)
    report = scene.upload(dataset_id)

    assert [file.status for file in report][:there] == ["skipped"] * there
    assert names_in(client, dataset_id) == scene.names
    assert ids_in(client, dataset_id) == list(range(FILES * ROWS))
