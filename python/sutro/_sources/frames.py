"""Frames, as they become files."""

from __future__ import annotations

import typing
import warnings
from dataclasses import dataclass, field

from sutro import _core
from sutro._reports import text
from sutro._sources import once, pandas, polars
from sutro._sources.binary import copied
from sutro._sources.foreign import Stream
from sutro._sources.items import Items, MadeFile, is_frame, not_a_source
from sutro._sources.words import in_words, library_of
from sutro.errors import ConfigurationError, FrameError, SutroWarning
from sutro.sources import ArrowStream, Frame

if typing.TYPE_CHECKING:
    from collections.abc import Generator, Sequence

_MOST_NAMES = 5
"""Frames that a note names one by one."""

_LOOK_ROWS = 10_000
"""Rows that are looked at together where the types of frames differ."""

_STEP_SECONDS = 0.1
"""How long the work on a file may keep Ctrl-C and the progress bar waiting."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames, each with its name in the dataset or None to number it."""

    items: Items
    file_count: int | None
    """Where it is known."""
    rows_per_file: int | None
    outlines: Sequence[_core.FrameOutline]
    """What is known of those of a list before they are read."""

    note: str | None = None
    """What the report has to say of the source."""
    empty: list[str] = field(default_factory=list)
    """The frames that turned out to have no rows."""

    def notes(self) -> tuple[str, ...]:
        """Say what a report has to tell of the source and of its frames."""
        notes = [] if self.note is None else [self.note]
        if self.empty:
            has = "has" if len(self.empty) == 1 else "have"
            more = f" and {len(self.empty) - _MOST_NAMES:,} more" * (len(self.empty) > _MOST_NAMES)
            notes.append(f"{', '.join(self.empty[:_MOST_NAMES])}{more} {has} no rows")
        return tuple(notes)

    def files(self) -> Generator[MadeFile | None]:
        """Make the files; None means that one is still at work.

        Raises:
            FrameError: A frame cannot be encoded, or can be read once only and was.
        """
        for position, (name, frame) in enumerate(self.items):
            label = _label(name, position)
            if isinstance(_frame(frame, label), ArrowStream):
                yield from self._encoded(name, frame, label)
            else:
                yield from copied(name, frame, label)

    def _encoded(self, name: str | None, frame: object, label: str) -> Generator[MadeFile | None]:
        once.refuse_used(frame, label)
        with in_words(frame, label):
            encoder = _core.FrameEncoder(
                pandas.without_index(frame), label, self.rows_per_file, _decimals_as_bytes(frame)
            )
        # A frame whose types are refused is not read: it can be cast, and passed again.
        once.use(frame, label)
        try:
            for note in encoder.notes:
                warnings.warn(f"{label}: {note}", SutroWarning, stacklevel=2)
            while not encoder.is_exhausted:
                with in_words(frame, label):
                    file = encoder.encode(_STEP_SECONDS)
                if file is not None and not encoder.row_count:
                    if encoder.row_count is None and once.is_one_shot(frame):
                        raise once.nothing_left(frame, label)
                    once.refuse_spent(frame, label)
                    self.empty.append(label)
                elif file is not None:
                    once.note_rows(frame)
                yield None if file is None else (name, file)
        finally:
            # Whoever keeps an exception keeps this, but not what the frame's library holds.
            encoder.close()


def frames_of(
    items: Items,
    count: int | None,
    names: Sequence[str] | None,
    rows_per_file: int | None,
) -> Frames:
    if names is not None and count is not None and len(names) != count:
        entries = "1 entry" if len(names) == 1 else f"{len(names):,} entries"
        message = f"names has {entries} for {text.counted(count, 'frame')}"
        raise ConfigurationError(message)
    items = _named(items, names)
    outlines: list[_core.FrameOutline] = []
    if count is not None:
        known = [
            (name, _frame(frame, _label(name, position)))
            for position, (name, frame) in enumerate(items)
        ]
        _check_each_once(known)
        outlines = _outlines(known)
        items = iter(known)
    if rows_per_file is not None:
        items, count = _numbered(items), None
    return Frames(items, count, rows_per_file, outlines)


