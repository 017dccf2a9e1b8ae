"""This package, by its public face."""

import os
import sys

import sutro
from job import measure

OPTIONS = {"unordered": {"ordered": False}, "packed": {"target_file_size": "256MB"}}


def upload(job):
    """Upload all files with one call."""
    options = OPTIONS.get(sys.argv[1], {})
    if job["ca_file"]:
        os.environ["SSL_CERT_FILE"] = job["ca_file"]
    client = sutro.Client(job["key"], job["url"])
    client.upload(job["paths"], job["dataset_id"], progress=False, **options)


measure(upload)
