"""The package: public names, import cost, demo."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import pickle
import pkgutil
import re
import typing
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import sutro
from helpers.processes import python_output

EXAMPLES = Path(__file__).parents[2] / "examples"
PATH = f"import sys; sys.path.insert(0, {str(Path(sutro.__file__).parents[1])!r})"


def test_the_version_is_that_of_the_installed_package() -> None:
    assert sutro.__version__ == metadata.version("sutro")


PUBLIC: dict[str, Any] = {name: getattr(sutro, name) for name in sutro.__all__}


def test_every_public_name_is_documented() -> None:
    for name, thing in PUBLIC.items():
        assert thing.__doc__, name


def methods_of(thing: type[Any]) -> dict[str, Any]:
    return {
        name: member
        for kind in thing.__mro__
        if kind.__module__.startswith("sutro")
        for name, member in vars(kind).items()
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property))
    }


def public_calls() -> dict[str, Any]:
    calls: dict[str, Any] = {
        name: thing for name, thing in PUBLIC.items() if inspect.isfunction(thing)
    }
    return calls | {
        f"Client.{name}": method
        for name, method in methods_of(sutro.Client).items()
        if inspect.isfunction(method)
    }


def test_every_public_method_is_documented() -> None:
    for name, thing in PUBLIC.items():
        for member_name, member in methods_of(thing).items() if inspect.isclass(thing) else ():
            assert member.__doc__, f"{name}.{member_name}"


def test_every_public_call_has_an_example_in_its_docstring() -> None:
    calls = public_calls()
    calls |= {
        kind.__name__: kind
        for kind in (
            sutro.CheckReport,
            sutro.Client,
            sutro.DatasetReader,
            sutro.LocalServer,
            sutro.Progress,
            sutro.UploadReport,
        )
    }

    assert {name for name, call in calls.items() if ">>> " not in call.__doc__} == set()


def test_the_docstring_of_every_call_is_complete() -> None:
    for name, call in public_calls().items():
        words = inspect.getdoc(call) or ""
        signature = inspect.signature(call)
        for argument in signature.parameters.keys() - {"self"}:
            assert f"\n    {argument}: " in words, f"{name}: {argument}"
        assert ("Returns:\n" in words) == (signature.return_annotation != "None"), name
        assert not re.search(r"As for `|See `(Client|upload)|Do the same", words), name
        if name != "set_api_key":
            assert "Raises:\n" in words, name


def test_all_lists_exactly_the_public_names() -> None:
    others = {
        name: thing
        for name, thing in vars(sutro).items()
        if not name.startswith("_") and name not in PUBLIC
    }

    submodules = {module.name for module in pkgutil.iter_modules(sutro.__path__)}
    assert others.keys() <= submodules
    assert all(inspect.ismodule(thing) for thing in others.values())
    assert list(sutro.__all__) == sorted(sutro.__all__)
    python = submodules - {"__main__", "_core"}
    modules = (importlib.import_module(f"sutro.{name}") for name in python)
    # It only re-exports names: without a list, type checkers would reject imports of them.
    with_all = ["sutro.errors"]
    assert [module.__name__ for module in modules if hasattr(module, "__all__")] == with_all


def test_public_classes_and_their_pickles_do_not_name_submodules() -> None:
    classes = {name: thing for name, thing in PUBLIC.items() if inspect.isclass(thing)}

    assert {name for name, kind in classes.items() if kind.__module__ != "sutro"} == set()
    for kind in classes.values():
        assert b"sutro." not in pickle.dumps(kind)
        assert pickle.loads(pickle.dumps(kind)) is kind


def test_type_hints_of_report_fields_resolve() -> None:
    records = [kind for kind in PUBLIC.values() if dataclasses.is_dataclass(kind)]

    assert len(records) > 5
    for record in records:
        assert typing.get_type_hints(record).keys() == record.__dataclass_fields__.keys()


def test_inspect_finds_the_source_of_every_call() -> None:
    for call in public_calls().values():
        assert f"def {call.__name__}(" in inspect.getsource(call)


def test_the_package_ships_its_types() -> None:
    assert resources.files(sutro).joinpath("py.typed").is_file()


def test_importing_the_package_loads_few_modules() -> None:
    """Does not measure time; use `python -X importtime -c "import sutro"`."""
    code = "import sys; before = set(sys.modules); import sutro; print(*set(sys.modules) - before)"

    loaded = python_output("-I", "-c", code).split()

    assert len(loaded) <= 40
    assert {"dataclasses", "inspect", "sutro._core", "typing"}.isdisjoint(loaded)


def test_the_first_call_loads_no_slow_module() -> None:
    heavy = ["asyncio", "click", "http", "logging", "numpy", "pandas", "pyarrow", "shutil", "ssl"]
    code = f"import sys, sutro; sutro.upload; print([m for m in {heavy} if m in sys.modules])"

    assert python_output("-I", "-S", "-c", f"{PATH}; {code}").strip() == "[]"


def test_lazily_imported_names_are_found_by_every_kind_of_access() -> None:
    code = r"""
import sutro
names = set(dir(sutro))
assert {*sutro.__all__, "errors", "options", "sources"} <= names, names
assert sutro.errors.CheckError is sutro.CheckError
assert not hasattr(sutro, "uplaod")
from sutro import *
assert upload is sutro.upload and upload_async is sutro.upload_async
import pickle
assert pickle.loads(b"csutro\nUploadReport\n.") is sutro.UploadReport
"""
    for other_first in ("", "from sutro.client import Client\n", "import sutro.cli.commands\n"):
        python_output("-c", other_first + code)


def test_type_checkers_and_the_interpreter_see_the_same_names() -> None:
    tree = ast.parse(Path(sutro.__file__).read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    seen = {alias.name: node.module for node in imports for alias in node.names if not alias.asname}

    assert seen.keys() == set(sutro.__all__)
    for name, module in seen.items():
        assert getattr(importlib.import_module(str(module)), name) is getattr(sutro, name)


def test_the_demo_uploads_and_its_second_run_skips_all_files(tmp_path: Path) -> None:
    demo = str(EXAMPLES / "demo.py")
    names = sorted(path.name for path in (EXAMPLES / "data").iterdir())

    first = python_output(demo, cwd=tmp_path)
    second = python_output(demo, cwd=tmp_path)

    listing = first.partition("in order:")[2]
    assert [line.split()[0] for line in listing.splitlines() if line] == names
    assert "All files are already there" not in first
    assert "All files are already there" in second
    assert second.partition("in order:")[2] == listing
