"""`import sutro`: this package, or the SDK, by the interpreter that runs it."""

import importlib

from job import measure

measure(lambda _job: importlib.import_module("sutro"))
