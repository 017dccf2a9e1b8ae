"""Python and the command have a text for every hint, and everything it names exists."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from string import Formatter

import click
import pytest

import sutro
from sutro import _hints
from sutro.cli.commands import commands
from sutro.cli.hints import COMMAND

ROOT = Path(__file__).parents[2]
FACES = pytest.mark.parametrize("words", [_hints.PYTHON, COMMAND], ids=["python", "command"])


def hints_of_the_core() -> dict[str, set[str]]:
    """The hints in `src/hint.rs` with their fields, under the names used in the tables."""
    source = (ROOT / "src" / "hint.rs").read_text("utf-8")
    many = re.DOTALL | re.MULTILINE
    [body] = re.findall(r"^pub enum Hint \{\n(.*?)^\}", source, many)
    variants = re.findall(r"^    ([A-Z]\w+)(?: \{\n(.*?)^    \})?,$", body, many)
    return {
        re.sub(r"\B(?=[A-Z])", "_", name).lower(): set(re.findall(r"^ +(\w+): ", fields, many))
        for name, fields in variants
    }


def hints_of_python() -> set[str]:
    """The hints that only the Python package raises."""
    sources = (path.read_text("utf-8") for path in (ROOT / "python" / "sutro").rglob("*.py"))
    return {name for source in sources for name in re.findall(r'hint\(["\'](\w+)["\']', source)}


@FACES
def test_python_and_the_command_have_a_text_for_every_hint_and_no_other(
    words: dict[str, str],
) -> None:
    assert "fetch_file" in hints_of_the_core()
    assert set(words) == {*hints_of_the_core(), *hints_of_python()}


@FACES
def test_hint_texts_use_only_the_fields_of_their_hint(words: dict[str, str]) -> None:
    for name, facts in hints_of_the_core().items():
        used = {field for _, field, _, _ in Formatter().parse(words[name]) if field}
        assert used <= facts, name


@pytest.mark.parametrize("words", _hints.PYTHON.values(), ids=_hints.PYTHON)
def test_hint_texts_for_python_name_existing_arguments_and_functions(words: str) -> None:
    public = {name: getattr(sutro, name) for name in sutro.__all__}
    public |= dict(inspect.getmembers(sutro.Client))
    calls = filter(inspect.isfunction, public.values())
    arguments = {name for call in calls for name in inspect.signature(call).parameters}

    assert set(re.findall(r"\b(\w+)=", words)) <= arguments
    assert set(re.findall(r"\b([a-z]+(?:_[a-z]+)+)\b", words)) <= {
        *arguments,
        *public,
        "url_to_fs",  # of fsspec
    }
    assert not re.search(r"(?<!serve )--[a-z]", words)


@pytest.mark.parametrize("words", COMMAND.values(), ids=COMMAND)
def test_hint_texts_for_the_command_name_existing_options(words: str) -> None:
    values = options(commands)

    for option, value in re.findall(r"(--[a-z-]+)(?: ([a-z0-9]+))?", words):
        choices = values[option]
        assert choices is None or value in choices
    assert not re.search(r"\w=", words), "an argument of Python"


def options(command: click.Command) -> dict[str, tuple[str, ...] | None]:
    """All options of a command and its subcommands, with their choices."""
    found: dict[str, tuple[str, ...] | None] = {}
    for parameter in command.params:
        choices = parameter.type.choices if isinstance(parameter.type, click.Choice) else None
        names = (*parameter.opts, *parameter.secondary_opts)
        found |= dict.fromkeys(names, None if choices is None else tuple(choices))
    if isinstance(command, click.Group):
        for below in command.commands.values():
            found |= options(below)
    return found
