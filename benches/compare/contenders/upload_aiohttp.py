"""`aiohttp` with eight tasks."""

import asyncio
from pathlib import Path

import aiohttp

from job import measure


async def upload(job):
    """Upload all files, eight at a time."""
    paths = iter(job["paths"])

    async def upload_some(session):
        for path in paths:
            with Path(path).open("rb") as file:
                form = aiohttp.FormData({"dataset_id": job["dataset_id"]})
                form.add_field("file", file, filename=Path(path).name)
                async with session.post(job["url"] + "/upload-to-dataset", data=form) as answer:
                    answer.raise_for_status()
                    await answer.read()

    async with aiohttp.ClientSession(
        headers={"Authorization": f"Key {job['key']}"}, timeout=aiohttp.ClientTimeout(total=None)
    ) as session:
        await asyncio.gather(*(upload_some(session) for _ in range(8)))


measure(lambda job: asyncio.run(upload(job)))
