"""Stops work in another thread when its caller no longer waits.

A thread cannot be cancelled. It has a copy of the context of the task that started it. Long work
checks this context between its steps.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_event: ContextVar[threading.Event | None] = ContextVar("event", default=None)
"""Set when the work of this context must end; None if nothing ends it."""


class Stopped(Exception):  # noqa: N818 - it is a state, not an error
    """The caller no longer waits for the result."""


@contextmanager
def on(*errors: type[BaseException]) -> Iterator[None]:
    """If this block ends with one of these errors, stop the work that was started in it."""
    stop = threading.Event()
    before = _event.set(stop)
    try:
        yield
    except errors:
        stop.set()
        raise
    finally:
        _event.reset(before)


def check() -> None:
    """End the work of this context if its caller no longer waits.

    Raises:
        Stopped: The caller no longer waits.
    """
    stop = _event.get()
    if stop is not None and stop.is_set():
        raise Stopped
