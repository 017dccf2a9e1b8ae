"""The server's responses match its OpenAPI document."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import sutro

SCHEMATHESIS = Path(sys.prefix) / "schemathesis" / "bin" / "schemathesis"


@pytest.mark.timeout(300)
@pytest.mark.skipif(
    not SCHEMATHESIS.is_file(),
    reason="schemathesis is not installed: make .venv/stamps/schemathesis",
)
def test_every_response_matches_the_openapi_document(
    server: sutro.LocalServer, tmp_path: Path
) -> None:
    done = subprocess.run(
        [
            *(SCHEMATHESIS, "run", f"{server.api_url}/openapi.json"),
            *("--header", f"Authorization: Key {server.api_key}"),
            # A document cannot say what a parquet file is: others are refused.
            *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
            *("--max-examples", "200", "--warnings", "off", "--no-color"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
