"""Every crate has a licence that `deny.toml` allows.

`make audit` checks the same with `cargo deny`, and advisories too. This test needs no installation.
"""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from license_expression import get_spdx_licensing

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]
LICENSING = get_spdx_licensing()


def is_allowed(expression: str, allowed: Iterable[str]) -> bool:
    """Return whether the allowed licences satisfy this SPDX expression."""
    # Old manifests write "or" as a slash.
    parsed = LICENSING.parse(re.sub(r"\s*/\s*", " OR ", expression), validate=True)
    granted = {LICENSING.parse(licence): LICENSING.TRUE for licence in allowed}
    return bool(parsed.subs(granted, simplify=True) == LICENSING.TRUE)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("(MIT OR GPL-3.0-only) AND ISC", True),
        ("GPL-3.0-only/MIT", True),
        ("Apache-2.0 WITH LLVM-exception", False),
    ],
)
def test_or_needs_one_allowed_licence_and_and_needs_all(expression: str, expected: bool) -> None:
    assert is_allowed(expression, ["MIT", "ISC", "Apache-2.0"]) is expected


def test_every_crate_has_an_allowed_licence() -> None:
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--all-features"]
    metadata: dict[str, Any] = json.loads(subprocess.check_output(command, cwd=ROOT))
    allowed = tomllib.loads((ROOT / "deny.toml").read_text())["licenses"]["allow"]

    assert [
        f"{crate['name']}: {crate['license']}"
        for crate in metadata["packages"]
        if not is_allowed(crate["license"] or "NONE", allowed)
    ] == []
