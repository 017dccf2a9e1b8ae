"""This package, given a frame."""

from frame import mixed_frame
from job import measure
from package import sutro

frame = mixed_frame()
measure(
    lambda job: sutro.Client(job["key"], job["url"]).upload(
        {"frame.parquet": frame}, job["dataset_id"], progress=False
    )
)
