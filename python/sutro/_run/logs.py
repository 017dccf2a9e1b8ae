"""Log records of the core, passed on to Python's `logging` (loggers `sutro.*`).

The core's threads only queue them; the thread that waits for a job takes them out. The
package installs no handler, unless `SUTRO_LOG` names a level: then they go to stderr. The
command `sutro serve` prints warnings and errors anyway.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sutro import _core

if TYPE_CHECKING:
    import logging

_is_set_up = False


def prepare(level: str = "") -> None:
    """Import what `forward` needs while files can be opened: all handles may be used up later.

    Args:
        level: From which level on records go to stderr where `SUTRO_LOG` does not say it.
    """
    import logging  # noqa: PLC0415 - keeps `import sutro` light

    _set_up(logging.getLogger("sutro"), level)


def forward() -> None:
    """Hand the records that have come since the last call to `logging`."""
    records = _core.take_log_records()
    if not records:
        return
    import logging  # noqa: PLC0415 - keeps `import sutro` light

    _set_up(logging.getLogger("sutro"))
    for level, name, message in records:
        logging.getLogger(name).log(level, "%s", message)


def are_wanted() -> bool:
    """Whether anybody listens to more than warnings."""
    import logging  # noqa: PLC0415 - keeps `import sutro` light

    return logging.getLogger("sutro").isEnabledFor(logging.INFO)


def _set_up(logger: logging.Logger, default_level: str = "") -> None:
    global _is_set_up  # noqa: PLW0603 - once for each process
    if _is_set_up:
        return
    _is_set_up = True
    import logging  # noqa: PLC0415 - keeps `import sutro` light

    # Without one, Python would print warnings of a program that has not asked for logs.
    logger.addHandler(logging.NullHandler())
    name = os.environ.get("SUTRO_LOG", "") or default_level
    level = logging.getLevelNamesMapping().get(name.upper())
    if level is not None:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(level)
