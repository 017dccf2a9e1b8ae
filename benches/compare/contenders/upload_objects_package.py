"""This package, given a glob of objects."""

from job import measure
from package import sutro


def upload(job):
    """Upload all objects with one call."""
    client = sutro.Client(job["key"], job["url"])
    client.upload(
        f"s3://{job['bucket']}/{job['folder']}/*.parquet",
        job["dataset_id"],
        storage_options={
            "aws_endpoint_url": job["endpoint"],
            "aws_access_key_id": job["store_key"],
            "aws_secret_access_key": job["secret"],
        },
        progress=False,
    )


measure(upload)
