"""The official SDK, release 0.1.60, works unchanged with the server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import PARTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from helpers.shared_place import SharedPlace

SDK = Path(sys.prefix) / "sdk"
"""The SDK's virtual environment. Its package is named `sutro`, too."""

pytestmark = pytest.mark.skipif(
    not SDK.is_dir(), reason="the SDK is not installed: make .venv/stamps/sdk"
)


@pytest.fixture(params=["folder", "postgresql and s3"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sutro.LocalServer]:
    """Takes the place of the fixture that all tests share."""
    if request.param == "folder":
        serving = sutro.LocalServer(tmp_path / "service")
    else:
        place: SharedPlace = request.getfixturevalue("place")
        serving = place.local_server()
    with serving as server:
        yield server


def run(command: str, *arguments: object, folder: Path) -> str:
    done = subprocess.run(
        [SDK / "bin" / command, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "POLARS_TABLE_WIDTH": "400", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def python(server: sutro.LocalServer, folder: Path, lines: str) -> Any:
    """Run code that stores a JSON value in `result`."""
    script = (
        "import json\nfrom sutro.sdk import Sutro\n"
        f"sdk = Sutro({server.api_key!r}, {server.api_url + '/legacy'!r})\n"
        f"{lines}\nprint(); print(json.dumps(result))"
    )
    return json.loads(run("python", "-c", script, folder=folder).splitlines()[-1])


def test_the_calls_of_the_official_sdk_work(
    server: sutro.LocalServer, tmp_path: Path, folder: Path
) -> None:
    dataset_id = python(server, tmp_path, "result = sdk.create_dataset()")
    first, *others = sorted(folder.iterdir())
    rest = tmp_path / "rest"
    rest.mkdir()
    for path in others:
        path.rename(rest / path.name)

    python(
        server,
        tmp_path,
        f"sdk.upload_to_dataset({dataset_id!r}, [{str(first)!r}])\n"
        f"sdk.upload_to_dataset({dataset_id!r}, {str(rest)!r})\n"
        "result = None",
    )
    datasets, files = python(
        server, tmp_path, f"result = [sdk.list_datasets(), sdk.list_dataset_files({dataset_id!r})]"
    )
    (tmp_path / "out").mkdir()
    python(
        server,
        tmp_path,
        f"sdk.download_from_dataset({dataset_id!r}, output_path='out')\nresult = None",
    )

    # The SDK takes a folder as the file system lists it.
    assert files[0] == first.name
    assert sorted(files) == sorted(PARTS)
    assert files == [file.file_name for file in server.client().list_dataset_files(dataset_id)]
    assert [dataset["dataset_id"] for dataset in datasets] == [dataset_id]
    downloaded = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert downloaded == {path.name: path.read_bytes() for path in (first, *rest.iterdir())}


def test_the_command_line_of_the_official_sdk_works(
    server: sutro.LocalServer, tmp_path: Path, folder: Path
) -> None:
    (tmp_path / ".sutro").mkdir()
    config = {"api_key": server.api_key, "base_url": f"{server.api_url}/legacy"}
    (tmp_path / ".sutro" / "config.json").write_text(json.dumps(config))

    def sdk(*arguments: str) -> str:
        return run("sutro", "datasets", *arguments, folder=tmp_path)

    created = sdk("create")
    (dataset,) = server.client().list_datasets()
    server.client().upload(folder, dataset_id=dataset.dataset_id)

    assert dataset.dataset_id in created
    assert dataset.dataset_id in sdk("list")
    listed = sdk("files", dataset.dataset_id)
    assert [line.strip() for line in listed.splitlines() if line.startswith("\t")] == PARTS
    sdk("download", dataset.dataset_id, PARTS[3], ".")
    assert (tmp_path / PARTS[3]).read_bytes() == (folder / PARTS[3]).read_bytes()
