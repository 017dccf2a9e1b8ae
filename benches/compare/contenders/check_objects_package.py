"""This package: the footers of objects, checked."""

from job import measure
from package import sutro


def check(job):
    """Check all objects of a folder."""
    report = sutro.check(
        f"s3://{job['bucket']}/{job['folder']}/",
        storage_options={
            "aws_endpoint_url": job["endpoint"],
            "aws_access_key_id": job["store_key"],
            "aws_secret_access_key": job["secret"],
        },
    )
    assert report
    assert len(report.files) == len(job["keys"])


measure(check)
