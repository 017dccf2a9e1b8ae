"""The comparison as a program: `python -m compare`, in `benches/`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from compare import cases, files, others, packing, receivers, report, staging, stores, uploads
from compare.targets import targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compare.cases import Case

BENCHES = Path(__file__).parent.parent
OTHERS = {
    "checks": others.checks,
    "frames": others.frames,
    "service": others.service,
    "import": others.imports,
    "async": others.async_calls,
}
GROUPS = (
    *("clients", "embedded", "checks", "frames", "service", "staging", "packing", "stores"),
    *("import", "async"),
)
# Each takes `is_quick`.
SCALED = {"staging": staging.cases, "packing": packing.cases, "stores": stores.cases}


def main() -> None:
    """Run what was asked for, print tables, and write all figures as JSON."""
    options = _options()
    places = uploads.Places(options.folder, options.receiver, options.sdk_python)
    places.folder.mkdir(parents=True, exist_ok=True)
    outcomes = []
    for case in _cases(places, options):
        outcome = cases.run(case)
        outcomes.append(outcome)
        print(report.table(outcome), flush=True)
    measured = list(targets(outcomes))
    print(report.target_table(measured))
    figures = report.to_json(outcomes, measured, report.curl_version())
    options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _cases(places: uploads.Places, options: argparse.Namespace) -> Iterator[Case]:
    for group in options.only:
        match group:
            case "clients" | "embedded":
                receiver = "neutral receiver" if group == "clients" else "embedded service"
                for plan, case in uploads.cases(places, receiver):
                    if _is_asked_for(plan, options):
                        yield case
            case "staging" | "packing" | "stores":
                yield from SCALED[group](places, is_quick=options.quick)
            case _:
                yield from OTHERS[group](places)


def _is_asked_for(plan: uploads.Plan, options: argparse.Namespace) -> bool:
    return (
        (plan.is_quick or not options.quick)
        and options.shape in {None, plan.shape}
        and options.link in {None, plan.link}
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="compare", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a part of it, in a few minutes")
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=GROUPS,
        metavar="GROUPS",
        help=f"some of {','.join(GROUPS)}",
    )
    parser.add_argument("--shape", choices=files.SHAPES)
    parser.add_argument("--link", choices=receivers.LINKS)
    parser.add_argument("--folder", type=Path, default=BENCHES / "target" / "files")
    parser.add_argument(
        "--receiver", type=Path, default=BENCHES / "target" / "release" / "receiver"
    )
    parser.add_argument("--sdk-python", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--json", type=Path, default=BENCHES / "target" / "results.json")
    return parser.parse_args()


main()
