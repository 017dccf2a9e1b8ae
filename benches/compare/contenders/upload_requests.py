"""`requests` in a thread pool: what users write."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from job import measure


def upload(job):
    """Upload all files, eight at a time."""

    def upload_one(path):
        with Path(path).open("rb") as file:
            answer = requests.post(
                job["url"] + "/upload-to-dataset",
                headers={"Authorization": f"Key {job['key']}"},
                data={"dataset_id": job["dataset_id"]},
                files={"file": (Path(path).name, file)},
            )
        answer.raise_for_status()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(upload_one, job["paths"]))


measure(upload)
