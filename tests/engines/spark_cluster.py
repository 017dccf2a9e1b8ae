"""A Spark cluster with two workers that count as two machines."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyspark

from helpers.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTS = ("127.0.0.1", "127.0.0.2")
"""Of the workers: Spark does not run a task twice on one machine."""


@contextmanager
def spark_cluster(folder: Path) -> Iterator[str]:
    """Run a master, and two workers of one core, until the end of the block; the master's URL."""
    with ExitStack() as running:
        started = "Starting Spark master at (spark://[^ \n]*)"
        master = running.enter_context(_process(folder, "master.Master", HOSTS[0], started))
        for host in HOSTS:
            options = ["--cores", "1", "--memory", "1g", "--work-dir", str(folder / host), master]
            registered = "Successfully registered with (master)"
            running.enter_context(_process(folder, "worker.Worker", host, registered, *options))
        yield master


@contextmanager
def _process(folder: Path, what: str, host: str, sign: str, *options: str) -> Iterator[str]:
    log = folder / f"{what}-{host}.log"
    program = Path(pyspark.__file__).parent / "bin/spark-class"
    command = [str(program), f"org.apache.spark.deploy.{what}", "--host", host, "--port", "0"]
    settings = {
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": host,
        "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false",
    }
    with (
        log.open("w") as output,
        subprocess.Popen(
            [*command, "--webui-port", "0", *options],
            stdout=output,
            stderr=output,
            env={**os.environ, **settings},
        ) as process,
    ):
        try:
            found = partial(re.search, sign)
            wait_for(lambda: process.poll() is not None or found(log.read_text()) is not None)
            said = found(log.read_text())
            assert said is not None, log.read_text()
            yield said[1]
        finally:
            process.terminate()
