"""This package, by its public face."""

import sys

import sutro
from job import measure

ordered = sys.argv[1] == "ordered"


def upload(job):
    """Upload all files with one call."""
    client = sutro.Client(job["key"], job["url"])
    client.upload(job["paths"], job["dataset_id"], ordered=ordered, progress=False)


measure(upload)
