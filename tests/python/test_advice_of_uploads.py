"""The advice in upload errors works when followed literally, and the error attributes are typed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

import sutro

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parents[2] / "docs"
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def days(second: pl.DataFrame) -> Iterator[pl.DataFrame]:
    yield pl.DataFrame({"day": [1]})
    yield second


def test_the_suggested_fix_for_a_mismatched_frame_works(
    client: sutro.Client,
) -> None:
    with pytest.raises(sutro.UploadIncompleteError) as caught:
        client.upload(days(pl.DataFrame({"other": ["x"]})))
    words, dataset_id = str(caught.value), caught.value.report.dataset_id

    report = client.upload(days(pl.DataFrame({"day": [2]})), dataset_id)

    assert words.startswith(f"the first file is in {dataset_id}, in order; then: ")
    assert words.endswith(". Fix this, then run the upload again with this dataset id to resume")
    assert ".." not in words
    assert "Run the same upload again" not in words
    assert [file.status for file in report] == ["skipped", "uploaded"]


def test_a_further_unnamed_frame_is_appended(client: sutro.Client) -> None:
    dataset_id = client.create_dataset()
    for day in range(3):
        client.upload(pl.DataFrame({"day": [day]}), dataset_id)

    assert len(client.list_dataset_files(dataset_id)) == 3


def test_the_suggested_fix_for_a_frame_name_in_use_works(
    client: sutro.Client,
) -> None:
    report = client.upload({"part-00000": pl.DataFrame({"day": [1]})})
    more = pl.DataFrame({"day": [2]})

    with pytest.raises(sutro.FileExistsInDatasetError) as caught:
        client.upload({"part-00000": more}, report.dataset_id)
    client.upload({"day-2": more}, report.dataset_id)
    client.upload([more], report.dataset_id, names=["day-3"])

    assert "part-00000.parquet, with other content. To add files, give them other names" in str(
        caught.value
    )
    assert "(names=, or a dict)" in str(caught.value)
    assert "earlier run" not in str(caught.value)
    names = [file.file_name for file in client.list_dataset_files(report.dataset_id)]
    assert names == ["part-00000.parquet", "day-2.parquet", "day-3.parquet"]


def test_the_report_attribute_of_an_error_has_the_documented_type(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    blocks = [
        block
        for page in sorted(DOCS.rglob("*.md"))
        for block in re.findall(
            r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
        )
        if re.search(r"error\.report\.dataset_id", block)
    ]
    assert blocks
    for number, block in enumerate(blocks):
        checked = tmp_path / f"snippet_{number}.py"
        checked.write_text(f"import sutro\n\n{block}", encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", str(tmp_path)]
    command += [f"--cache-dir={tmp_path / 'cache'}"]

    found = subprocess.run(command, capture_output=True, text=True, check=False)

    assert found.returncode == 0, found.stdout + found.stderr
