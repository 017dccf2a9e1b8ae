"""Makes the functions and the async twins of the package from the methods of `Client`.

The methods have the signatures and docstrings; nothing repeats them by hand. The output is
committed: `make format` writes it anew, and `make lint` fails if it is stale (`--check`).
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from itertools import product
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "python/sutro"
SOURCES = {"": "client.py", "upload_": "uploads.py"}
TWINLESS = {"read"}
"""It sends no request, and its result can be iterated in both ways."""
METHODS_ONLY = {"try_authentication"}
CLIENTS = {"check": "client_for_check(dataset_id, api_key, api_url)"}
"""How a function makes its client, if not as others do."""
ASYNC_NOTE = """\
Runs in the current event loop without blocking it. Cancelling the task cancels the call."""
KEY_ARGUMENTS = """\
    api_key: The API key. Default: the key from `set_api_key`, then `SUTRO_API_KEY`, then
        `~/.sutro/config.json`.
    api_url: The URL of the API that the key is for, or `local:FOLDER`. Default: the URL from
        the same place as the key, or the hosted API.
"""
IMPORTS = """\
from sutro import _core
from sutro._public import public
from sutro._run.driver import in_loop
from sutro.client import Client, client_for_check
"""


def methods_of(source: str) -> list[ast.FunctionDef]:
    """Find the public methods of the class in a module."""
    kind = next(node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    methods = [node for node in kind.body if isinstance(node, ast.FunctionDef)]
    return [node for node in methods if not (node.name.startswith("_") or node.decorator_list)]


def overloads_of(source: str, name: str) -> list[ast.FunctionDef]:
    """Find the overloads of a method."""
    kind = next(node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    methods = [node for node in kind.body if isinstance(node, ast.FunctionDef)]
    return [node for node in methods if node.name == name and node.decorator_list]


def awaited(code: str, twins: set[str]) -> str:
    """Call and await the twins of methods."""
    names = "|".join(sorted(twins))
    return re.sub(rf"\b((?:self|client|sutro)\.(?:{names}))\(", r"await \1_async(", code)


def docstring(
    method: ast.FunctionDef, twins: set[str], *, is_async: bool, is_function: bool
) -> str:
    """Adapt the docstring of a method: a function has two arguments more, a twin is awaited."""
    words = ast.get_docstring(method) or ""
    if is_function:
        words = words.replace("client.", "sutro.")
        found = "\n\nReturns:" if "\n\nReturns:" in words else "\n\nRaises:"
        head, found, rest = words.partition(found)
        start = "" if "Args:" in head else "\n\nArgs:"
        words = f"{head}{start}\n{KEY_ARGUMENTS.rstrip()}{found}{rest}"
    if is_async:
        summary, _, rest = words.partition("\n\n")
        words = awaited(f"{summary}\n\n{ASYNC_NOTE}\n\n{rest}", twins)
        words = words.replace("UploadInterrupted: Ctrl-C", "CancelledError: The task was cancelled")
    return f"{words.rstrip()}\n"


def signature(method: ast.FunctionDef, *, is_async: bool, is_function: bool) -> str:
    """Write the first line of the function or the twin of a method."""
    arguments = ast.unparse(method.args)
    if is_function:
        star = [] if method.args.kwonlyargs else ["*"]
        own = [part for part in [arguments.removeprefix("self").removeprefix(", ")] if part]
        keys = ["api_key: str | None = None", "api_url: str | None = None"]
        arguments = ", ".join(own + star + keys)
    call, twin = ("async def", "_async") if is_async else ("def", "")
    returns = ast.unparse(method.returns or ast.Constant(None))
    return f"{call} {method.name}{twin}({arguments}) -> {returns}:"


def made(
    method: ast.FunctionDef,
    overloads: list[ast.FunctionDef],
    twins: set[str],
    *,
    is_async: bool,
    is_function: bool,
) -> str:
    """Write the function or the twin of a method."""
    body = "\n".join(map(ast.unparse, method.body[1:]))
    if is_function:
        given = [argument.arg for argument in method.args.args[1:]]
        given += [f"{argument.arg}={argument.arg}" for argument in method.args.kwonlyargs]
        client = CLIENTS.get(method.name, "Client(api_key, api_url)")
        name = f"{method.name}{'_async' * is_async}"
        body = f"return {'await ' * is_async}{client}.{name}({', '.join(given)})"
    elif is_async:
        body = awaited(re.sub(r"\bhere\(", "await in_loop(", body), twins)
    words = docstring(method, twins, is_async=is_async, is_function=is_function)
    inside = textwrap.indent(f'"""{words}"""\n{body}', "    ")
    kinds = [
        f"@overload\n{signature(kind, is_async=is_async, is_function=is_function)} ...\n\n"
        for kind in overloads
    ]
    head = signature(method, is_async=is_async, is_function=is_function)
    return f"{''.join(kinds)}{'@public' * is_function}\n{head}\n{inside}"


def module(file: str, twins: set[str], *, is_async: bool, is_function: bool) -> str:
    """Write the module of the functions or twins of the methods in a file."""
    source = (PACKAGE / file).read_text()
    left_out = (TWINLESS if is_async else set()) | (METHODS_ONLY if is_function else set())
    parts = [
        made(
            method,
            overloads_of(source, method.name),
            twins,
            is_async=is_async,
            is_function=is_function,
        )
        for method in methods_of(source)
        if method.name not in left_out
    ]
    code = "\n\n".join(parts)
    if not is_function:
        name = "AsyncUploads" if file == "uploads.py" else "AsyncCalls"
        head = f'class {name}:\n    """Async twins of calls."""\n\n    __slots__ = ()\n\n'
        code = f"{head}    _core: _core.Client\n\n{textwrap.indent(code, '    ')}"
    title = f'"""Made from `sutro/{file}` by `tools/generate_calls.py`: do not edit."""'
    imports = source[source.index("from __future__") : source.index("\n\n\n")]
    imports = imports.replace("\nif TYPE_CHECKING", f"{IMPORTS}\nif TYPE_CHECKING")
    lines = [line for line in imports.splitlines() if "_generated" not in line]
    imports = "\n".join(line for at, line in enumerate(lines) if line not in lines[:at] or not line)
    return formatted(f"{title}\n\n{imports}\n\n{code}\n")


def formatted(code: str) -> str:
    """Format code, and leave out imports that it does not use."""
    ruff = str(Path(sys.executable).with_name("ruff"))
    name = ["--stdin-filename", str(PACKAGE / "_generated/made.py"), "-"]
    fix = ["check", "--quiet", "--fix", "--unsafe-fixes", "--select=F401,E402,I,TC", "--exit-zero"]
    for command in ([ruff, *fix, *name], [ruff, "format", *name]):
        run = subprocess.run(command, input=code, capture_output=True, text=True, check=True)
        code = run.stdout
    return code


def main() -> None:
    """Write what is stale, or fail with its names."""
    twins = {
        method.name
        for file in SOURCES.values()
        for method in methods_of((PACKAGE / file).read_text())
    } - TWINLESS
    stale = []
    for (prefix, file), (kind, is_async) in product(
        SOURCES.items(), (("functions", False), ("functions", True), ("methods", True))
    ):
        path = PACKAGE / f"_generated/{'async_' * is_async}{prefix}{kind}.py"
        code = module(file, twins, is_async=is_async, is_function=kind == "functions")
        if not path.exists() or path.read_text() != code:
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(code)
    if stale and "--check" in sys.argv:
        sys.exit(f"stale in sutro/_generated: {', '.join(stale)}; run `make format`")


if __name__ == "__main__":
    main()
