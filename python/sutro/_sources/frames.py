"""Frames, as they become files."""

from __future__ import annotations

import typing
from dataclasses import dataclass

from sutro import _core
from sutro._sources import pandas, polars
from sutro._sources.binary import copied
from sutro._sources.items import Items, MadeFile, is_frame, not_a_source
from sutro.errors import ConfigurationError, FrameError
from sutro.sources import ArrowStream, Frame

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_STEP_SECONDS = 0.1
"""How long the work on a file may keep Ctrl-C and the progress bar waiting."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames, each with its name in the dataset or None to number it."""

    items: Items
    file_count: int | None
    """Where it is known."""
    rows_per_file: int | None
    schema: _core.FrameSchema | None
    """Of all of them, where it is known."""

    def files(self) -> Iterator[MadeFile | None]:
        """Make the files; None means that one is still at work."""
        for position, (name, frame) in enumerate(self.items):
            label = _label(name, position)
            if isinstance(_frame(frame, label), ArrowStream):
                yield from self._encoded(name, frame, label)
            else:
                yield from copied(name, frame, label)

    def _encoded(self, name: str | None, frame: object, label: str) -> Iterator[MadeFile | None]:
        encoder = _core.FrameEncoder(pandas.without_index(frame), label, self.rows_per_file)
        while not encoder.is_exhausted:
            file = encoder.encode(_STEP_SECONDS)
            yield None if file is None else (name, file)


def frames_of(
    items: Items,
    count: int | None,
    names: Sequence[str] | None,
    rows_per_file: int | None,
    *,
    cast: bool,
    check: bool,
) -> Frames:
    if rows_per_file is not None and rows_per_file < 1:
        message = f"rows_per_file must be at least 1, not {rows_per_file}"
        raise ConfigurationError(message)
    if names is not None and count is not None and len(names) != count:
        message = f"names has {len(names)} entries for {count} frames"
        raise ConfigurationError(message)
    items = _named(items, names)
    schema = None
    if count is not None:
        known = [
            (name, _frame(frame, _label(name, position)))
            for position, (name, frame) in enumerate(items)
        ]
        schema = _common_schema(known, cast=cast) if check else None
        items = iter(known)
    if rows_per_file is not None:
        items, count = _numbered(items), None
    return Frames(items, count, rows_per_file, schema)


def _named(items: Items, names: Sequence[str] | None) -> Items:
    if names is None:
        yield from items
        return
    left = iter(names)
    for _, item in items:
        name = next(left, None)
        if name is None:
            message = f"there are more frames than the {len(names)} names"
            raise ConfigurationError(message)
        yield name, item


def _numbered(items: Items) -> Items:
    for name, item in items:
        if name is not None:
            message = "rows_per_file numbers the files that it makes; give no names"
            raise ConfigurationError(message)
        if not isinstance(item, ArrowStream):
            message = "rows_per_file cuts frames; files are uploaded as they are"
            raise ConfigurationError(message)
        yield None, item


def _common_schema(
    frames: list[tuple[str | None, Frame]], *, cast: bool
) -> _core.FrameSchema | None:
    """Compare them before any of them is sent. One alone is looked at when it is encoded."""
    streams = [
        (_label(name, position), pandas.without_index(frame, warn=False))
        for position, (name, frame) in enumerate(frames)
        if isinstance(frame, ArrowStream)
    ]
    return _core.check_frames(streams, cast) if len(streams) > 1 else None


def _label(name: str | None, position: int) -> str:
    """What a frame is called in messages."""
    return name or f"frame {position}"


def _frame(item: object, label: str) -> Frame:
    if not is_frame(item):
        raise TypeError(not_a_source(item, "a frame"))
    if hasattr(item, "to_frame"):
        kind = f"{type(item).__module__.partition('.')[0]} {type(item).__qualname__}"
        message = f"expected a frame, not a {kind}: call to_frame() first"
        raise TypeError(message)
    if type(item).__module__.startswith("polars"):
        schema: Mapping[str, object] = getattr(item, "schema", {})
        for name, dtype in schema.items():
            if trouble := polars.trouble_of(name, dtype):
                message = f"{label}: column {name!r} {trouble}"
                raise FrameError(message, frame=label)
    return typing.cast("Frame", item)
