"""`pyarrow` over `s3fs`: schemas in a loop, or in a thread pool, compared with the first."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pyarrow.parquet as pq
import s3fs

from job import measure

threads = int(sys.argv[1])


def check(job):
    """List the objects, and read all schemas."""
    files = s3fs.S3FileSystem(
        key=job["store_key"], secret=job["secret"], endpoint_url=job["endpoint"]
    )
    paths = files.glob(f"{job['bucket']}/{job['folder']}/*.parquet")

    def read(path):
        return pq.read_schema(path, filesystem=files)

    if threads == 1:
        schemas = [read(path) for path in paths]
    else:
        with ThreadPoolExecutor(threads) as pool:
            schemas = list(pool.map(read, paths))
    assert len(schemas) == len(job["keys"])
    assert all(schema.equals(schemas[0]) for schema in schemas)


measure(check)
