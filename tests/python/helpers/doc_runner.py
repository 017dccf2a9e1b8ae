"""Run the code blocks of a documentation page, as a reader would type them."""

from __future__ import annotations

import ast
import asyncio
import doctest
import inspect
import re
import socket
import subprocess
import traceback
import warnings
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Self

import sutro

ENGINE_PAGES = [
    Path(__file__).parents[3] / f"docs/guides/engines/{name}.md"
    for name in ("daft", "dask", "ray", "spark")
]
"""Pages whose code needs the environment of `make test-engines`, which runs it."""

API_KEY = "my-key"
"""The key in the pages' examples that start a server."""

PORT = "8000"
"""The port in the pages' examples. A free port replaces it."""

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    language: str
    code: str
    line: int
    """The line of the page where the code begins."""


def blocks(page: Path) -> list[Block]:
    source = page.read_text()
    fences = re.finditer(r"^```(\S*)[^\n]*\n(.*?)^```$", source, re.MULTILINE | re.DOTALL)
    return [
        Block(fence[1], fence[2], source.count("\n", 0, fence.start(2)) + 1) for fence in fences
    ]


class Checker(doctest.OutputChecker):
    """Compares output, ignoring ids, times and ports. `...` matches anything."""

    CHANGING = (
        (r"dataset-[0-9a-f-]{36}", "dataset-ID"),
        (r"file_[0-9a-f]{32}", "file_ID"),
        (r"\b\d+\.\d s\b", "0.0 s"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(Z|\+00:00)?", "TIME"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    )

    def normalised(self, text: str) -> str:
        for pattern, stand_in in self.CHANGING:
            text = re.sub(pattern, stand_in, text)
        return text

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(self.normalised(want), self.normalised(got), optionflags)


class DocRunner:
    """Runs Python blocks in one interpreter and shell blocks in one shell, and compares the output.

    An error or a warning is a failure unless the `text` block that follows shows it.
    """

    def __init__(self, page: Path) -> None:
        self._page = page
        self._namespace: dict[str, Any] = {"__name__": "__main__"}
        self._printed: str | None = None
        self._unsaid = ""
        self._servers = ExitStack()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = str(free.getsockname()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._servers.close()

    def read(self, block: Block) -> None:
        if block.language == "text":
            self._compare(block)
            return
        assert not self._unsaid, self._unsaid
        code = block.code.replace(PORT, self._port)
        if block.language == "python":
            self._python(code, block.line)
        elif block.language == "sh":
            self._shell(code, block.line)

    def end(self) -> None:
        assert not self._unsaid, self._unsaid

    def _compare(self, block: Block) -> None:
        if self._printed is None:
            return  # before the first block that is run it is a drawing
        checker, expected = Checker(), doctest.Example("", block.code)
        difference = checker.output_difference(expected, self._printed, FLAGS)
        is_same = checker.check_output(block.code, self._printed, FLAGS)
        assert is_same, f"line {block.line}: {difference}"
        self._unsaid = ""

    def _python(self, code: str, line: int) -> None:
        # Behind so many empty lines, a traceback has the lines of the page.
        source = "\n" * (line - 1) + code
        program = compile(source, self._page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        printed = StringIO()
        with warnings.catch_warnings(record=True) as warned, redirect_stdout(printed):
            warnings.simplefilter("always", sutro.SutroWarning)
            try:
                result = eval(program, self._namespace)
                if inspect.iscoroutine(result):
                    asyncio.run(result)
            except Exception as error:  # noqa: BLE001 - whatever the page says it raises
                self._unsaid = "".join(traceback.format_exception(error))
                printed.writelines(traceback.format_exception_only(error))
        for warning in warned:
            words = f"{warning.category.__name__}: {warning.message}\n"
            self._unsaid += words
            printed.write(words)
        self._printed = printed.getvalue()

    def _shell(self, code: str, line: int) -> None:
        if "sutro serve" in code:
            self._serve(code)
            return
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", _with_exit_codes(code)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            input=f"{API_KEY}\n",
            text=True,
            check=False,
            timeout=50,
        )
        assert done.returncode == 0, f"line {line}: {done.stdout}"
        self._printed = done.stdout

    def _serve(self, code: str) -> None:
        """Keep the last command of a block running until the end of the page."""
        *lines, serve = code.replace("\\\n", "").strip().splitlines()
        server = subprocess.Popen(
            ["bash", "-euc", "\n".join([*lines, f"exec env {serve}"])],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._servers.enter_context(server)
        self._servers.callback(server.terminate)
        assert server.stdout is not None
        self._printed = server.stdout.readline()
        assert self._printed.startswith("Serving"), code


def _with_exit_codes(code: str) -> str:
    """Expect exit code 3 from a line that ends with `# exits with 3`, and 0 from all others."""
    return re.sub(
        r"^(.+?) +# exits with (\d+)\b.*$",
        r"code=0; \1 || code=$?; test $code = \2",
        code,
        flags=re.MULTILINE,
    )
