"""A case: contenders that do the same work, one after the other, round after round."""

from __future__ import annotations

import statistics
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class ContenderError(Exception):
    """A contender did not do its work."""

    def __init__(self, contender: str, said: str) -> None:
        super().__init__(f"{contender}: {said[-2000:]}")


@dataclass(frozen=True)
class Sample:
    """One run of one contender."""

    seconds: float
    cpu_seconds: float | None = None
    """User and system time of the contender's process; not that of the receiver."""
    peak_bytes: int | None = None
    """Most memory, above that of a bare interpreter (`curl`: above `curl --version`)."""
    in_order: bool | None = None
    """Whether the receiver got the files in the order of the plan."""
    requests: int | None = None
    """Requests to a store, where they were counted."""


@dataclass(frozen=True)
class Case:
    """The same work for all contenders."""

    group: str
    name: str
    contenders: dict[str, Callable[[], Sample]]
    rounds: int
    size_bytes: int = 0
    items: int = 0
    note: str = ""
    """What a reader of the table must know."""


@dataclass
class Outcome:
    """What a case has brought."""

    case: Case
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def median(self, contender: str, figure: str = "seconds") -> float | None:
        """Return the median of a figure over all rounds, where the contender took part."""
        figures = [getattr(sample, figure) for sample in self.samples.get(contender, [])]
        return statistics.median(figures) if figures and None not in figures else None

    def in_order(self, contender: str) -> bool | None:
        """Return whether the order was kept in every round; None where nobody looked."""
        kept = [sample.in_order for sample in self.samples[contender]]
        return None if None in kept else all(kept)

    def to_json(self) -> dict[str, Any]:
        """Return everything that was measured."""
        return {
            "group": self.case.group,
            "name": self.case.name,
            "size_bytes": self.case.size_bytes,
            "items": self.case.items,
            "samples": {
                contender: [asdict(sample) for sample in samples]
                for contender, samples in self.samples.items()
            },
        }


def run(case: Case) -> Outcome:
    """Run all rounds; each begins with another contender, so that none has a fixed predecessor."""
    outcome = Outcome(case, {name: [] for name in case.contenders})
    names = list(case.contenders)
    for number in range(case.rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            print(
                f"\r{case.group}, {case.name}: {number + 1}/{case.rounds} {name}\033[K",
                end="",
                file=sys.stderr,
                flush=True,
            )
            try:
                outcome.samples[name].append(case.contenders[name]())
            except ContenderError as error:
                # Told, and left out of this round: the others are not to blame.
                print(f"\r{error}\033[K", file=sys.stderr)
    print("\r\033[K", end="", file=sys.stderr, flush=True)
    return outcome
