"""Messages in the words of the command."""

from __future__ import annotations

import re

_OPTIONS = (
    ("recompress=True", "--recompress"),
    ("recursive=True", "--recursive"),
    ("overwrite=True", "--overwrite"),
    ("hive=True", "--hive"),
    ("hive=False", "--no-hive"),
    ("ordered=False", "--unordered"),
    ("concurrency=1", "--concurrency 1"),
    ('on_mismatch="cast"', "--on-mismatch cast"),
    ('names="path"', "--names path"),
    ("pass names=", "rename the file"),
)
"""Advice in messages is Python's: these are the options that a command has for it."""


def in_options(message: str, dataset_id: str = "ID") -> str:
    """A message with the options of the command in the place of Python's arguments."""
    for argument, option in _OPTIONS:
        # Not in a path: folders are called `concurrency=1`, too.
        message = re.sub(rf"(?<![\w/]){re.escape(argument)}(?![\w/])", option, message)
    for words in ("this dataset id", "this dataset_id"):
        message = message.replace(words, f"--dataset {dataset_id}")
    return message
