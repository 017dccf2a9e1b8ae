"""The code of the guides of engines is run, and prints what the page says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from helpers.doc_runner import DocRunner, blocks

if TYPE_CHECKING:
    from engines import Engine

ROOT = Path(__file__).parents[2]


@pytest.mark.usefixtures("server")
def test_the_blocks_of_a_guide_do_what_it_says(engine: Engine) -> None:
    page = ROOT / f"docs/guides/engines/{engine.name}.md"
    if not page.exists():
        pytest.skip("it is on the page of Daft")
    with DocRunner(page) as reader:
        for block in blocks(page):
            reader.read(block)
        reader.end()
