"""Passes log records of the core to Python's `logging` (loggers `sutro.*`).

The threads of the core queue records; the thread that waits for a job passes them on. The package
installs a handler only if `SUTRO_LOG` names a level: then records go to stderr. `sutro serve`
always prints warnings and errors. A record has the attributes `event`, the message without its
fields, and `fields`, a dict.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from sutro import _core

if TYPE_CHECKING:
    import logging

# `logging` may not be imported.
_INFO = 20
_NOTHING = 100
"""A level above that of every record."""

_is_set_up = False


def prepare(level: str = "") -> None:
    """Import what `forward` needs now: later, all file handles may be in use.

    Args:
        level: The lowest level of records that go to stderr, if `SUTRO_LOG` is not set.
    """
    if not _is_imported() and not level and not os.environ.get("SUTRO_LOG"):
        return
    import logging  # noqa: PLC0415 - keeps `import sutro` light

    _set_up(logging.getLogger("sutro"), level)


def listen() -> None:
    """Let the core queue only records that a logger passes on."""
    _core.queue_log_records(max(0, min(_lowest_level(), _NOTHING)))


def forward() -> None:
    """Pass the records since the last call to `logging`."""
    listen()
    records = _core.take_log_records()
    if not records or not _is_imported():
        return
    import logging  # noqa: PLC0415 - keeps `import sutro` light

    _set_up(logging.getLogger("sutro"))
    loggers = {name: logging.getLogger(name) for name in {name for _, name, _, _ in records}}
    for level, name, event, fields in records:
        if loggers[name].isEnabledFor(level):
            words = "".join(f" {field}={value}" for field, value in fields.items())
            extra = {"event": event, "fields": fields}
            loggers[name].log(level, "%s%s", event, words, extra=extra)


def are_wanted() -> bool:
    """Return whether any handler wants more than warnings."""
    return _lowest_level() <= _INFO


def _is_imported() -> bool:
    """Return whether a program has imported `logging`; otherwise nobody can want records."""
    return "logging" in sys.modules


def _lowest_level() -> int:
    """Return the lowest level that a logger of the package passes on."""
    if not _is_imported():
        return _NOTHING
    import logging  # noqa: PLC0415 - keeps `import sutro` light

    manager = logging.getLogger("sutro").manager
    loggers = [
        logger
        for name, logger in list(manager.loggerDict.items())
        if name.partition(".")[0] == "sutro" and isinstance(logger, logging.Logger)
    ]
    return max(min(logger.getEffectiveLevel() for logger in loggers), manager.disable + 1)


def _set_up(logger: logging.Logger, default_level: str = "") -> None:
    global _is_set_up  # noqa: PLW0603 - once for each process
    if _is_set_up:
        return
    _is_set_up = True
    import logging  # noqa: PLC0415 - keeps `import sutro` light

    # Otherwise, Python would print warnings without a handler to stderr.
    logger.addHandler(logging.NullHandler())
    name = os.environ.get("SUTRO_LOG", "") or default_level
    level = logging.getLevelNamesMapping().get(name.upper())
    if level is not None:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(level)
