"""This package, by its public face."""

import os
import sys

from job import measure
from package import sutro


def upload(job):
    """Upload all files with one call."""
    match sys.argv[1:]:
        case ["packed", size]:
            options = {"target_file_size": size}
        case ["unordered"]:
            options = {"ordered": False}
        case _:
            options = {}
    if job["ca_file"]:
        os.environ["SSL_CERT_FILE"] = job["ca_file"]
    client = sutro.Client(job["key"], job["url"])
    client.upload(job["paths"], job["dataset_id"], progress=False, **options)


measure(upload)
