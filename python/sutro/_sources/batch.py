"""A batch of frames before the upload.

Checks first what is known without rows: names, types, and what the dataset holds. If an upload is
rejected for one of these, its streams are still unread.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from sutro import _core
from sutro._reports import text
from sutro._run import stopping
from sutro._run.driver import Driver, here
from sutro._sources import once, pandas
from sutro._sources.classes import is_wrapper
from sutro._sources.frames import (
    STEP_SECONDS,
    Frames,
    Made,
    checked,
    decimals_as_bytes,
    encoder_of,
    head_of,
    label_of,
    make,
)
from sutro._sources.items import may_be_once
from sutro._sources.limits import NO_LIMITS, FileLimits
from sutro._sources.words import in_words
from sutro.errors import CheckError, ConfigurationError, FrameError
from sutro.sources import ArrowStream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sutro._sources.items import Items
    from sutro.options import UploadOptions
    from sutro.sources import Frame

_LOOK_ROWS = 10_000
"""Number of rows to look at together if the types of frames differ."""

_MOST_MADE = 8
"""At most this many files are created to compare them with the dataset: they need disk space."""


def frames_of(
    items: Items,
    count: int | None,
    names: Sequence[str] | None,
    limits: FileLimits,
    *,
    check: bool,
    options: UploadOptions,
    preflight: _core.Preflight | None,
) -> Frames:
    """Convert items to frames. With `check`, compare them with each other and with the dataset.

    Raises:
        TypeError: An item is not a frame.
        ConfigurationError: The arguments contradict each other.
        CheckError: The frames differ, or differ from the dataset.
        FileExistsInDatasetError: The dataset already has names of the frames.
        FrameError: A frame cannot be encoded, or is a stream that was already read.
    """
    if names is not None and count is not None and len(names) != count:
        entries = "1 entry" if len(names) == 1 else f"{len(names):,} entries"
        message = f"`names` has {entries} for {text.counted(count, 'frame')}"
        raise ConfigurationError(message)
    items = _named(items, names)
    if count is None:
        frames = _begun(items, names, options, preflight)
    else:
        frames = _compared(list(items), limits, options, preflight, check=check)
    if not limits:
        return frames
    numbered = _numbered(frames.items, limits)
    return replace(frames, items=numbered, file_count=None, limits=limits)


def _named(items: Items, names: Sequence[str] | None) -> Items:
    if names is None:
        yield from items
        return
    left = iter(names)
    for _, item in items:
        name = next(left, None)
        if name is None:
            message = f"there are more frames than names: `names` has {len(names)}"
            raise ConfigurationError(message)
        yield name, item


def _numbered(items: Items, limits: FileLimits) -> Items:
    for name, item in items:
        if name is not None:
            limits.refuse_name()
        if not isinstance(item, ArrowStream):
            limits.refuse_file()
        yield None, item


def _begun(
    items: Items,
    names: Sequence[str] | None,
    options: UploadOptions,
    preflight: _core.Preflight | None,
) -> Frames:
    """Frames of an iterator. The first one is checked before the rest is requested."""
    if preflight is None:
        return Frames(items, None)
    if names is not None:
        # The number of frames is unknown: there may be fewer frames than names.
        preflight.names_there(list(names), options["ordered"], is_all=False)
    first = next(items)
    batch = _Batch([first], NO_LIMITS, options, preflight)
    batch.refuse_first()
    return Frames(chain([first], items), None, opened=batch.opened)


def _compared(
    items: list[tuple[str | None, object]],
    limits: FileLimits,
    options: UploadOptions,
    preflight: _core.Preflight | None,
    *,
    check: bool,
) -> Frames:
    """Frames of a list, compared with each other and with the dataset."""
    known: list[tuple[str | None, Frame]] = [
        (name, checked(frame, label_of(name, position)))
        for position, (name, frame) in enumerate(items)
    ]
    batch = _Batch(known, limits, options, preflight)
    batch.check_each_once()
    there = batch.names_there() if check else []
    outlines = batch.outlines() if check or len(known) > 1 else []
    schema = None
    if check:
        schema = batch.check(outlines)
        batch.compare_contents(there)
    return Frames(
        iter(known),
        len(known),
        limits,
        schema,
        # A single frame needs no outline: the encoder checks it.
        outlines=outlines if len(known) > 1 else (),
        made=batch.made,
        opened=batch.opened,
    )


class _Batch:
    """Frames to check before the upload, reading as few rows as possible."""

    def __init__(
        self,
        frames: Sequence[tuple[str | None, object]],
        limits: FileLimits,
        options: UploadOptions,
        preflight: _core.Preflight | None,
    ) -> None:
        self._frames = [
            (name, frame, label_of(name, position)) for position, (name, frame) in enumerate(frames)
        ]
        self._limits = limits
        self._options = options
        self._preflight = preflight
        self._can_be_lost = any(may_be_once(frame) for _, frame, _ in self._frames)
        self.opened: dict[int, _core.OpenStream] = {}
        self.made: dict[int, Made] = {}
        for place, (_, frame, _) in enumerate(self._frames):
            made = once.kept(frame)
            # Useless with other limits: the stream is rejected as already read.
            if made is not None and made.limits == limits:
                self.made[place] = made

    def check_each_once(self) -> None:
        """Reject streams that were already read or are listed twice, before any is touched.

        Raises:
            FrameError: There is such a stream.
        """
        seen: dict[int, str] = {}
        for place, (_, frame, label) in enumerate(self._frames):
            if once.is_one_shot(frame):
                if place not in self.made:
                    once.refuse_used(frame, label)
                if id(frame) in seen:
                    message = (
                        f"{label} is the same stream as {seen[id(frame)]}: it can be read once"
                    )
                    raise FrameError(message, frame=label)
                seen[id(frame)] = label

    def names_there(self) -> list[int]:
        """Return the positions of frames whose names the dataset has, perhaps from an earlier run.

        Raises:
            FileExistsInDatasetError: They cannot come from an earlier run.
        """
        names = [name for name, _, _ in self._frames if name is not None]
        if self._preflight is None or not self._can_be_lost or len(names) < len(self._frames):
            return []
        return self._preflight.names_there(names, self._options["ordered"], is_all=True)

    def compare_contents(self, there: list[int]) -> None:
        """Encode frames whose names the dataset has, if later frames can be read only once.

        The files are kept for their streams: if this call fails, the next one uploads them.

        Raises:
            FileExistsInDatasetError: A file has other content than the dataset's.
        """
        if self._preflight is None or self._limits or not self._can_be_lost:
            return
        places = there[:_MOST_MADE]
        files = [(self._frames[place][0] or "", self._make(place).files[0][1]) for place in places]
        if files:
            check = partial(self._preflight.check_files, files, self._options)
            here(Driver.result_of, check)

    def refuse_first(self) -> None:
        """Reject frames that differ from the dataset even if they have no values.

        Raises:
            SchemaMismatchError: There is such a frame.
        """
        outlines = list(self._unread_outlines().values())
        if outlines:
            self._refuse_for_certain(outlines, list(range(len(outlines))))

    def outlines(self) -> list[_core.FrameOutline]:
        """Return what is known about the files of the frames.

        Reads rows only if types differ and a cast may help: a column without values fits any type.

        Raises:
            SchemaMismatchError: The frames differ whatever values a stream has, so it is not read.
        """
        by_place = self._unread_outlines()
        places, outlines = list(by_place), list(by_place.values())
        if not outlines or (self._preflight is None and len(outlines) == 1):
            return []
        differing = _core.differing_leaves(outlines, self._preflight)
        unread = []
        for index, place in enumerate(places):
            _, frame, label = self._frames[place]
            if not differing[index] or place in self.made:
                continue
            if may_be_once(frame):
                unread.append(index)
            else:
                leaves = set(differing[index])
                outlines[index] = _looked_at(frame, label, outlines[index], leaves)
        if unread and self._options["cast"]:
            self._refuse_for_certain(outlines, unread)
            for index in unread:
                made = self._make(places[index])
                outlines[index] = _outline_of_made(made, self._frames[places[index]][2])
        return outlines

    def check(self, outlines: list[_core.FrameOutline]) -> _core.FrameSchema | None:
        """Compare the frames with each other, and with the dataset.

        Raises:
            SchemaMismatchError: They differ.
        """
        return _core.check_frames(outlines, self._options["cast"], self._preflight)

    def _refuse_for_certain(self, outlines: list[_core.FrameOutline], unread: list[int]) -> None:
        """Reject frames that cannot be cast even if these frames have no values."""
        at_best = list(outlines)
        for index in unread:
            at_best[index] = outlines[index].at_best()
        try:
            self.check(at_best)
        except CheckError:
            # The message describes what is known.
            self.check(outlines)
            raise

    def _unread_outlines(self) -> dict[int, _core.FrameOutline]:
        """Return what is known about the frames without their rows, by position."""
        outlines = {}
        for place, (_, frame, label) in enumerate(self._frames):
            if not isinstance(frame, ArrowStream):
                continue
            if place in self.made:
                outlines[place] = _outline_of_made(self.made[place], label)
                continue
            with in_words(frame, label):
                outlines[place] = _core.FrameOutline(
                    self._with_schema(place), label, decimals_as_bytes(frame), is_wrapper(frame)
                )
        return outlines

    def _with_schema(self, place: int) -> object:
        """Return an object with the frame's schema. Some streams can be opened only once."""
        frame = self._frames[place][1]
        head = head_of(frame)
        schema = getattr(head, "schema", head)
        if hasattr(schema, "__arrow_c_schema__"):
            return schema
        if is_wrapper(frame):
            self.opened[place] = _core.OpenStream(frame)
            return self.opened[place]
        return pandas.without_index(head, warn=False)

    def _make(self, place: int) -> Made:
        if place not in self.made:
            _, frame, label = self._frames[place]
            opened = self.opened.pop(place, None)
            self.made[place] = make(frame, label, self._limits, opened)
            once.keep_made(frame, self.made[place])
        return self.made[place]


def _outline_of_made(made: Made, label: str) -> _core.FrameOutline:
    files = [file for _, file in made.files]
    leaves = set.intersection(*(set(file.leaves_without_values()) for file in files))
    outline = _core.FrameOutline.of_file(files[0], label)
    return outline.with_values(0 if made.facts.is_empty else 1, [], sorted(leaves))


def _looked_at(
    frame: object, label: str, outline: _core.FrameOutline, leaves: set[int]
) -> _core.FrameOutline:
    """Find out which of these columns have no values: then their types do not matter.

    The first rows are enough if they have values. They are encoded, so that frames and files have
    the same notion of a value.
    """
    with in_words(frame, label):
        encoder = encoder_of(frame, label, FileLimits(rows=_LOOK_ROWS), warn=False)
    looked_at = sorted(leaves)
    try:
        while leaves and not encoder.is_exhausted:
            stopping.check()
            with in_words(frame, label):
                file = encoder.encode(STEP_SECONDS)
            if file is not None:
                leaves.intersection_update(file.leaves_without_values())
        return outline.with_values(encoder.row_count or 0, looked_at, sorted(leaves))
    finally:
        encoder.close()
