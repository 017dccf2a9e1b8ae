"""Run the example notebook in a real kernel against the embedded server."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbclient import NotebookClient

if TYPE_CHECKING:
    import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def quickstart() -> nbformat.NotebookNode:
    return nbformat.read(EXAMPLES / "quickstart.ipynb", as_version=4)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cell: nbformat.NotebookNode) -> str:
    """The output of a cell as a notebook shows it: HTML if available."""
    texts = []
    for output in cell.outputs:
        data = output.get("data", {})
        texts.append(output.get("text") or data.get("text/html") or data.get("text/plain", ""))
    return "\n".join(texts)


def test_the_quickstart_prints_what_its_text_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(EXAMPLES / "data", tmp_path / "data")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = quickstart()

    client = NotebookClient(notebook, timeout=50, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()

    outputs = [shown(cell) for cell in code_cells(notebook) if cell.outputs]
    check, upload, again, report, years, frames, mismatch, cast = outputs
    assert "12 files, 406 rows, 67.6 kB, 1 schema: an upload would be accepted" in check
    assert "12 files, 12 uploaded" in upload
    assert "12 files, 12 already there" in again
    assert "cars-1970.parquet" in report
    assert "17.689655" in years
    assert "Europe.parquet" in frames
    assert "pandas stores int with missing values as float" in mismatch
    assert "uploaded, cast" in cast


def test_the_quickstart_is_committed_without_outputs() -> None:
    """Outputs depend on the day and the machine. The guide contains them, compared by a test."""
    cells = code_cells(quickstart())

    assert [cell.source for cell in cells if cell.outputs or cell.execution_count] == []
