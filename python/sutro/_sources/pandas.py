"""What is known of frames of pandas, which is not imported."""

from __future__ import annotations

import warnings

from sutro.errors import SutroWarning


def without_index(frame: object, *, warn: bool = True) -> object:
    """Drop the index of a pandas frame: some versions of pandas make it a column.

    There is a warning where the index holds more than row numbers.
    """
    index = getattr(frame, "index", None)
    if not type(frame).__module__.startswith("pandas") or not hasattr(frame, "reset_index"):
        return frame
    names = [str(name) for name in getattr(index, "names", ()) if name is not None]
    is_plain_range = type(index).__name__ == "RangeIndex" and (
        getattr(index, "start", None) == 0 and getattr(index, "step", None) == 1
    )
    if is_plain_range and not names:
        return frame
    if warn:
        what = f"index {', '.join(names)}" if names else "index"
        warnings.warn(
            f"the {what} of a pandas frame is not uploaded; reset_index() makes it a column, "
            f"reset_index(drop=True) drops it without this warning",
            SutroWarning,
            stacklevel=2,
        )
    dropped: object = frame.reset_index(drop=True)
    return dropped
