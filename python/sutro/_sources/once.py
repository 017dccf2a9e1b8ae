"""Sources that can be read only once: readers, generators, open connections.

Sources that were read are remembered as long as the object exists. So a second use is an error,
not an upload without rows.
"""

from __future__ import annotations

import weakref
from itertools import chain
from typing import TYPE_CHECKING, Any

from sutro._sources.classes import is_of_known_library
from sutro.errors import FrameError

if TYPE_CHECKING:
    from collections.abc import Iterator

_used: dict[int, weakref.ref[object]] = {}
_peeked: dict[int, tuple[object, Any]] = {}
_made: dict[int, tuple[object, Any]] = {}
_gave_rows: dict[int, weakref.ref[object]] = {}

_MOST_LIVING = 8
"""Maximum number of sources that are kept alive because they cannot be referenced weakly."""

_OWN_CURSOR = ("__next__", "read_next_batch", "read_next")


def is_one_shot(source: object) -> bool:
    """Return whether an object has a position that only moves forward."""
    if hasattr(source, "seekable"):
        return not getattr(source, "closed", False) and not source.seekable()
    return any(hasattr(source, name) for name in _OWN_CURSOR)


def use(source: object, label: str) -> None:
    """Remember that a source is read from now on.

    Raises:
        FrameError: It was already read.
    """
    if not is_one_shot(source):
        return
    refuse_used(source, label)
    reference = _reference(source, _used)
    if reference is not None:
        _used[id(source)] = reference


def refuse_used(source: object, label: str) -> None:
    """Reject a source that was already read.

    Raises:
        FrameError: It was already read.
    """
    if id(source) in _used:
        message = (
            f"{label}: this {_kind(source)} was already read by an upload or a check, and can be "
            f"read only once; create it again"
        )
        raise FrameError(message, frame=label)


def keep_made(source: object, made: object) -> None:
    """Keep the files of a stream for the next call, in case this one fails."""
    if is_one_shot(source):
        _keep(source, made, _made)


def kept(source: object) -> Any:
    """Return the files of a stream from a call that failed."""
    return _made[id(source)][1] if id(source) in _made else None


def forget_made(source: object) -> None:
    """Forget the files of a stream."""
    _made.pop(id(source), None)


def note_rows(source: object) -> None:
    """Remember that a frame of an unknown class has yielded rows: it may have no more."""
    reference = None if is_of_known_library(source) else _reference(source, _gave_rows)
    if reference is not None:
        _gave_rows[id(source)] = reference


def refuse_spent(source: object, label: str) -> None:
    """Reject a frame that yields no rows now, but did before: it wraps a stream.

    Raises:
        FrameError: It is such a frame.
    """
    if id(source) in _gave_rows:
        message = (
            f"{label}: this {_kind(source)} yielded rows to an earlier upload or check, and yields "
            f"none now: it can be read only once; create it again"
        )
        raise FrameError(message, frame=label)


def nothing_left(source: object, label: str) -> FrameError:
    """Return the error for a source that yields nothing at its first use here."""
    kind = _kind(source)
    message = (
        f"{label}: this {kind} yields nothing: it was already read, or is empty. A {kind} can be "
        f"read only once; create it again. To upload a table without rows, pass a table"
    )
    return FrameError(message, frame=label)


def peeked(source: Iterator[object]) -> Iterator[object]:
    """Iterate over a source. Its first item is kept for the next call if this one fails.

    Raises:
        FrameError: The source was already iterated over.
    """
    refuse_used(source, "the source")
    if id(source) in _peeked:
        first = _peeked[id(source)][1]
    else:
        try:
            first = next(source)
        except StopIteration:
            return iter(())
        _keep(source, first, _peeked)
    return chain([first], _rest(source))


def _rest(source: Iterator[object]) -> Iterator[object]:
    """Yield the items after the first. Requesting one consumes the source."""
    _peeked.pop(id(source), None)
    use(source, "the source")
    yield from source


def _keep(source: object, kept: object, memory: dict[int, tuple[object, Any]]) -> None:
    """Keep something for a source as long as the source exists.

    Some classes, such as list iterators, cannot be referenced weakly: a few are kept alive.
    """
    memory[id(source)] = (_reference(source, memory) or source, kept)
    living = [key for key, (held, _) in memory.items() if not isinstance(held, weakref.ref)]
    for key in living[:-_MOST_LIVING]:
        del memory[key]


def _reference(source: object, memory: dict[int, Any]) -> weakref.ref[object] | None:
    """Return a reference that removes the entry with its object; None if that is impossible."""
    key = id(source)
    try:
        return weakref.ref(source, lambda _: memory.pop(key, None))
    except TypeError:
        return None


def _kind(source: object) -> str:
    return type(source).__name__.lstrip("_")
