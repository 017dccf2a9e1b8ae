"""Imports go in one direction, and modules are short."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import sutro

PACKAGE = Path(sutro.__file__).parent


def modules() -> dict[str, Path]:
    """All modules by qualified name."""

    def name(path: Path) -> str:
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        return ".".join(part for part in parts if part != "__init__")

    return {name(path): path for path in PACKAGE.rglob("*.py")}


def imported(source: str, known: set[str]) -> set[str]:
    """The modules that a module imports, including lazy and type-only imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            # What is no module is a name in one.
            found |= {name if name in known else node.module for name in names}
    return found & known


def test_there_are_no_circular_imports() -> None:
    paths = modules()
    known = {*paths, "sutro._core"}
    graph = {name: imported(path.read_text(), known) for name, path in paths.items()}

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_every_form_of_import_is_found() -> None:
    source = """
import sutro.a
from sutro import b, thing
from sutro.c import name
from sutro import _core
def later():
    import sutro.d
if TYPE_CHECKING:
    from sutro.e import f
"""
    found = {"sutro", "sutro._core", "sutro.a", "sutro.b", "sutro.c", "sutro.d", "sutro.e.f"}

    assert imported(source, found | {"sutro.e"}) == found


def test_no_module_is_too_long() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in modules().items()}

    assert {name: length for name, length in lengths.items() if length > 400} == {}
