"""`polars`: schemas in a loop, compared with the first."""

import polars as pl

from job import measure


def check(job):
    """Read all schemas."""
    schemas = [pl.read_parquet_schema(path) for path in job["paths"]]
    assert all(schema == schemas[0] for schema in schemas)


measure(check)
