"""The interpreter exits cleanly while calls are in flight."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sutro
from helpers.interpreters import interpreters
from helpers.processes import run_python

if TYPE_CHECKING:
    from helpers.holding_server import HoldingServer

EXITS = int(os.environ.get("SUTRO_EXITS", "100"))
SEED = int(os.environ.get("SUTRO_SEED", random.randrange(1 << 32)))
PACKAGE = Path(sutro.__file__).parents[1]

PROGRAM = """
import asyncio, os, signal, sys, sutro

api_key, api_url, seconds, way, dataset_id, empty_id, folder, output = sys.argv[1:]
client = sutro.Client(api_key, api_url)

async def main():
    # Some of these are about to wake the loop, whenever it ends.
    started = [
        *(client.list_datasets_async() for _ in range(40)),
        *(client.download_from_dataset_async(dataset_id, output_path=output + it) for it in "abcd"),
        *(client.stage_async(folder, empty_id) for _ in range(4)),
        *(client.upload_async(folder, progress=False) for _ in range(4)),
    ]
    calls = [asyncio.create_task(call) for call in started]
    await asyncio.sleep(float(seconds))
    if way == "exit":
        sys.exit(0)
    if way == "interrupt":
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(60)

try:
    asyncio.run(main())
except KeyboardInterrupt:
    sys.exit(130)
"""


OWN_RELEASE = f"python3.{sys.version_info.minor}"
INTERPRETERS = [sys.executable]
INTERPRETERS += [path for release, path in interpreters().items() if release != OWN_RELEASE]


@pytest.mark.timeout(120 + EXITS * 5)
@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_the_interpreter_exits_cleanly_at_any_point_of_a_call(
    interpreter: str, server: sutro.LocalServer, folder: Path, tmp_path: Path
) -> None:
    client = server.client()
    place = [client.upload(folder).dataset_id, client.create_dataset(), folder, tmp_path / "output"]
    chance = random.Random(SEED)
    for number in range(EXITS):
        seconds = chance.uniform(0, 0.1)
        way = chance.choice(["return", "exit", "interrupt"])
        arguments = [server.api_key, server.api_url, seconds, way, *place]
        done = subprocess.run(
            [interpreter, "-c", PROGRAM, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        )
        expected = 130 if way == "interrupt" else 0
        outcome = (done.returncode, done.stdout, done.stderr)
        assert outcome == (expected, "", ""), f"exit {number}, {way}; again: SUTRO_SEED={SEED}"


def test_a_loop_that_is_closed_while_a_call_wakes_it_closes_cleanly(
    server: sutro.LocalServer,
) -> None:
    program = f"""
import asyncio, threading, sutro

is_woken, is_closed = threading.Event(), threading.Event()

class Loop(asyncio.SelectorEventLoop):
    def call_soon_threadsafe(self, *args, **kwargs):
        if threading.current_thread() is not threading.main_thread():
            is_woken.set()
            is_closed.wait(30)
        return super().call_soon_threadsafe(*args, **kwargs)

loop = Loop()
client = sutro.Client({server.api_key!r}, {server.api_url!r})
task = loop.create_task(client.list_datasets_async())
while not is_woken.is_set():
    loop.run_until_complete(asyncio.sleep(0.001))
task.cancel()
loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
loop.close()
is_closed.set()
print(task.cancelled())
"""
    done = run_python("-c", program)

    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


def test_the_interpreter_exits_cleanly_during_an_upload(
    holding: HoldingServer, folder: Path
) -> None:
    program = f"""
import asyncio, sys, sutro

async def main():
    client = sutro.Client({holding.api_key!r}, {holding.api_url!r})
    task = asyncio.create_task(client.upload_async({str(folder)!r}))
    await asyncio.sleep(float(sys.argv[1]))

asyncio.run(main())
"""
    for milliseconds in range(0, 60, 6):
        done = run_python("-c", program, milliseconds / 1000)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_call_after_the_runtime_shutdown_is_rejected_with_a_message(
    server: sutro.LocalServer,
) -> None:
    program = f"""
import atexit

@atexit.register
def late():
    try:
        client.list_datasets()
    except RuntimeError as error:
        print(error)

import sutro
client = sutro.Client({server.api_key!r}, {server.api_url!r})
client.list_datasets()
"""
    done = run_python("-c", program)

    outcome = (done.returncode, done.stdout, done.stderr)
    assert outcome == (0, "cannot start a call while the interpreter exits\n", "")
