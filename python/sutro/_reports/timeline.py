"""Draws as SVG when each file of an upload was sent, waited for its turn, and was committed.

Each file has a bar, all on one axis, so a column of bars shows overlaps and slow files.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Protocol

from sutro._reports.html import Markup, cell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


_WIDTH = 240
"""Length of the axis in pixels."""

_SHORTEST_SECONDS = 0.001
_MOST_STEPS = 4
"""Number of steps between the ticks of the axis."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STEPS = (
    *(digit / 10**places for places in (3, 2, 1, 0) for digit in (1, 2, 5)),
    *(10, 20, 30),
    *(count * _MINUTE for count in (1, 2, 5, 10, 15, 30)),
    *(count * _HOUR for count in (1, 2, 3, 6, 12)),
)
"""Round numbers of seconds between two ticks; longer uploads use whole days."""

_UNITS = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1, "s"), (0.001, "ms"))

_EXACT_SECONDS = 100
"""Longer times are shown without fractions of a second."""

_STYLE = f"""\
.sutro-timeline svg{{display:block;width:{_WIDTH}px;min-width:{_WIDTH}px;height:24px;\
overflow:visible;fill:none}}
.sutro-timeline text{{fill:currentColor;font-size:11px;font-weight:normal;text-anchor:middle}}
.sutro-timeline .sent{{stroke:#3b82f6;stroke-width:10}}
.sutro-timeline .wait{{stroke:currentColor;stroke-width:10;stroke-dasharray:1 2;opacity:.6}}
.sutro-timeline .done{{stroke:currentColor;stroke-width:2}}
.sutro-timeline p svg{{display:inline-block;min-width:0;width:24px;margin:0 .4em 0 .9em;\
vertical-align:middle}}
"""

# With blanks and commas: a page that strips the drawings keeps the text.
_LEGEND = (
    '<p><svg><path class="sent" d="M0 12h24"/></svg> sent, '
    '<svg><path class="wait" d="M0 12h24"/></svg> waited for its turn and the response, '
    '<svg><path class="done" d="M12 4v16"/></svg> committed</p>'
)


class TimedFile(Protocol):
    """A file with the times of its upload; `None` for events that have not happened."""

    @property
    def started(self) -> datetime | None:
        """Time of the first byte."""

    @property
    def transferred(self) -> datetime | None:
        """Time when everything but the tail was sent."""

    @property
    def committed(self) -> datetime | None:
        """Time when the server acknowledged it."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The time axis of an upload."""

    begin: datetime
    """Start of the first transfer."""
    seconds: float
    """Length of the axis; above 0."""

    @classmethod
    def of(cls, files: Sequence[TimedFile], run_seconds: float) -> Timeline | None:
        """Return the axis for `files`; `None` if nothing was sent."""
        begin = min((file.started for file in files if file.started is not None), default=None)
        if begin is None:
            return None
        times = [
            time
            for file in files
            for time in (file.started, file.transferred, file.committed)
            if time is not None
        ]
        seconds = (max(times) - begin).total_seconds()
        if any(file.started and not file.committed for file in files):
            # A file that was cut off lasted until the end of the run.
            seconds = max(seconds, run_seconds)
        return cls(begin, max(seconds, _SHORTEST_SECONDS))

    def heading(self) -> Markup:
        """Draw the ticks of the axis, above the column of bars."""
        step = self._step()
        seconds, unit = next((seconds, unit) for seconds, unit in _UNITS if step >= seconds)
        ticks = (step * count for count in range(1, int(self.seconds / step) + 1))
        labels = '<text y="16">0</text>' + "".join(
            f' <text x="{self._pixels(tick):.1f}" y="16">{tick / seconds:g} {unit}</text>'
            for tick in ticks
        )
        return Markup(f"<svg>{labels}</svg>")

    def bar(self, file: TimedFile) -> Markup:
        """Draw the bar of a file; nothing if it was not sent.

        The clock may have been set back between two times; no time is drawn before an earlier one.
        """
        if file.started is None:
            return Markup()
        start = self._at(file.started)
        sent = max(start, self._at(file.transferred or file.committed))
        end = max(sent, self._at(file.committed))
        told = f"sent from {_clock(start)} to {_clock(sent)}"
        # A short transfer must be visible too.
        x = min(round(self._pixels(start)), _WIDTH - 1)
        x_sent = max(x + 1, round(self._pixels(sent)))
        x_end = max(x_sent, round(self._pixels(end)))
        drawn = f'<path class="sent" d="M{x} 12H{x_sent}"/>'
        if x_end > x_sent:
            told += f", waited {_clock(end - sent)}"
            drawn += f'<path class="wait" d="M{x_sent} 12H{x_end}"/>'
        if file.committed:
            told += f", committed at {_clock(end)}"
            drawn += f'<path class="done" d="M{x_end} 4v16"/>'
        return cell(Markup(f"<svg>{drawn}</svg>"), title=told)

    def around(self, table: Markup, column: int) -> Markup:
        """Add lines at the ticks of `column` (from 1) and a legend to a table."""
        tick = self._pixels(self._step())
        lines = (
            f".sutro-timeline td:nth-child({column}){{background:content-box repeat-y "
            "repeating-linear-gradient(90deg,rgba(128,128,128,.4) 0 1px,"
            "transparent 1px var(--sutro-tick))}"
        )
        return Markup(
            f'<div class="sutro-timeline" style="--sutro-tick:{tick:.1f}px">'
            f"<style>{_STYLE}{lines}</style>{table}{_LEGEND}</div>"
        )

    def _step(self) -> float:
        longest = self.seconds / _MOST_STEPS
        return next((step for step in _STEPS if step >= longest), ceil(longest / _DAY) * _DAY)

    def _at(self, time: datetime | None) -> float:
        """Position on the axis in seconds; events that have not happened are at its end."""
        if time is None:
            return self.seconds
        return min(max((time - self.begin).total_seconds(), 0.0), self.seconds)

    def _pixels(self, seconds: float) -> float:
        return seconds / self.seconds * _WIDTH


def _clock(seconds: float) -> str:
    """`1.25 s`, `0:02:05`."""
    if seconds < _EXACT_SECONDS:
        return f"{seconds:.2f} s"
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
