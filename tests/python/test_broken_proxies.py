"""Through nginx and a proxy that breaks a quarter of the connections, a dataset stays a prefix."""

from __future__ import annotations

import random
import shutil
import threading
from typing import TYPE_CHECKING, Self

import pytest

import sutro
from conftest import large_parquet_bytes, parquet_bytes, through_gate_and_staged
from helpers.busy_proxies import nginx
from helpers.cutting_proxy import CuttingProxy
from helpers.datasets import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = 40
NAMES = [f"part-{number:02}.parquet" for number in range(FILES)]
RUNS = 2
QUARTER = 0.25


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Every fifth file is a blob; the server stores the others in its catalog."""
    folder = tmp_path / "files"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        content = large_parquet_bytes(number) if number % 5 == 1 else parquet_bytes(number + 1)
        (folder / name).write_bytes(content)
    return folder


class PrefixWatch:
    """Lists a dataset until the end of the block, which fails if it was not always a prefix."""

    def __init__(self, client: sutro.Client, dataset_id: str) -> None:
        self._client, self._dataset_id = client, dataset_id
        self._ended = threading.Event()
        self.seen: list[list[str]] = []
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._ended.is_set():
            self.seen.append(names_in(self._client, self._dataset_id))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()
        assert all(names == NAMES[: len(names)] for names in self.seen)
        assert [len(names) for names in self.seen] == sorted(len(names) for names in self.seen)


@pytest.fixture(params=["on", "off"])
def broken_nginx(
    request: pytest.FixtureRequest, server: sutro.LocalServer, tmp_path: Path
) -> Iterator[tuple[CuttingProxy, str, str]]:
    """Proxies that break connections before and behind an nginx with and without buffering."""
    seed = str(random.randrange(2**32))
    print(f"seed {seed}")
    upstream = int(server.api_url.rpartition(":")[2])
    with (
        CuttingProxy(upstream, f"{seed} behind", 60_000, QUARTER) as behind,
        nginx(behind.url, tmp_path / "nginx", 256, request.param) as url,
        CuttingProxy(int(url.rpartition(":")[2]), f"{seed} before", 60_000, QUARTER) as before,
    ):
        behind.begin()
        before.begin()
        yield before, before.url, server.api_url


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
@through_gate_and_staged
@pytest.mark.timeout(180)
@pytest.mark.parametrize("atomic", [False, True], ids=["in order", "atomic"])
def test_a_dataset_is_a_prefix_at_any_moment_and_a_clean_run_completes_it(
    broken_nginx: tuple[CuttingProxy, str, str],
    server: sutro.LocalServer,
    files: Path,
    request: pytest.FixtureRequest,
    atomic: bool,
) -> None:
    proxy, url, _ = broken_nginx
    direct = server.client()
    if atomic and "gate" in request.node.name:
        pytest.skip("needs a server that stages files")
    broken = sutro.Client(server.api_key, url, max_retries=2)
    for _ in range(RUNS):
        dataset_id = direct.create_dataset()
        with PrefixWatch(direct, dataset_id) as watch:
            try:
                broken.upload(files, dataset_id, atomic=atomic)
            except sutro.SutroError as error:
                print(type(error).__name__)
        if atomic:
            assert {len(names) for names in watch.seen} <= {0, FILES}
        direct.upload(files, dataset_id, atomic=atomic)
        assert names_in(direct, dataset_id) == NAMES
    assert proxy.cuts > 0
