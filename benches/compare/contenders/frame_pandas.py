"""`to_parquet`, then `requests.post`."""

import tempfile
from pathlib import Path

import requests

from frame import mixed_frame
from job import measure

frame = mixed_frame()


def upload(job):
    """Upload the frame as one file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frame.parquet"
        frame.to_parquet(path, index=False)
        with path.open("rb") as file:
            answer = requests.post(
                job["url"] + "/upload-to-dataset",
                headers={"Authorization": f"Key {job['key']}"},
                data={"dataset_id": job["dataset_id"]},
                files={"file": (path.name, file)},
            )
    answer.raise_for_status()


measure(upload)