def _named(items: Items, names: Sequence[str] | None) -> Items:
    if names is None:
        yield from items
        return
    left = iter(names)
    for _, item in items:
        name = next(left, None)
        if name is None:
            message = f"there are more frames than names, which has {len(names)}"
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


def _outlines(frames: list[tuple[str | None, Frame]]) -> list[_core.FrameOutline]:
    """Learn what their files will be, to compare them before any of them is sent.

    One alone is looked at when it is encoded.
    """
    if len(frames) < 2:  # noqa: PLR2004 - a pair is compared
        return []
    streams: list[tuple[str, ArrowStream]] = []
    outlines = []
    for position, (name, frame) in enumerate(frames):
        label = _label(name, position)
        if isinstance(frame, ArrowStream):
            with in_words(frame, label):
                outline = _core.FrameOutline(_with_schema(frame), label, _decimals_as_bytes(frame))
            streams.append((label, frame))
            outlines.append(outline)
    differing = _core.differing_leaves(outlines)
    for place, (label, frame) in enumerate(streams):
        if differing[place] and not once.is_one_shot(frame):
            outlines[place] = _looked_at(frame, label, outlines[place], differing[place])
    return outlines


def _looked_at(
    frame: ArrowStream, label: str, outline: _core.FrameOutline, leaves: list[int]
) -> _core.FrameOutline:
    """Look which of these columns have no value: then their types say nothing.

    The first rows are enough where they have values. They are encoded, so that what counts
    as a value is the same for frames as for files.
    """
    with in_words(frame, label):
        encoder = _core.FrameEncoder(
            pandas.without_index(frame, warn=False), label, _LOOK_ROWS, _decimals_as_bytes(frame)
        )
    try:
        without_values = set(leaves)
        while without_values and not encoder.is_exhausted:
            with in_words(frame, label):
                file = encoder.encode(_STEP_SECONDS)
            if file is not None:
                without_values.intersection_update(file.leaves_without_values())
        return outline.with_values(encoder.row_count or 0, leaves, sorted(without_values))
    finally:
        encoder.close()


def _head(frame: object) -> object:
    """Give what has the columns of a frame, where the frame would have to make its rows."""
    return frame.head() if isinstance(frame, Stream) and frame.head is not None else frame


def _with_schema(frame: ArrowStream) -> object:
    """Give an object that has a frame's schema, without a look at its rows where it can be."""
    head = _head(frame)
    schema = getattr(head, "schema", head)
    if hasattr(schema, "__arrow_c_schema__"):
        return schema
    return pandas.without_index(head, warn=False)


def _decimals_as_bytes(frame: object) -> bool:
    """Tell whether the library of a frame writes decimals as bytes into its own files."""
    return library_of(frame) in {"pandas", "pyarrow", "datasets"}


def _check_each_once(frames: list[tuple[str | None, Frame]]) -> None:
    """Refuse streams that were read, or that stand twice in a list, before any is touched."""
    seen: dict[int, str] = {}
    for position, (name, frame) in enumerate(frames):
        label = _label(name, position)
        if once.is_one_shot(frame):
            once.refuse_used(frame, label)
            if id(frame) in seen:
                message = f"{label} is the stream {seen[id(frame)]}, which can be read once only"
                raise FrameError(message, frame=label)
            seen[id(frame)] = label


def _label(name: str | None, position: int) -> str:
    """What a frame is called in messages."""
    return name or f"frame {position}"


def _frame(item: object, label: str) -> Frame:
    if not is_frame(item):
        raise TypeError(not_a_source(item, "a frame"))
    trouble = polars.trouble_in(_head(item))
    if trouble is not None:
        column, words = trouble
        message = f"{label}: column {column!r} {words}"
        raise FrameError(message, frame=label, column=column)
    return typing.cast("Frame", item)
