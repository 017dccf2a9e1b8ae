"""The command `sutro serve`."""

from __future__ import annotations

import json
import re
import signal
import sys
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import pytest

import sutro
from helpers.server_process import API_KEY, ServerProcess

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunSutro

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process otherwise")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("api_key", [None, API_KEY])
def test_the_server_runs_until_a_signal_and_exits_with_0(
    tmp_path: Path, folder: Path, end: signal.Signals, api_key: str | None
) -> None:
    with ServerProcess(tmp_path / "served", api_key=api_key) as served:
        report = served.client().upload(folder)
        code, stderr = served.end(end)

    assert len(report) == 12
    assert code == 0
    assert "Only this machine" in stderr
    assert "Traceback" not in stderr


def test_keys_are_read_from_arguments_and_a_file_and_see_only_their_own_datasets(
    tmp_path: Path, folder: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_text("# of the team\nalice-key\n\nbob-key\n")

    with ServerProcess(
        tmp_path / "served", f"--api-key-file={keys}", "--api-key=carol-key"
    ) as served:
        clients = [
            sutro.Client(key, served.api_url) for key in ("alice-key", "bob-key", "carol-key")
        ]
        ids = [client.upload(folder).dataset_id for client in clients]
        seen = [[dataset.dataset_id for dataset in client.list_datasets()] for client in clients]
        with pytest.raises(sutro.DatasetNotFoundError, match="not found"):
            clients[0].list_dataset_files(ids[1])

    assert seen == [[dataset_id] for dataset_id in ids]


def test_verbose_logs_each_request(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "served", "-v") as served:
        served.client().list_datasets()
        _, stderr = served.end()

    assert re.search(r" INFO sutro\..*/list-datasets", stderr)


def test_a_key_file_without_keys_is_a_usage_error(run_sutro: RunSutro, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("# nobody\n")

    refused = run_sutro("serve", "--data", "served", "--api-key-file", keys)

    assert refused.returncode == 2
    assert "contains no key" in refused.stderr


def test_without_a_key_the_server_listens_on_loopback_only(run_sutro: RunSutro) -> None:
    refused = run_sutro("serve", "--data", "served", "--host", "0.0.0.0", "--port", "0")

    assert refused.returncode == 2
    assert "pass an API key" in refused.stderr


def test_limits_can_be_set_with_options(tmp_path: Path, folder: Path) -> None:
    with ServerProcess(tmp_path / "served", "--max-file-bytes=100", "--max-datasets=1") as served:
        client = served.client()
        with pytest.raises(sutro.RefusedError, match="100 bytes"):
            client.upload(folder)
        with pytest.raises(sutro.SutroError, match="1 dataset"):
            client.create_dataset()


def test_a_second_server_on_a_folder_names_the_process_that_holds_the_lock(
    tmp_path: Path, run_sutro: RunSutro
) -> None:
    with ServerProcess(tmp_path / "served") as served:
        second = run_sutro("serve", "--data", tmp_path / "served", "--port", "0")

    assert second.returncode == 5, "it may be free later"
    assert str(served.process.pid) in second.stderr


def test_a_request_is_logged_without_the_key(tmp_path: Path, folder: Path) -> None:
    with ServerProcess(tmp_path / "served", environment={"SUTRO_LOG": "info"}) as served:
        served.client().upload(folder)
        _, stderr = served.end()

    uploads = [line for line in stderr.splitlines() if "/stage-file" in line]
    assert len(uploads) == 12
    for line in uploads:
        assert re.search(r"method=POST .*status=200 ms=\d+ bytes_in=\d+", line), line
    assert API_KEY not in stderr


def test_a_server_without_staging_receives_each_upload_in_one_request(
    tmp_path: Path, folder: Path
) -> None:
    environment = {"SUTRO_LOG": "info"}
    options = ["--max-staged-files", "0"]
    with ServerProcess(tmp_path / "served", *options, environment=environment) as served:
        served.client().upload(folder)
        _, stderr = served.end()

    assert stderr.count("/upload-to-dataset") == 12
    assert "/stage-file" not in stderr


def test_serve_provides_health_metrics_and_openapi(tmp_path: Path, folder: Path) -> None:
    def get(call: str) -> str:
        with urlopen(Request(f"{served.api_url}{call}"), timeout=30) as answer:
            return str(answer.read(), "utf-8")

    with ServerProcess(tmp_path / "served") as served:
        served.client().upload(folder)

        assert json.loads(get("/health")) == {"status": "ok"}
        assert "sutro_committed_files_total 12" in get("/metrics")
        assert json.loads(get("/openapi.json"))["openapi"].startswith("3.")


def test_help_explains_every_option(run_sutro: RunSutro) -> None:
    helped = run_sutro("serve", "--help").stdout

    for word in ("--api-key-file", "--allow-host", "/metrics", "413", "SIGTERM", "/legacy"):
        assert word in helped


def test_a_key_on_the_command_line_of_a_public_server_is_warned_about(tmp_path: Path) -> None:
    for host, is_warned in [("0.0.0.0", True), ("127.0.0.1", False)]:
        data = tmp_path / host
        with ServerProcess(data, f"--host={host}", "--api-key=carol-key") as served:
            assert served.has_started
            _, stderr = served.end()
        assert ("process list" in stderr) is is_warned
