"""Warnings that point to the caller's own code."""

from __future__ import annotations

import sys
import warnings

from sutro.errors import SutroWarning


def warn(message: str) -> None:
    """Warn at the line outside of this package that led here, however deep that is."""
    level = 1
    frame = sys._getframe(1)  # noqa: SLF001 - `warnings` counts the same frames
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__")):
        frame = frame.f_back
        level += 1
    warnings.warn(message, SutroWarning, stacklevel=level + 1)


def _is_ours(module: object) -> bool:
    return isinstance(module, str) and module.partition(".")[0] == "sutro"
