"""Nothing: what an interpreter costs."""

from job import measure

measure(lambda job: job)
