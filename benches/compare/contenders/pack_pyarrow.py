"""`pyarrow`: one file with the rows of many, a row group for each, then `requests.post`."""

import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import requests

from job import measure


def upload(job):
    """Read the files, write the pack, and upload it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pack.parquet"
        with pq.ParquetWriter(path, pq.read_schema(job["paths"][0])) as writer:
            for source in job["paths"]:
                writer.write_table(pq.read_table(source))
        with path.open("rb") as file:
            answer = requests.post(
                job["url"] + "/upload-to-dataset",
                headers={"Authorization": f"Key {job['key']}"},
                data={"dataset_id": job["dataset_id"]},
                files={"file": (path.name, file)},
            )
    answer.raise_for_status()


measure(upload)
