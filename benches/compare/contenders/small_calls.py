"""This package: a hundred small calls one after the other, sync or with `await`."""

import asyncio
import sys

import sutro
from job import measure

CALLS = 100
is_async = sys.argv[1] == "async"


def call(job):
    """List the files of an empty dataset again and again."""
    client = sutro.Client(job["key"], job["url"])
    if is_async:
        asyncio.run(call_async(client, job["dataset_id"]))
    else:
        for _ in range(CALLS):
            client.list_dataset_files(job["dataset_id"])


async def call_async(client, dataset_id):
    """Do the same with the async twin."""
    for _ in range(CALLS):
        await client.list_dataset_files_async(dataset_id)


measure(call)
