"""Makes public classes and functions members of `sutro`, wherever they are defined.

Pickles, tracebacks and `repr` then show that name, so modules can move.
"""

from __future__ import annotations

from typing import TypeVar

_T = TypeVar("_T")


def public(thing: _T) -> _T:
    """Make a class or function a member of `sutro`, which has to export it."""
    thing.__module__ = "sutro"
    return thing
