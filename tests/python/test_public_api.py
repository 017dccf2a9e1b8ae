"""A snapshot of the public API: names, signatures, fields, errors, options of the command.

After an intended change, run `pytest --snapshot-update`, review the diff, and list in CHANGELOG.md
what users notice.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import TYPE_CHECKING, Any

import click

import sutro
import sutro.options
import sutro.sources
from sutro.cli.commands import commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syrupy.assertion import SnapshotAssertion

ERRORS = (sutro.SutroError, sutro.UploadInterrupted, sutro.SutroWarning)


def described_type(annotation: object) -> str:
    """The text of a type, whether or not its module stores annotations as text."""
    words = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", words)


def described_parameter(parameter: inspect.Parameter) -> str:
    stars = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}
    words = stars.get(parameter.kind.name, "") + parameter.name
    if parameter.annotation is not parameter.empty:
        words += f": {described_type(parameter.annotation)}"
    if parameter.default is not parameter.empty:
        words += f" = {parameter.default!r}"
    return f"{words} (keyword)" if parameter.kind is parameter.KEYWORD_ONLY else words


def described_call(name: str, call: Any) -> Iterator[str]:
    signature = inspect.signature(call)
    kind = "async def" if inspect.iscoroutinefunction(call) else "def"
    yield f"{kind} {name} -> {described_type(signature.return_annotation)}"
    for parameter in signature.parameters.values():
        if parameter.name != "self":
            yield f"    {described_parameter(parameter)}"


def members_of(kind: type[Any]) -> dict[str, Any]:
    """Public members, and the special methods that the package defines."""
    owners = [owner for owner in reversed(kind.__mro__) if owner.__module__.startswith("sutro")]
    generated = set(vars(sutro.Dataset)) | {"__reduce__", "__init_subclass__"}
    return {
        name: member
        for owner in owners
        for name, member in vars(owner).items()
        if not name.startswith("_") or (name.startswith("__") and name not in generated)
        if inspect.isfunction(member) or isinstance(member, property | classmethod)
    }


def described_class(name: str, kind: type[Any]) -> Iterator[str]:
    bases = [base.__name__ for base in kind.__bases__ if not is_private(base)]
    yield f"class {name}({', '.join(bases)})"
    if issubclass(kind, ERRORS):
        yield from (f"    {line}" for line in described_error(kind))
        return
    if dataclasses.is_dataclass(kind):
        yield from (f"    {line}" for line in described_fields(kind))
    else:
        yield from (f"    {line}" for line in described_call("__init__", kind))
    for member_name, member in sorted(members_of(kind).items()):
        if isinstance(member, property):
            found = described_type(inspect.get_annotations(member.fget)["return"])  # type: ignore[arg-type]
            yield f"    property {member_name} -> {found}"
        else:
            yield from (f"    {line}" for line in described_call(member_name, member))


def is_private(base: type[Any]) -> bool:
    return base is object or (
        base.__module__.startswith("sutro") and base.__name__ not in sutro.__all__
    )


def described_error(kind: type[Any]) -> Iterator[str]:
    for parameter in inspect.signature(kind).parameters.values():
        yield described_parameter(parameter)
    attributes = sorted(vars(kind("message")).items())
    yield f"attributes: {', '.join(name for name, _ in attributes) or 'none'}"


def described_fields(kind: type[Any]) -> Iterator[str]:
    for field in dataclasses.fields(kind):
        default = "" if field.default is dataclasses.MISSING else f" = {field.default!r}"
        yield f"{field.name}: {described_type(field.type)}{default}"


def described(name: str, thing: Any) -> Iterator[str]:
    if inspect.isclass(thing):
        yield from described_class(name, thing)
    elif inspect.isfunction(thing):
        yield from described_call(name, thing)
    else:
        yield f"{name}: {type(thing).__name__}"


def test_public_names_signatures_and_fields(snapshot: SnapshotAssertion) -> None:
    lines = [
        line for name in sorted(sutro.__all__) for line in described(name, getattr(sutro, name))
    ]

    assert "\n".join(lines) == snapshot


def test_types_of_arguments(snapshot: SnapshotAssertion) -> None:
    limits = inspect.get_annotations(sutro.options.ServerLimits)
    names = ("Source", "Frame", "EngineFrame", "NamesOption", "HiveOption", "ColumnType")
    lines = [f"ServerLimits.{name}" for name in limits]
    lines += [f"{name} = {described_type(getattr(sutro.sources, name))}" for name in names]

    assert "\n".join(lines) == snapshot


def options_of(command: click.Command, path: str) -> Iterator[str]:
    yield path
    for parameter in command.params:
        names = ", ".join([*parameter.opts, *parameter.secondary_opts])
        marks = ("required", "multiple", "is_flag", "count")
        facts = [parameter.type.name, *(mark for mark in marks if getattr(parameter, mark, False))]
        if isinstance(parameter.type, click.Choice):
            facts.append("|".join(map(str, parameter.type.choices)))
        if parameter.envvar:
            facts.append(f"also {parameter.envvar}")
        yield f"    {names}: {', '.join(facts)}"
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from options_of(below, f"{path} {name}")


def test_options_of_the_command(snapshot: SnapshotAssertion) -> None:
    assert "\n".join(options_of(commands, "sutro")) == snapshot
