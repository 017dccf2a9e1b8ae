"""Makes a fork wait while another thread holds a lock that would hang the child.

A forked child never gets back a lock that another thread of its parent holds. Python, tqdm and the
core have such locks: for imports, for drawing, and for objects that a process creates once. They
are only taken while a lock of this module is held, and a fork waits for both of these.
"""

from __future__ import annotations

import os
import threading

moment = threading.RLock()
"""Held to import, to start a job (which may create the runtime), and to take its result (which
imports the classes that it builds). Encoders and readers share nothing, and need no lock."""

drawing = threading.RLock()
"""Held to draw on the terminal or notebook that several threads share; this may be slow."""


def _take() -> None:
    drawing.acquire()
    moment.acquire()


def _give_back() -> None:
    for lock in (moment, drawing):
        try:
            lock.release()
        except RuntimeError:
            # A fork that began before this import holds no locks.
            continue


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_take, after_in_parent=_give_back, after_in_child=_give_back)
