"""What this package aims at, read off the outcomes. Nothing fails where a target is missed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from compare.others import ALONE, ASYNC, COPY, PACKAGE, PYARROW, STANDARD, SYNC
from compare.packing import PACKS, SLOW
from compare.receivers import LINKS
from compare.staging import GATE, TLS
from compare.stores import GET_AND_UPLOAD, GET_THEN_UPLOAD, S3FS
from compare.uploads import CURL, ORDERED, OWN, PACKED, REWRITTEN, SDK, UNORDERED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from compare.cases import Outcome

_CONCURRENCY = 8
_MB, _GB = 10**6, 10**9


@dataclass(frozen=True)
class Target:
    """One figure that is aimed at."""

    what: str
    wanted: float
    measured: float
    unit: str = "x"
    is_at_most: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the figure is as good as wanted."""
        return (self.measured <= self.wanted) if self.is_at_most else (self.measured >= self.wanted)

    @property
    def wanted_text(self) -> str:
        """The figure that is wanted."""
        return f"{'<=' if self.is_at_most else '>='} {self.wanted:g} {self.unit}"

    @property
    def measured_text(self) -> str:
        """The figure that was measured."""
        return f"{self.measured:.{1 if self.unit in {'MB', 'ms'} else 2}f} {self.unit}"

    def to_json(self) -> dict[str, Any]:
        """Return the target and whether it is met."""
        return {**asdict(self), "is_met": self.is_met}


def targets(outcomes: Sequence[Outcome]) -> Iterator[Target]:
    """Return the targets of all cases that were run."""
    for outcome in outcomes:
        match outcome.case.group:
            case "neutral receiver":
                yield from _of_uploads(outcome)
            case "checks":
                yield _faster(f"{outcome.case.name} against a loop of pyarrow", outcome, PACKAGE, 7)
            case "service":
                what = f"service, {outcome.case.name}: durable, against cp and sync"
                yield _faster(what, outcome, ORDERED, 0.7, COPY)
            case "staging":
                yield from _of_staging(outcome)
            case "packing":
                yield from _of_packing(outcome)
            case "stores":
                yield from _of_stores(outcome)
            case "import":
                yield from _of_imports(outcome)
            case "async":
                seconds = (outcome.median(ASYNC) or 0) - (outcome.median(SYNC) or 0)
                milliseconds = seconds * 1000 / outcome.case.items
                what = "await of a small call, beyond its sync twin"
                yield Target(what, 5, milliseconds, "ms", is_at_most=True)


def _faster(
    what: str, outcome: Outcome, contender: str, wanted: float, peer: str = PYARROW
) -> Target:
    return Target(what, wanted, (outcome.median(peer) or 0) / (outcome.median(contender) or 1))


def _of_uploads(outcome: Outcome) -> Iterator[Target]:
    shape, link_name = outcome.case.name.split(", ", 1)
    link = LINKS[link_name]
    name = f"{shape}, {link_name}"
    if link_name == "loopback":
        yield from _on_loopback(outcome, shape)
    elif link.answer_after:
        model = answer_model(outcome, link.answer_after)
        reached = model / (outcome.median(ORDERED) or 1)
        yield Target(f"{name}: ordered against the model's {model:.2f} s", 0.95, reached)
    else:
        what = f"{name}: ordered against unordered"
        yield _faster(what, outcome, ORDERED, 0.97, UNORDERED)
        if SDK in outcome.samples:
            yield _faster(f"{name}: ordered against the SDK", outcome, ORDERED, 7.5, SDK)


def _of_staging(outcome: Outcome) -> Iterator[Target]:
    name = outcome.case.name
    if GATE in outcome.samples:
        yield _faster(f"{name}: ordered against one commit per file", outcome, ORDERED, 5, GATE)
    elif name.endswith(TLS):
        yield _cpu_against_curl(name, outcome, 0.7)
    else:
        what = f"{name}: ordered against unordered"
        yield _faster(what, outcome, ORDERED, 0.9, UNORDERED)
        yield _faster(f"{name}: ordered against curl, unordered", outcome, ORDERED, 1, CURL)


