"""Run the code blocks of the documentation, and compare their output with the page.

The blocks of a page run in order, in one namespace and one folder that contains `examples/data` as
`data`. The environment has the key and URL of an embedded server.
"""

from __future__ import annotations

import asyncio
import doctest
import importlib
import inspect
import os
import re
import shutil
import sys
from io import StringIO
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING

import pytest

import sutro
from helpers import s3
from helpers.doc_runner import API_KEY, ENGINE_PAGES, FLAGS, Checker, DocRunner, blocks
from sutro._hints import PYTHON
from sutro.cli.errors import EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

NOT_RUN = {
    "console": "needs a package index, a toolchain, an account, or someone at the keyboard",
    "pycon": "needs the service's own SDK, in an environment of its own: see test_sdk.py",
    "js": "needs Node: see test_other_clients.py",
    "sql": "needs an extension of DuckDB, which it downloads",
    "json": "is the content of a file or of an answer",
}
"""Languages of blocks that are not run. `text` is the output of the block before it."""

THIS_NETWORK = {"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
THIS_NETWORK |= {f"{scheme}_PROXY" for scheme in ("HTTP", "HTTPS", "ALL", "NO")}
THIS_NETWORK |= {name.lower() for name in THIS_NETWORK}
"""Variables of the machine that the tests run on, which `sutro doctor` would tell."""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A folder with data, and settings for an embedded server."""
    folder = tmp_path / "folder"
    for data in ("data", "examples/data"):
        shutil.copytree(ROOT / "examples/data", folder / data)
    monkeypatch.chdir(folder)
    for name in os.environ.keys() & THIS_NETWORK:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    with sutro.LocalServer(tmp_path / "service", api_keys=[API_KEY]) as server:
        monkeypatch.setenv("SUTRO_API_KEY", API_KEY)
        monkeypatch.setenv("SUTRO_API_URL", server.api_url)
        yield


@pytest.fixture
def object_store(page: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An S3 server for the page about object stores."""
    if page.name != "stores.md":
        yield
        return
    if s3.program() is None:
        pytest.skip(s3.MISSING)
    with s3.S3Server() as store:
        for name, value in store.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        yield


@pytest.mark.skipif(sys.platform == "win32", reason="the pages' shell is a Unix one")
@pytest.mark.usefixtures("workspace", "object_store")
@pytest.mark.parametrize("page", [page for page in PAGES if page not in ENGINE_PAGES], ids=name_of)
def test_the_code_blocks_of_a_page_do_what_it_says(page: Path) -> None:
    with DocRunner(page) as reader:
        for block in blocks(page):
            reader.read(block)
        reader.end()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_code_block_is_run_or_listed_as_an_exception(page: Path) -> None:
    languages = {block.language for block in blocks(page)}

    assert languages <= {"python", "sh", "text", *NOT_RUN}
    assert page.read_text().count("```") == 2 * len(blocks(page)), "a block is not closed"


def doctests() -> Iterator[doctest.DocTest]:
    finder = doctest.DocTestFinder()
    public = {name: getattr(sutro, name) for name in sutro.__all__ if name != "__version__"}
    for name, thing in {"": sutro.__doc__, **public}.items():
        # What a class inherits is not found by itself.
        for owner in thing.__mro__[:-1] if inspect.isclass(thing) else [thing]:
            yield from finder.find(owner, f"sutro.{name}", module=False, globs={"sutro": sutro})


EXAMPLES = {test.name: test for test in doctests() if test.examples}


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("name", EXAMPLES)
def test_docstring_examples_do_what_they_say(name: str) -> None:
    example, printed = EXAMPLES[name], StringIO()
    example.globs |= {"client": sutro.Client(), "_run": asyncio.run}
    for line in example.examples:
        # As a notebook does, which has a running event loop.
        line.source = re.sub(r"\bawait (.+)", r"_run(\1)", line.source)
    runner = doctest.DocTestRunner(Checker(), verbose=False, optionflags=FLAGS)

    results = runner.run(example, out=printed.write)

    assert results.failed == 0, printed.getvalue()


def test_every_public_function_has_an_example() -> None:
    functions = {
        f"sutro.{name}" for name in sutro.__all__ if inspect.isfunction(getattr(sutro, name))
    }

    assert functions <= EXAMPLES.keys()


def test_every_error_is_on_the_errors_page() -> None:
    page = (ROOT / "docs/errors.md").read_text()
    headings = set(re.findall(r"^##+ (\w+)$", page, re.MULTILINE))
    public = (getattr(sutro, name) for name in sutro.__all__)
    errors = {
        thing.__name__
        for thing in public
        if isinstance(thing, type) and issubclass(thing, BaseException)
    }

    assert errors <= headings


def test_messages_quoted_on_the_errors_page_exist() -> None:
    """Compares messages that no code block can produce with the sources."""
    files = [*(ROOT / "src").rglob("*.rs"), *(ROOT / "python").rglob("*.py")]
    # A message that fills more than a line: Rust has a backslash there, Python a string for each.
    next_line = re.compile(r'\\\n\s*|"\n\s*f?"')
    sources = next_line.sub("", "".join(file.read_text(encoding="utf-8") for file in files))
    quotes = re.findall(r"^> (.+)$", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
    # Hints stand in the middle of messages.
    hints = (text for words in PYTHON.values() for text, *_ in Formatter().parse(words))
    of_a_hint = "|".join(map(re.escape, sorted(filter(None, hints), key=len, reverse=True)))
    of_a_fact = r"…|\bHOST\b|\bFILE\b|\bID\b|(?: for )?part-7.parquet|\d+|: "
    parts = [
        part.strip() for quote in quotes for part in re.split(f"{of_a_hint}|{of_a_fact}", quote)
    ]

    assert len(quotes) > 8
    assert [part for part in parts if part not in sources] == []


def test_the_command_line_page_lists_the_exit_codes() -> None:
    page = (ROOT / "docs/guides/command-line.md").read_text()
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}

    assert codes == {0, 1, 2, *(code for _, code in EXIT_CODES)}


def test_every_public_name_is_in_the_reference() -> None:
    pages = [page.read_text() for page in (ROOT / "docs/reference").glob("*.md")]
    named = {
        name for page in pages for name in re.findall(r"^::: sutro\.([\w.]+)$", page, re.MULTILINE)
    }
    # A directive for a module shows all of its errors.
    modules = [importlib.import_module(f"sutro.{name}") for name in named if "_errors." in name]
    named |= {name for module in modules for name in vars(module)}

    assert {*sutro.__all__} - named == {"__version__"}
