"""`import sutro`: this package, or the SDK, by the interpreter that runs it.

This package imports most of itself when it is used for the first time, which counts here.
"""

import importlib

from job import measure

measure(lambda _job: getattr(importlib.import_module("sutro"), "upload", None))
