"""Where a server stores datasets: options of the command, and credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import large_parquet_bytes
from helpers import s3
from helpers.raw_client import RawClient
from helpers.server_process import API_KEY, ServerProcess

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunSutro


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--blobs-option=secret_access_key=hush"], "process list"),
        (["--blobs-option=AWS_SESSION_TOKEN=hush"], "process list"),
        (["--blobs-option=endpoint"], "NAME=VALUE"),
        (["--blobs-option=endpont=hush"], "'endpont' is not known"),
        (["--blobs-option=timeout=hush"], "number of seconds"),
        (["--blobs=s3://key:hush@files/tests"], "AWS_ACCESS_KEY_ID"),
        (["--blobs=gs://hush"], "file:FOLDER or s3://"),
        (["--blobs=file:blobs", "--blobs-option=endpoint=hush"], "apply only to files in s3://"),
    ],
)
def test_a_place_that_cannot_be_used_is_rejected_without_its_secrets(
    run_sutro: RunSutro, tmp_path: Path, options: list[str], says: str
) -> None:
    catalog = f"--catalog=sqlite:{tmp_path}/data/catalog.sqlite"
    done = run_sutro("serve", catalog, "--blobs=s3://files/tests", *options)
    assert done.returncode != 0
    assert says in " ".join(done.stderr.split())
    assert "hush" not in done.stderr.replace("NAME=VALUE", "")


def test_an_error_of_a_server_in_a_program_shows_no_option(tmp_path: Path) -> None:
    keys = {"access_key_id": "hush", "secret_access_key": "hush"}
    options = {**keys, "endpoint": "http://127.0.0.1:9", "timeout": "1"}
    with pytest.raises(sutro.ConfigurationError, match="AWS_") as error:
        sutro.LocalServer(
            catalog=f"sqlite:{tmp_path}/catalog.sqlite",
            blobs="s3://files/tests",
            blobs_options=options,
        )
    assert "hush" not in f"{error.value} {error.value!r}"


@pytest.mark.skipif(s3.program() is None, reason=s3.MISSING)
def test_keys_and_endpoint_may_come_from_a_profile(tmp_path: Path) -> None:
    with s3.S3Server() as store:
        (tmp_path / "credentials").write_text(
            "[default]\naws_access_key_id = other\naws_secret_access_key = other\n"
            f"[tests]\naws_access_key_id = tests\naws_secret_access_key = {s3.SECRET}\n"
        )
        (tmp_path / "config").write_text(f"[profile tests]\nendpoint_url = {store.endpoint}\n")
        environment = {
            "AWS_PROFILE": "tests",
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
        }
        place = (f"--catalog=sqlite:{tmp_path}/data/catalog.sqlite", f"--blobs={store.new_place()}")
        with ServerProcess(None, *place, environment=environment) as served:
            client = RawClient(served.api_url, API_KEY)
            dataset, content = client.create_dataset(), large_parquet_bytes()
            assert client.upload(dataset, "a.parquet", content).status == 200
            assert client.download(dataset, "a.parquet") == (200, content)
