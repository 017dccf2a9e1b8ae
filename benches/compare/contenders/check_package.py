"""This package: footers behind a guard, codecs, and schemas compared."""

from job import measure
from package import sutro

measure(lambda job: sutro.check(job["paths"]))
