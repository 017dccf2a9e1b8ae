"""Tables for people, JSON for programs."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from compare.cases import Outcome
    from compare.targets import Target

MB, GB = 10**6, 10**9
_PEERS = ("sutro", "aiohttp", "obstore", "pandas", "polars", "pyarrow", "requests", "s3fs")


def table(outcome: Outcome) -> str:
    """Return the medians of a case, one line for each contender, as Markdown."""
    case = outcome.case
    first = outcome.median(next(iter(outcome.samples))) or 0
    per_gb = GB / case.size_bytes if case.size_bytes else 1
    rows = []
    for contender in filter(outcome.samples.get, outcome.samples):
        seconds = outcome.median(contender) or 0
        cpu, peak, requests = (
            outcome.median(contender, it) for it in ("cpu_seconds", "peak_bytes", "requests")
        )
        rows.append(
            [
                contender,
                f"{seconds:.3f}",
                f"{seconds / first:.2f}",
                f"{case.size_bytes / seconds / MB:,.0f}" if case.size_bytes else "",
                "" if cpu is None else f"{cpu * per_gb:.2f}",
                "" if peak is None else f"{peak / MB:.1f}",
                {None: "", True: "yes", False: "no"}[outcome.in_order(contender)],
                "" if requests is None else f"{requests:,.0f}",
            ]
        )
    cpu_head = "CPU s/GB" if case.size_bytes else "CPU s"
    heads = ["", "seconds", "ratio", "MB/s", cpu_head, "peak MB", "in order", "requests"]
    used = [any(row[column] for row in rows) for column in range(len(heads))]
    return f"### {case.group}: {case.name} ({case.rounds} rounds)\n\n" + _markdown(
        [_only(used, row) for row in (heads, *rows)]
    )


def target_table(targets: Iterable[Target]) -> str:
    """Return what was aimed at and what was measured, as Markdown."""
    rows = [["target", "wanted", "measured", ""]]
    rows += [
        [
            target.what,
            target.wanted_text,
            target.measured_text,
            "met" if target.is_met else "MISSED",
        ]
        for target in targets
    ]
    return "### Targets\n\n" + _markdown(rows)


def to_json(outcomes: Sequence[Outcome], targets: Sequence[Target], curl: str) -> dict[str, Any]:
    """Return all figures, and what they were measured with."""
    return {
        "machine": {
            "cores": len(os.sched_getaffinity(0)),
            "system": platform.system(),
            "machine": platform.machine(),
            "python": platform.python_version(),
        },
        "versions": {**{peer: metadata.version(peer) for peer in _PEERS}, "curl": curl},
        "cases": [outcome.to_json() for outcome in outcomes],
        "targets": [target.to_json() for target in targets],
    }


def curl_version() -> str:
    """Return the release of `curl`."""
    done = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split()[1]


def _only(used: Sequence[bool], row: Sequence[str]) -> list[str]:
    return [cell for cell, is_used in zip(row, used, strict=True) if is_used]


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]

    def lines() -> Iterator[str]:
        for number, row in enumerate(rows):
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            yield f"| {' | '.join(cells)} |"
            if number == 0:
                yield f"|{'|'.join('-' * (width + 2) for width in widths)}|"

    return "\n".join(lines()) + "\n"
