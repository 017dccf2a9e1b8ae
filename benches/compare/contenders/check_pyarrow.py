"""`pyarrow`: schemas in a loop, or in a thread pool, compared with the first."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pyarrow.parquet as pq

from job import measure

threads = int(sys.argv[1])


def check(job):
    """Read all schemas."""
    if threads == 1:
        schemas = [pq.read_schema(path) for path in job["paths"]]
    else:
        with ThreadPoolExecutor(threads) as pool:
            schemas = list(pool.map(pq.read_schema, job["paths"]))
    assert all(schema.equals(schemas[0]) for schema in schemas)


measure(check)
