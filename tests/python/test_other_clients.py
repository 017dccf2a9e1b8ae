"""The documented examples for other clients work, and broken ones are answered with the fix."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sutro
from helpers.doc_runner import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
FORM_DATA = Path(sys.prefix) / "node" / "node_modules"
"""Where `make` installs the npm package form-data."""

EXAMPLES = [
    block
    for block in blocks(ROOT / "docs/service.md")
    if "/upload-to-dataset" in block.code and "cars" in block.code
]

BROKEN_PYTHON = """
import requests

answer = requests.post(
    "http://127.0.0.1:8000/upload-to-dataset",
    headers={"Authorization": "Key my-key"},
    files={"file": open("data/cars-1970.parquet", "rb")},
    json={"dataset_id": "cars"},
)
print(answer.status_code, answer.text)
"""

BROKEN_NODE = """
const FormData = require("form-data");
const fs = require("fs");

const form = new FormData();
form.append("dataset_id", "cars");
form.append("file", fs.createReadStream("data/cars-1970.parquet"));
const headers = { Authorization: "Key my-key", ...HEADERS };
fetch("http://127.0.0.1:8000/upload-to-dataset", { method: "POST", headers, body: form })
  .then(async (answer) => console.log(answer.status, await answer.text()))
  .then(() => process.exit(0));
"""

needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not FORM_DATA.is_dir(),
    reason="Node or npm's form-data is missing: make .venv/stamps/form-data",
)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[sutro.LocalServer]:
    shutil.copytree(ROOT / "examples/data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NODE_PATH", str(FORM_DATA))
    with sutro.LocalServer(tmp_path / "service", api_keys=["my-key"]) as server:
        yield server


def run(server: sutro.LocalServer, language: str, code: str) -> str:
    code = code.replace("http://127.0.0.1:8000", server.api_url)
    command = {
        "sh": ["bash", "-euc", code],
        "python": [sys.executable, "-c", code],
        "js": ["node", "--input-type=module", "--eval", code],
        "commonjs": ["node", "--eval", code],
    }[language]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_node
def test_the_examples_for_curl_python_and_node_upload_files(served: sutro.LocalServer) -> None:
    for example in EXAMPLES:
        run(served, example.language, example.code)

    assert [example.language for example in EXAMPLES] == ["sh", "python", "js"]
    names = [file.file_name for file in served.client().list_dataset_files("cars")]
    assert names == ["cars-1970.parquet", "cars-1971.parquet", "cars-1972.parquet"]


@needs_node
@pytest.mark.parametrize(
    ("language", "code", "fix"),
    [
        ("python", BROKEN_PYTHON, "data={'dataset_id': ...}"),
        ("commonjs", BROKEN_NODE.replace("HEADERS", "form.getHeaders()"), "fs.openAsBlob"),
        ("commonjs", BROKEN_NODE.replace("HEADERS", "{}"), "fs.openAsBlob"),
    ],
    ids=["json beside files", "form-data with its headers", "form-data alone"],
)
def test_responses_to_broken_examples_of_the_api_documentation_show_the_fix(
    served: sutro.LocalServer, language: str, code: str, fix: str
) -> None:
    run(served, "sh", EXAMPLES[0].code.splitlines()[0])

    status, answer = run(served, language, code).split(maxsplit=1)

    assert status == "400"
    assert fix in json.loads(answer)["error"]
    assert served.client().list_dataset_files("cars") == []
