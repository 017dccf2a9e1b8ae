"""Frames, as they become files."""

from __future__ import annotations

import typing
import warnings
from dataclasses import dataclass, field

from sutro import _core
from sutro._run import stopping
from sutro._sources import foreign, once, pandas, polars
from sutro._sources.binary import copied
from sutro._sources.classes import is_wrapper
from sutro._sources.foreign import Stream
from sutro._sources.items import Items, MadeFile, is_frame, not_a_source
from sutro._sources.unknown import way_of_bytes, way_of_file
from sutro._sources.words import in_words, library_of
from sutro.errors import FrameError, SutroWarning
from sutro.sources import ArrowStream, Frame

if typing.TYPE_CHECKING:
    from collections.abc import Generator, Sequence

_MOST_NAMES = 5
"""Frames that a note names one by one."""

STEP_SECONDS = 0.1
"""How long the work on a file may keep Ctrl-C and the progress bar waiting."""


@dataclass(frozen=True, slots=True)
class Made:
    """The files of a frame that were made before the upload begins."""

    files: list[MadeFile]
    rows_per_file: int | None
    is_empty: bool
    """Whether they have no rows."""

    def named(self, name: str | None) -> list[MadeFile]:
        """The files with another name in the dataset."""
        return [(name or own, file) for own, file in self.files]


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames, each with its name in the dataset or None to number it."""

    items: Items
    file_count: int | None
    """Where it is known."""
    rows_per_file: int | None
    schema: _core.FrameSchema | None = None
    """The schema of all frames, if it is known."""
    outlines: Sequence[_core.FrameOutline] = ()
    """What is known about the frames of a list before they are read."""

    note: str | None = None
    """Return the notes about the source, for the report."""
    empty: list[str] = field(default_factory=list)
    """The frames that turned out to have no rows."""
    made: dict[int, Made] = field(default_factory=dict)
    """Files that were made already, by the places of their frames."""
    opened: dict[int, _core.OpenStream] = field(default_factory=dict)
    """Streams that were opened already, by the places of their frames."""

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
            label = label_of(name, position)
            made = self.made.pop(position, None)
            if made is None:
                opened = self.opened.pop(position, None)
                is_empty = yield from made_of(name, frame, label, self.rows_per_file, opened)
            else:
                # From here on the upload has them.
                once.forget_made(frame)
                is_empty = made.is_empty
                yield from made.named(name)
            if is_empty:
                self.empty.append(label)


def made_of(
    name: str | None,
    frame: object,
    label: str,
    rows_per_file: int | None,
    opened: _core.OpenStream | None = None,
) -> Generator[MadeFile | None, None, bool]:
    """Make the files of a frame; None means that one is still at work.

    Returns:
        Whether it has no rows.

    Raises:
        FrameError: It cannot be encoded, or can be read once only and was.
    """
    if not isinstance(checked(frame, label), ArrowStream):
        yield from copied(name, frame, label)
        return False
    once.refuse_used(frame, label)
    with in_words(frame, label):
        encoder = encoder_of(frame, label, rows_per_file, opened)
    # A frame whose types are refused is not read: it can be cast, and passed again.
    once.use(frame, label)
    is_empty = False
    try:
        for note in encoder.notes:
            warnings.warn(f"{label}: {note}", SutroWarning, stacklevel=2)
        foreign.warn_of_rows(frame)
        pandas.warn_of_index(encoder.index_columns, is_dropped=is_wrapper(frame))
        while not encoder.is_exhausted:
            with in_words(frame, label):
                file = encoder.encode(STEP_SECONDS)
            if file is not None and not encoder.row_count:
                if encoder.row_count is None and once.is_one_shot(frame):
                    raise once.nothing_left(frame, label)
                once.refuse_spent(frame, label)
                is_empty = True
            elif file is not None:
                once.note_rows(frame)
            yield None if file is None else (name, file)
    finally:
        # Whoever keeps an exception keeps this, but not what the frame's library holds.
        encoder.close()
    return is_empty


def make(
    frame: object,
    label: str,
    rows_per_file: int | None,
    opened: _core.OpenStream | None,
) -> Made:
    """Make the files of a frame at once.

    Raises:
        FrameError: It cannot be encoded, or can be read once only and was.
        Stopped: Nobody waits for them any more.
    """
    files: list[MadeFile] = []
    making = made_of(None, frame, label, rows_per_file, opened)
    try:
        while True:
            stopping.check()
            try:
                file = next(making)
            except StopIteration as end:
                return Made(files, rows_per_file, is_empty=end.value)
            if file is not None:
                files.append(file)
    finally:
        making.close()


def encoder_of(
    frame: object,
    label: str,
    rows_per_file: int | None,
    opened: _core.OpenStream | None = None,
    *,
    warn: bool = True,
) -> _core.FrameEncoder:
    """Begin to encode a frame as the files of its library are."""
    source = opened or pandas.without_index(frame, warn=warn)
    return _core.FrameEncoder(
        source, label, rows_per_file, decimals_as_bytes(frame), is_wrapper(frame)
    )


def head_of(frame: object) -> object:
    """Return an object with the columns of a frame, if the frame itself would compute its rows."""
    return frame.head() if isinstance(frame, Stream) and frame.head is not None else frame


def decimals_as_bytes(frame: object) -> bool:
    """Tell whether the library of a frame writes decimals as bytes into its own files."""
    return library_of(frame) in {"pandas", "pyarrow", "datasets"}


def label_of(name: str | None, position: int) -> str:
    """Return the name of a frame in messages."""
    return name or f"frame {position}"


def checked(item: object, label: str) -> Frame:
    """Refuse what is no frame, or one whose stream cannot be used.

    Raises:
        TypeError: It is no frame.
        FrameError: A column of it has a type that its library cannot hand over.
    """
    if not is_frame(item):
        raise TypeError(not_a_source(item, "a frame"))
    if isinstance(item, bytes | bytearray | memoryview):
        way = way_of_bytes(item)
        if way is not None:
            raise TypeError(way)
    elif (way := way_of_file(item)) is not None:
        message = f"{label}: {way}"
        raise FrameError(message, frame=label)
    trouble = polars.trouble_in(head_of(item))
    if trouble is not None:
        column, words = trouble
        message = f"{label}: column {column!r} {words}"
        raise FrameError(message, frame=label, column=column)
    return typing.cast("Frame", item)
