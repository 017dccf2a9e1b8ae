"""Daft: partitions are staged as Daft gives them, which is in order."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from daft.runners import get_or_create_runner

from sutro.engines.job import begin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sutro._reports.upload import UploadReport
    from sutro.engines.access import Api
    from sutro.engines.options import Options
    from sutro.engines.task import Partition, Task


def upload(client: Api, frame: Any, dataset_id: str | None, options: Options) -> UploadReport:
    """Compute a Daft frame, and upload its partitions in order; see `sutro.upload`.

    Daft's own sinks have no order. Its iterator has: a partition's place is its index there.
    """
    is_ray = get_or_create_runner().name == "ray"
    job = begin(client, dataset_id, options, in_processes=is_ray)
    with job.cleaned_up():
        job.refuse_schema(frame.schema().to_pyarrow_schema())
        staged = _by_ray if is_ray else _by_threads
        results = list(staged(job.task, enumerate(frame.iter_partitions())))
        return job.commit(results, len(results))


def _stage(task: Task, number: int, partition: Any) -> Partition:
    return task.stage(number, [partition.to_arrow()])


def _by_threads(task: Task, partitions: Iterator[tuple[int, Any]]) -> Iterator[Partition]:
    """Stage partitions of this process: the work is done without the GIL."""
    at_once = min(os.cpu_count() or 1, 8)
    with ThreadPoolExecutor(at_once, "sutro-stage") as pool:
        try:
            yield from _windowed(
                lambda number, part: pool.submit(_stage, task, number, part),
                Future.result,
                partitions,
                2 * at_once,
            )
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _by_ray(task: Task, partitions: Iterator[tuple[int, Any]]) -> Iterator[Partition]:
    """Stage partitions where Ray has them; only their results come here."""
    import ray  # noqa: PLC0415 - Daft runs on it

    # Daft's actors and these tasks run at the same time, so the tasks must not wait for a CPU.
    stage = ray.remote(_stage).options(name="sutro.stage", num_cpus=0)
    shared = ray.put(task)
    at_once = max(1, int(ray.cluster_resources().get("CPU", 1)))
    yield from _windowed(
        lambda number, part: stage.remote(shared, number, part), ray.get, partitions, at_once
    )


def _windowed(
    begin_one: Callable[[int, Any], Any],
    result_of: Callable[[Any], Partition],
    partitions: Iterator[tuple[int, Any]],
    at_once: int,
) -> Iterator[Partition]:
    """Work on a few partitions at a time, so that few of them are in memory."""
    running: deque[Any] = deque()
    for number, partition in partitions:
        running.append(begin_one(number, partition))
        if len(running) >= at_once:
            yield result_of(running.popleft())
    while running:
        yield result_of(running.popleft())
