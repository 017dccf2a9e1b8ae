"""`obstore` to temporary files, eight at a time.

`then`: this package uploads all files when they are there. `and`: a thread posts each file with
`requests` as soon as it has it.
"""

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import obstore
import requests
from obstore.store import S3Store

import sutro
from job import measure

mode = sys.argv[1]


def upload(job):
    """Get all objects, and upload them."""
    store = S3Store(
        job["bucket"],
        endpoint=job["endpoint"],
        access_key_id=job["store_key"],
        secret_access_key=job["secret"],
        region="us-east-1",
        client_options={"allow_http": True},
    )
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(8) as pool:

        def get(key):
            path = Path(folder) / Path(key).name
            with path.open("wb") as file:
                for piece in obstore.get(store, key).stream():
                    file.write(piece)
            return path

        def get_and_upload(key):
            path = get(key)
            with path.open("rb") as file:
                answer = requests.post(
                    job["url"] + "/upload-to-dataset",
                    headers={"Authorization": f"Key {job['key']}"},
                    data={"dataset_id": job["dataset_id"]},
                    files={"file": (path.name, file)},
                )
            answer.raise_for_status()
            path.unlink()

        if mode == "and":
            list(pool.map(get_and_upload, job["keys"]))
            return
        paths = [str(path) for path in pool.map(get, job["keys"])]
        sutro.Client(job["key"], job["url"]).upload(paths, job["dataset_id"], progress=False)


measure(upload)
