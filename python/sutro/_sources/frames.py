"""Encodes frames to files."""

from __future__ import annotations

import typing
import warnings
from dataclasses import dataclass, field
from itertools import islice

from sutro import _core
from sutro._reports import text
from sutro._run import stopping
from sutro._sources import foreign, once, pandas, polars
from sutro._sources.binary import copied
from sutro._sources.classes import is_wrapper
from sutro._sources.foreign import Stream
from sutro._sources.items import Items, MadeFile, is_frame, not_a_source
from sutro._sources.limits import NO_LIMITS, FileLimits
from sutro._sources.unknown import advice_for_bytes, advice_for_file
from sutro._sources.words import in_words, library_of
from sutro.errors import FrameError, SutroWarning
from sutro.sources import ArrowStream, Frame

if typing.TYPE_CHECKING:
    from collections.abc import Generator, Sequence

_MOST_NAMES = 5
"""A note names at most this many frames."""

STEP_SECONDS = 0.1
"""Maximum time between two checks for Ctrl-C while a file is encoded."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a frame when its last file was created."""

    is_empty: bool = False
    """It has no rows."""
    oversized_files: int = 0
    """Number of its files that are larger than their limit."""


@dataclass(frozen=True, slots=True)
class Made:
    """The files of a frame that were created before the upload begins."""

    files: list[MadeFile]
    limits: FileLimits
    facts: Facts

    def named(self, name: str | None) -> list[MadeFile]:
        """Return the files under another name in the dataset."""
        return [(name or own, file) for own, file in self.files]


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames, each with its name in the dataset, or None to generate one."""

    items: Items
    file_count: int | None
    """The number of files, if known."""
    limits: FileLimits = NO_LIMITS
    schema: _core.FrameSchema | None = None
    """The schema of all frames, if it is known."""
    outlines: Sequence[_core.FrameOutline] = ()
    """What is known about the frames of a list before they are read."""

    note: str | None = None
    """A note about the source, for the report."""
    empty: list[str] = field(default_factory=list)
    """The frames that turned out to have no rows."""
    oversized: dict[str, int] = field(default_factory=dict)
    """The number of files that are larger than their limit, by frame."""
    made: dict[int, Made] = field(default_factory=dict)
    """Files that were created already, by the positions of their frames."""
    opened: dict[int, _core.OpenStream] = field(default_factory=dict)
    """Streams that were opened already, by the positions of their frames."""

    def notes(self) -> tuple[str, ...]:
        """Return notes about the source and its frames, for a report."""
        notes = [] if self.note is None else [self.note]
        if self.empty:
            has = "has" if len(self.empty) == 1 else "have"
            more = f" and {len(self.empty) - _MOST_NAMES:,} more" * (len(self.empty) > _MOST_NAMES)
            notes.append(f"{', '.join(self.empty[:_MOST_NAMES])}{more} {has} no rows")
        notes.extend(
            f"{label}: {text.counted(count, 'file')} larger than target_file_size, because a "
            f"single row needs more"
            for label, count in islice(self.oversized.items(), _MOST_NAMES)
        )
        return tuple(notes)

    def files(self) -> Generator[MadeFile | None]:
        """Yield the files; None while one is still being encoded.

        Raises:
            FrameError: A frame cannot be encoded, or is a stream that was already read.
        """
        for position, (name, frame) in enumerate(self.items):
            label = label_of(name, position)
            made = self.made.pop(position, None)
            if made is None:
                opened = self.opened.pop(position, None)
                facts = yield from made_of(name, frame, label, self.limits, opened)
            else:
                # From here on, they belong to the upload.
                once.forget_made(frame)
                facts = made.facts
                yield from made.named(name)
            if facts.is_empty:
                self.empty.append(label)
            if facts.oversized_files:
                self.oversized[label] = facts.oversized_files


def made_of(
    name: str | None,
    frame: object,
    label: str,
    limits: FileLimits,
    opened: _core.OpenStream | None = None,
) -> Generator[MadeFile | None, None, Facts]:
    """Yield the files of a frame; None while one is still being encoded.

    Returns:
        What is known about the frame then.

    Raises:
        FrameError: It cannot be encoded, or is a stream that was already read.
    """
    if not isinstance(checked(frame, label), ArrowStream):
        yield from copied(name, frame, label)
        return Facts()
    once.refuse_used(frame, label)
    with in_words(frame, label):
        encoder = encoder_of(frame, label, limits, opened)
    # Not earlier: after an error about its types, the caller can cast the stream and pass it again.
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
        return Facts(is_empty, encoder.oversized_files)
    finally:
        # A stored exception references this frame, but must not keep the library's objects alive.
        encoder.close()


def make(
    frame: object,
    label: str,
    limits: FileLimits,
    opened: _core.OpenStream | None,
) -> Made:
    """Encode a frame at once.

    Raises:
        FrameError: It cannot be encoded, or is a stream that was already read.
        Stopped: The caller no longer waits.
    """
    files: list[MadeFile] = []
    making = made_of(None, frame, label, limits, opened)
    try:
        while True:
            stopping.check()
            try:
                file = next(making)
            except StopIteration as end:
                return Made(files, limits, end.value)
            if file is not None:
                files.append(file)
    finally:
        making.close()


def encoder_of(
    frame: object,
    label: str,
    limits: FileLimits,
    opened: _core.OpenStream | None = None,
    *,
    warn: bool = True,
) -> _core.FrameEncoder:
    """Create an encoder that stores types as the frame's library does in its own files."""
    source = opened or pandas.without_index(frame, warn=warn)
    return _core.FrameEncoder(
        source, label, limits.rows, limits.size, decimals_as_bytes(frame), is_wrapper(frame)
    )


def head_of(frame: object) -> object:
    """Return an object with the columns of a frame, if the frame itself would compute its rows."""
    return frame.head() if isinstance(frame, Stream) and frame.head is not None else frame


def decimals_as_bytes(frame: object) -> bool:
    """Return whether the frame's library writes decimals as bytes to its own files."""
    return library_of(frame) in {"pandas", "pyarrow", "datasets"}


def label_of(name: str | None, position: int) -> str:
    """Return the name of a frame in messages."""
    return name or f"frame {position}"


def checked(item: object, label: str) -> Frame:
    """Reject objects that are not frames, and frames whose stream cannot be used.

    Raises:
        TypeError: It is not a frame.
        FrameError: A column has a type that the library cannot export to Arrow.
    """
    if not is_frame(item):
        raise TypeError(not_a_source(item, "a frame"))
    if isinstance(item, bytes | bytearray | memoryview):
        advice = advice_for_bytes(item)
        if advice is not None:
            raise TypeError(advice)
    elif (advice := advice_for_file(item)) is not None:
        message = f"{label}: {advice}"
        raise FrameError(message, frame=label)
    unsupported = polars.unsupported_column(head_of(item))
    if unsupported is not None:
        column, words = unsupported
        message = f"{label}: column {column!r} {words}"
        raise FrameError(message, frame=label, column=column)
    return typing.cast("Frame", item)
