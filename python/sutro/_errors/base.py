"""Base classes, warnings and bugs."""

from __future__ import annotations

from sutro._public import public
from sutro._reports import text, tracebacks


@public
class SutroError(Exception):
    """Base class of all errors of this package.

    A notebook shows at most 20 lines of an error. To see all of it, run
    `import sys, traceback; traceback.print_exception(sys.last_value)`.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(text.bounded(message))

    def __init_subclass__(cls) -> None:
        if cls.__module__.startswith("sutro._errors."):
            public(cls)

    def _render_traceback_(self) -> list[str]:
        """Show this in IPython instead of a traceback through this package."""
        return tracebacks.short(self)


class InternalError(SutroError):
    """A bug in this package. Please report it."""


@public
class SutroWarning(UserWarning):
    """Something was left out of an upload, or chosen for you."""

    def __init__(self, message: str = "") -> None:
        super().__init__(text.bounded(message))
