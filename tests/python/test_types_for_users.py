"""User programs pass pyright in strict mode."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from helpers.doc_runner import ENGINE_PAGES, blocks

REPOSITORY = Path(__file__).parents[2]
PAGES = [
    REPOSITORY / "README.md",
    *sorted({*(REPOSITORY / "docs").rglob("*.md")} - {*ENGINE_PAGES}),
]
"""Without those whose libraries are only in the environment of `make test-engines`."""

UNTYPED = re.compile(r"^import (pandas|pyarrow|duckdb)|batch\.num_rows", re.MULTILINE)
"""Libraries with incomplete types. Unknown types of theirs are not reported."""

THEIRS = (
    *("reportMissingTypeStubs", "reportUnknownArgumentType", "reportUnknownMemberType"),
    *("reportUnknownVariableType", "reportArgumentType"),
)

OF_PAGES = ("reportDuplicateImport", "reportUnusedExpression", "reportUnusedFunction")
"""Rules that do not apply to code that runs from top to bottom, or to the last line of a cell."""

PROGRAM = """\
import asyncio
from pathlib import Path

import sutro


def upload_again(folder: Path) -> str:
    try:
        return sutro.upload(folder, on_mismatch="cast", progress=show).dataset_id
    except sutro.UploadIncompleteError as error:
        return sutro.upload(folder, error.report.dataset_id).dataset_id
    except sutro.UploadInterrupted as interrupt:
        if interrupt.report is None:
            raise
        return interrupt.report.dataset_id


def show(progress: sutro.Progress) -> None:
    print(progress.bytes_sent, progress.files_total)


async def names(dataset_id: str) -> list[str]:
    client = sutro.Client(api_url="local:./datasets", max_retries=3)
    files = await client.list_dataset_files_async(dataset_id)
    await client.download_from_dataset_async(dataset_id, [file.file_name for file in files])
    return [file.file_name for file in files if (file.row_count or 0) > 0]


def is_good(paths: list[Path], content: bytes) -> bool:
    checked = sutro.check(paths)
    report = sutro.upload({"content": content}, checked.dataset_id, dry_run=True)
    print([column for column, _ in checked.schemas[0]], report[0].committed, report[1:])
    return bool(checked) and checked.error is None


if __name__ == "__main__":
    print(asyncio.run(names(upload_again(Path("data")))))
"""


def program_of(page: Path) -> str:
    """The code of a page as one module, with `await` moved into a function."""
    parts: list[str] = []
    for number, block in enumerate(block for block in blocks(page) if block.language == "python"):
        code = block.code
        if re.search(r"^\S.*\bawait\b", code, re.MULTILINE):
            lines = "".join(f"    {line}\n" for line in code.splitlines())
            code = f"async def _block_{number}() -> None:\n{lines}"
        parts.append(code)
    code = "\n".join(parts)
    forgiven = (*OF_PAGES, *(THEIRS if UNTYPED.search(code) else ()))
    rules = ", ".join(f"{rule}=false" for rule in forgiven)
    own_import = "" if re.search(r"^import sutro", code, re.MULTILINE) else "import sutro\n"
    return f"# pyright: {rules}\n{own_import}{code}" if parts else ""


def pyright_errors(folder: Path) -> list[str]:
    config = {"typeCheckingMode": "strict"}
    (folder / "pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath"]
    command += [sys.executable, str(folder)]

    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    assert run.stdout, run.stderr
    found: list[dict[str, Any]] = json.loads(run.stdout)["generalDiagnostics"]
    return [
        f"{Path(one['file']).name}:{one['range']['start']['line'] + 1}: {one['message']} "
        f"({one.get('rule')})"
        for one in found
    ]


@pytest.mark.timeout(300)
def test_programs_and_the_code_of_the_docs_pass_pyright_in_strict_mode(tmp_path: Path) -> None:
    pytest.importorskip("basedpyright")
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    # The libraries of engines are in an environment of their own.
    for number, page in enumerate(page for page in PAGES if page not in ENGINE_PAGES):
        if code := program_of(page):
            name = f"{page.stem.replace('-', '_').lower()}_{number}.py"
            (tmp_path / name).write_text(code, encoding="utf-8")

    assert pyright_errors(tmp_path) == []


@pytest.mark.timeout(300)
def test_pyright_reports_a_mistake_in_a_program(tmp_path: Path) -> None:
    pytest.importorskip("basedpyright")
    mistakes = "import sutro\n\nsutro.upload(1)\nsutro.upload('data').dataset\n"
    (tmp_path / "program.py").write_text(mistakes, encoding="utf-8")

    found = pyright_errors(tmp_path)

    assert [complaint.split(":")[1] for complaint in found if "reportA" in complaint] == ["3", "4"]
