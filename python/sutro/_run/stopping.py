"""Ends work in another thread when nobody waits for it any more.

A thread cannot be cancelled. It has a copy of the context of the task that started it, and work
that takes long looks there between its steps.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_event: ContextVar[threading.Event | None] = ContextVar("event", default=None)
"""Set when the work of this context is to end; None if nothing ends it."""


class Stopped(Exception):  # noqa: N818 - it is a state, not an error
    """Nobody waits for the result any more."""


@contextmanager
def on(*errors: type[BaseException]) -> Iterator[None]:
    """End what is started in this block when the block ends with one of these errors."""
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
    """End the work of this context if nobody waits for it.

    Raises:
        Stopped: Nobody does.
    """
    stop = _event.get()
    if stop is not None and stop.is_set():
        raise Stopped
