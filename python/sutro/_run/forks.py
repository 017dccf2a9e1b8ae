"""Keeps `fork` out of moments that would last for ever in the child.

A lock that another thread holds during a fork is never given back in the child. Python, tqdm
and the bindings have such locks: for an import, to draw, for what is set up once in a process.
They are taken under the locks of this module only, for which a fork waits.
"""

from __future__ import annotations

import os
import threading

moment = threading.RLock()
"""For an import, to start a call of the core, and to make Python objects of what it gives."""

drawing = threading.RLock()
"""For the one terminal or notebook that bars of several threads share; it may be slow."""


def _take() -> None:
    drawing.acquire()
    moment.acquire()


def _give_back() -> None:
    for lock in (moment, drawing):
        try:
            lock.release()
        except RuntimeError:
            # A fork that had begun when this was imported has not taken them.
            continue


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_take, after_in_parent=_give_back, after_in_child=_give_back)
