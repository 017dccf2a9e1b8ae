"""This package: footers behind a guard, codecs, and schemas compared."""

import sutro
from job import measure

measure(lambda job: sutro.check(job["paths"]))