def _of_packing(outcome: Outcome) -> Iterator[Target]:
    name = outcome.case.name
    if name == SLOW:
        yield _faster(f"{name}: packed against curl, unordered", outcome, PACKED, 2, CURL)
    elif REWRITTEN in outcome.samples:
        less = _ratio(outcome, REWRITTEN, PACKED, "cpu_seconds")
        yield Target(f"{name} by pyarrow, and its upload: CPU time", 10, less)
    else:
        for plain, words in ((ORDERED, "the same files"), (PACKS, "the packs as files")):
            what = f"packed, {name}: CPU time against a plain upload of {words}"
            cpu = _ratio(outcome, PACKED, plain, "cpu_seconds")
            yield Target(what, 1.3, cpu, is_at_most=True)
            packed, peak = (outcome.median(it, "peak_bytes") or 0 for it in (PACKED, plain))
            what = f"packed, {name}: memory above that of {words}"
            yield Target(what, 10, (packed - peak) / _MB, "MB", is_at_most=True)


def _of_stores(outcome: Outcome) -> Iterator[Target]:
    name, items = outcome.case.name, outcome.case.items
    requests = outcome.median(PACKAGE, "requests")
    if requests is not None:
        what = f"{name}: requests a file"
        yield Target(what, 1.2, requests / items, "requests", is_at_most=True)
    elif S3FS in outcome.samples:
        yield _faster(f"{name}: against pyarrow over s3fs", outcome, PACKAGE, 5, S3FS)
    else:
        peers = (GET_THEN_UPLOAD, GET_AND_UPLOAD)
        fastest = min(peers, key=lambda peer: outcome.median(peer) or 0)
        yield _faster(f"{name}: against {fastest}", outcome, PACKAGE, 1.5, fastest)
        peak = outcome.median(PACKAGE, "peak_bytes") or 0
        what = f"{name}: peak memory above a bare interpreter"
        yield Target(what, 60, peak / _MB, "MB", is_at_most=True)


def _of_imports(outcome: Outcome) -> Iterator[Target]:
    if SDK in outcome.samples:
        milliseconds = (outcome.median(PACKAGE) or 0) * 1000
        yield Target("import sutro", 50, milliseconds, "ms", is_at_most=True)
    elif outcome.case.name == ALONE:
        what = f"{ALONE}: against the standard modules that it needs"
        ratio = _ratio(outcome, PACKAGE, STANDARD, "seconds")
        yield Target(what, 1.3, ratio, is_at_most=True)


def _ratio(outcome: Outcome, contender: str, peer: str, figure: str) -> float:
    return (outcome.median(contender, figure) or 0) / (outcome.median(peer, figure) or 1)


def _on_loopback(outcome: Outcome, shape: str) -> Iterator[Target]:
    others = [name for name, samples in outcome.samples.items() if samples and name not in OWN]
    if others and shape in {"32 x 16 MB", "8 x 256 MB"}:
        fastest = min(others, key=lambda name: outcome.median(name) or 0)
        yield _faster(f"{shape}: ordered against {fastest}", outcome, ORDERED, 1.5, fastest)
    if CURL in outcome.samples and shape == "500 x 64 KB":
        yield _faster(f"{shape}: ordered against curl, unordered", outcome, ORDERED, 1, CURL)
        yield _cpu_against_curl(shape, outcome, 1.3)
    if CURL in outcome.samples and shape in {"32 x 16 MB", "8 x 256 MB", "1 x 2 GB"}:
        yield _cpu_against_curl(shape, outcome, 1)
    peak = outcome.median(ORDERED, "peak_bytes")
    if peak and shape in {"32 x 16 MB", "8 x 256 MB", "1 x 2 GB"}:
        what = f"{shape}: peak memory above a bare interpreter"
        yield Target(what, 30, peak / _MB, "MB", is_at_most=True)


def _cpu_against_curl(name: str, outcome: Outcome, wanted: float) -> Target:
    own, curl = (outcome.median(client, "cpu_seconds") or 0 for client in (ORDERED, CURL))
    what = f"{name}: client CPU time against curl"
    return Target(what, wanted, own / (curl or 1), is_at_most=True)


def answer_model(outcome: Outcome, answer_after: float) -> float:
    """Return the least seconds that the commit gate can take, from those without a gate.

    With C slots, N files, transfer t and answer time p: where C*p < t + p the gate costs
    (C - 1)*p; else the answers follow each other without a gap, and the run takes t + N*p.
    """
    unordered = outcome.median(UNORDERED) or 0
    transfer = unordered * _CONCURRENCY / outcome.case.items - answer_after
    if _CONCURRENCY * answer_after < transfer + answer_after:
        return unordered + (_CONCURRENCY - 1) * answer_after
    return transfer + outcome.case.items * answer_after
