"""Sources that can be read once: readers, generators, open connections.

What was read is remembered for as long as the object lives, so that a second use is an error
and not an upload of nothing.
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
"""Sources that are held because they cannot be referenced weakly."""

_OWN_CURSOR = ("__next__", "read_next_batch", "read_next")


def is_one_shot(source: object) -> bool:
    """Tell whether an object has a position that only moves forwards."""
    if hasattr(source, "seekable"):
        return not getattr(source, "closed", False) and not source.seekable()
    return any(hasattr(source, name) for name in _OWN_CURSOR)


def use(source: object, label: str) -> None:
    """Note that a source is read from now on.

    Raises:
        FrameError: It was read before.
    """
    if not is_one_shot(source):
        return
    refuse_used(source, label)
    reference = _reference(source, _used)
    if reference is not None:
        _used[id(source)] = reference


def refuse_used(source: object, label: str) -> None:
    """Refuse a source that was read before.

    Raises:
        FrameError: It was.
    """
    if id(source) in _used:
        message = (
            f"{label}: this {_kind(source)} was read before, by an upload or a check, and can be "
            f"read once only; make it again"
        )
        raise FrameError(message, frame=label)


def keep_made(source: object, made: object) -> None:
    """Keep what was made of a stream for the next call, in case that this one fails."""
    if is_one_shot(source):
        _keep(source, made, _made)


def kept(source: object) -> Any:
    """Give what was made of a stream by a call that failed."""
    return _made[id(source)][1] if id(source) in _made else None


def forget_made(source: object) -> None:
    """Forget what was made of a stream."""
    _made.pop(id(source), None)


def note_rows(source: object) -> None:
    """Note that a frame of a class that nobody knows has given rows: it may have no more."""
    reference = None if is_of_known_library(source) else _reference(source, _gave_rows)
    if reference is not None:
        _gave_rows[id(source)] = reference


def refuse_spent(source: object, label: str) -> None:
    """Refuse a frame that gives no row now, and did before: it wraps a stream.

    Raises:
        FrameError: It is one.
    """
    if id(source) in _gave_rows:
        message = (
            f"{label}: this {_kind(source)} gave rows before, to an upload or a check, and gives "
            f"none now: it can be read once only; make it again"
        )
        raise FrameError(message, frame=label)


def nothing_left(source: object, label: str) -> FrameError:
    """Make the error for a source that gave nothing at its first use here."""
    kind = _kind(source)
    message = (
        f"{label}: this {kind} gave nothing: it was read before, or is empty. A {kind} can be read "
        f"once only; make it again. To upload a table without rows, pass a table"
    )
    return FrameError(message, frame=label)


def peeked(source: Iterator[object]) -> Iterator[object]:
    """Iterate over a source, whose first item is kept for the next call if this one fails.

    Raises:
        FrameError: The source was iterated over before.
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
    """The items behind the first; asking for them uses the source up."""
    _peeked.pop(id(source), None)
    use(source, "the source")
    yield from source


def _keep(source: object, kept: object, memory: dict[int, tuple[object, Any]]) -> None:
    """Keep something for a source as long as it lives.

    Some classes, as the iterators of lists, cannot be referenced weakly: a few of these live on.
    """
    memory[id(source)] = (_reference(source, memory) or source, kept)
    living = [key for key, (held, _) in memory.items() if not isinstance(held, weakref.ref)]
    for key in living[:-_MOST_LIVING]:
        del memory[key]


def _reference(source: object, memory: dict[int, Any]) -> weakref.ref[object] | None:
    """A reference that clears the memory of its object; None for objects that have none."""
    key = id(source)
    try:
        return weakref.ref(source, lambda _: memory.pop(key, None))
    except TypeError:
        return None


def _kind(source: object) -> str:
    return type(source).__name__.lstrip("_")
