"""Docs, docstrings and help state the defaults of the core."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import sutro
from sutro import _core, options

_DOCS = Path(__file__).parents[2] / "docs"
_UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "h": 3600}
_DEFAULTS = _core.defaults()
_LIMITS = sorted(options.ServerLimits.__annotations__)
_CLIENT = sorted(set(_DEFAULTS) - set(_LIMITS) - {"concurrency"})


def _number(text: str) -> float:
    """Return the number of a text such as `100 GiB`, `10,000` or `60 s`."""
    found = re.fullmatch(r"([\d,]+) ?(\w*)", text)
    assert found, text
    return int(found[1].replace(",", "")) * _UNITS.get(found[2], 1)


def _default_in(docs: str) -> float:
    """Return the number of a docstring such as "... Default: `SUTRO_TIMEOUT`, then 60."."""
    found = re.search(r"Default:\s+(?:`\w+`,\s+then\s+)?([\d,]+(?: [KMGT]iB)?)(?:\.| \()", docs)
    assert found, docs
    return _number(found[1])


def _argument(function: object, name: str) -> str:
    """Return the lines of one argument of a docstring."""
    lines = (inspect.getdoc(function) or "").splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"    {name}: "))
    rest = lines[start + 1 :]
    end = next(at for at, line in enumerate(rest) if not line.startswith(" " * 8))
    return "\n".join([lines[start], *rest[:end]])


def _row(page: str, cell: str) -> list[str]:
    """Return the cells of the row of a table whose cell begins with this code."""
    rows = [
        re.split(r" *\| *", line.strip("| ")) for line in (_DOCS / page).read_text().splitlines()
    ]
    return next(row for row in rows if any(it.startswith(f"`{cell}`") for it in row))


def test_the_table_has_a_default_for_every_option_with_a_number() -> None:
    timeouts = set(options.ClientOptions.__annotations__) - {"certificates", "state_folder"}
    assert set(_DEFAULTS) == {"concurrency", *timeouts, *_LIMITS}


@pytest.mark.parametrize("name", _CLIENT)
def test_the_client_docstring_states_the_default(name: str) -> None:
    assert _default_in(_argument(sutro.Client, name)) == _DEFAULTS[name]


@pytest.mark.parametrize(
    "function",
    [
        sutro.upload,
        sutro.upload_async,
        sutro.Client.upload,
        sutro.Client.upload_async,
        sutro.download_from_dataset,
        sutro.Client.download_from_dataset,
    ],
)
def test_docstrings_state_the_default_concurrency(function: object) -> None:
    assert _default_in(_argument(function, "concurrency")) == _DEFAULTS["concurrency"]


@pytest.mark.parametrize("name", _LIMITS)
def test_the_docstring_of_a_limit_states_the_default(name: str) -> None:
    source = inspect.getsource(options.ServerLimits)
    found = re.search(rf'    {name}: \w+\n    """(.*?)"""', source, re.DOTALL)
    assert found, source
    assert _default_in(found[1]) == _DEFAULTS[name]


@pytest.mark.parametrize("name", [*_CLIENT, "concurrency"])
def test_the_network_page_states_the_default(name: str) -> None:
    assert _number(_row("guides/network.md", name)[-1]) == _DEFAULTS[name]


@pytest.mark.parametrize("name", ["concurrency", "max_retries"])
def test_the_settings_page_states_the_default(name: str) -> None:
    words = _row("reference/settings.md", f"SUTRO_{name.upper()}")[-1]
    assert _number(words.partition("default ")[2]) == _DEFAULTS[name]


@pytest.mark.parametrize("name", _LIMITS)
def test_the_server_page_states_the_default(name: str) -> None:
    row = _row("service.md", f"--{name.replace('_', '-')}")
    assert _number(row[1]) == _DEFAULTS[name]
