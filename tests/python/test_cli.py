"""The command: results on stdout, all else on stderr, exit codes that scripts can use."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import trustme

import sutro
from conftest import PARTS, write_parquet

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunSutro
    from holding_service import HoldingService

LOCAL = ("--api-url", "local:service")


def test_a_dataset_is_created_filled_listed_and_downloaded(
    run_sutro: RunSutro, folder: Path, tmp_path: Path
) -> None:
    created = run_sutro("datasets", "create", *LOCAL)
    assert (created.returncode, created.stderr) == (0, "")
    dataset_id = created.stdout.strip()

    uploaded = run_sutro("datasets", "upload", dataset_id, folder, *LOCAL)
    assert (uploaded.returncode, uploaded.stderr) == (0, "")
    assert "12 files, 12 uploaded" in uploaded.stdout

    assert dataset_id in run_sutro("datasets", "list", *LOCAL).stdout

    files = run_sutro("datasets", "files", dataset_id, *LOCAL).stdout
    assert re.findall(r"part-\d+\.parquet", files) == PARTS

    output = tmp_path / "copy"
    downloaded = run_sutro("datasets", "download", dataset_id, *LOCAL, "--output", output)
    assert downloaded.stdout.splitlines() == [str(output / name) for name in PARTS]
    assert (output / "part-5.parquet").read_bytes() == (folder / "part-5.parquet").read_bytes()


def test_upload_makes_a_dataset_and_finds_its_files_again(
    run_sutro: RunSutro, folder: Path
) -> None:
    first = run_sutro("upload", f"{folder}/*.parquet", *LOCAL)
    dataset_id = first.stdout.partition(":")[0]

    again = run_sutro("upload", folder, "--dataset", dataset_id, *LOCAL)

    assert again.returncode == 0
    assert "12 files, 12 already there" in again.stdout


def test_upload_without_an_id_takes_all_arguments_for_paths(
    run_sutro: RunSutro, folder: Path, tmp_path: Path
) -> None:
    write_parquet(tmp_path / "dataset-1.parquet")

    uploaded = run_sutro(
        "datasets", "upload", "dataset-1.parquet", folder / "part-0.parquet", *LOCAL
    )

    assert "2 files, 2 uploaded" in uploaded.stdout


def test_progress_goes_to_stderr_when_it_is_asked_for(run_sutro: RunSutro, folder: Path) -> None:
    shown = run_sutro("upload", folder, *LOCAL, environment={"SUTRO_PROGRESS": "on"})
    hidden = run_sutro(
        "upload", folder, *LOCAL, "--no-progress", environment={"SUTRO_PROGRESS": "on"}
    )

    assert "files" in shown.stderr
    assert hidden.stderr == ""
    assert shown.stdout.count("part-") == 12


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["upload"], 2),
        (["upload", "nowhere/*.parquet", *LOCAL], 2),
        (["upload", "damaged.parquet", *LOCAL], 3),
        (["datasets", "list"], 4),
        (["datasets", "files", "dataset-unknown", *LOCAL], 7),
    ],
)
def test_an_error_is_a_line_on_stderr_and_an_exit_code(
    run_sutro: RunSutro, tmp_path: Path, arguments: list[str], code: int
) -> None:
    (tmp_path / "damaged.parquet").write_text("no parquet")

    failed = run_sutro(*arguments)

    assert failed.returncode == code
    assert failed.stdout == ""
    assert "Error: " in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_wrong_key_exits_with_4(run_sutro: RunSutro, server: sutro.LocalServer) -> None:
    environment = {"SUTRO_API_KEY": "wrong-key-123", "SUTRO_API_URL": server.api_url}

    refused = run_sutro("datasets", "list", environment=environment)

    assert refused.returncode == 4
    assert "wrong-key-123" not in refused.stderr


def test_an_upload_that_is_partly_done_exits_with_6(
    run_sutro: RunSutro, holding: HoldingService, folder: Path
) -> None:
    holding.commits = 2
    holding.refusal = (413, "the file is too large")
    environment = {"SUTRO_API_KEY": holding.api_key, "SUTRO_API_URL": holding.api_url}

    stopped = run_sutro("upload", folder, environment=environment)

    assert stopped.returncode == 6
    assert "the file is too large" in stopped.stderr


def test_a_warning_is_a_line_on_stderr(run_sutro: RunSutro, server: sutro.LocalServer) -> None:
    environment = {"SUTRO_API_KEY": server.api_key, "SUTRO_BASE_URL": server.api_url}

    listed = run_sutro("datasets", "list", environment=environment)

    assert listed.returncode == 0
    assert listed.stderr.startswith("Warning: SUTRO_BASE_URL")


def test_check_tells_what_an_upload_would_do_and_sends_nothing(
    run_sutro: RunSutro, folder: Path, tmp_path: Path
) -> None:
    accepted = run_sutro("check", folder)
    write_parquet(folder / "part-5.parquet", id=["text"], text=["text"])
    refused = run_sutro("check", folder)

    assert (accepted.returncode, accepted.stderr) == (0, "")
    assert "12 files" in accepted.stdout
    assert (refused.returncode, refused.stderr) == (3, "")
    assert "part-5.parquet" in refused.stdout
    assert not (tmp_path / "service").exists()


def test_login_keeps_a_key_that_works_and_no_other(
    run_sutro: RunSutro, server: sutro.LocalServer, tmp_path: Path
) -> None:
    config = tmp_path / "no-settings" / "config.json"

    first = run_sutro("login", "--api-url", server.api_url, stdin=f"{server.api_key}\n")
    kept = config.read_text()
    listed = run_sutro("datasets", "list")
    wrong = run_sutro("login", "--api-url", server.api_url, stdin="wrong-key-123\n")
    empty = run_sutro("login", "--api-url", server.api_url, stdin="\n")

    assert first.returncode == 0
    assert server.api_key not in first.stdout + first.stderr
    assert json.loads(kept) == {"api_key": server.api_key, "api_url": server.api_url}
    assert config.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in config.parent.iterdir()] == ["config.json"]
    assert (listed.returncode, listed.stderr) == (0, "no datasets\n")
    assert (wrong.returncode, empty.returncode) == (4, 2)
    assert "wrong-key-123" not in wrong.stderr
    assert config.read_text() == kept


def test_login_leaves_other_settings_as_they_are(
    run_sutro: RunSutro, server: sutro.LocalServer, tmp_path: Path
) -> None:
    config = tmp_path / "no-settings" / "config.json"
    config.parent.mkdir()
    config.write_text('{"api_key": "old", "base_url": "http://old", "theme": "dark"}')

    done = run_sutro("login", "--api-url", server.api_url, stdin=f"{server.api_key}\n")

    assert done.returncode == 0
    content = json.loads(config.read_text())
    assert content == {"api_key": server.api_key, "api_url": server.api_url, "theme": "dark"}


def test_json_is_one_document_on_stdout_also_after_an_error(
    run_sutro: RunSutro, folder: Path, tmp_path: Path
) -> None:
    def document(*arguments: object, code: int = 0) -> Any:
        done = run_sutro(*arguments, "--json", *LOCAL)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    dataset_id = document("datasets", "create")["dataset_id"]
    checked = document("check", folder)
    uploaded = document("upload", folder, "--dataset", dataset_id)
    (listed,) = document("datasets", "list")["datasets"]
    files = document("datasets", "files", dataset_id)["files"]
    paths = document("datasets", "download", dataset_id, "--output", tmp_path / "out")["paths"]
    unknown = document("datasets", "files", "dataset-unknown", code=7)
    usage = document("upload", "nowhere/*.parquet", code=2)

    assert (checked["accepted"], checked["error"]) == (True, None)
    assert [file["name"] for file in uploaded["files"]] == PARTS
    assert uploaded["files"][0]["committed"].startswith("20")
    assert (listed["dataset_id"], listed["file_count"]) == (dataset_id, 12)
    assert [file["file_name"] for file in files] == PARTS
    assert paths == [str(tmp_path / "out" / name) for name in PARTS]
    assert (unknown["type"], unknown["report"]) == ("DatasetNotFoundError", None)
    assert "nowhere" in usage["error"]


def test_json_tells_how_far_an_upload_got(
    run_sutro: RunSutro, holding: HoldingService, folder: Path
) -> None:
    holding.commits = 2
    holding.refusal = (413, "the file is too large")
    environment = {"SUTRO_API_KEY": holding.api_key, "SUTRO_API_URL": holding.api_url}

    stopped = run_sutro("upload", folder, "--json", environment=environment)

    told = json.loads(stopped.stdout)
    assert stopped.returncode == 6
    assert told["type"] == "UploadIncompleteError"
    statuses = [file["status"] for file in told["report"]["files"]]
    assert statuses == ["uploaded"] * 2 + ["pending"] * 10


def test_quiet_prints_the_id_and_dry_run_sends_nothing(
    run_sutro: RunSutro, folder: Path, tmp_path: Path
) -> None:
    dry = run_sutro("upload", folder, "--dry-run", *LOCAL)
    assert "would be accepted" in dry.stdout
    assert not (tmp_path / "service").exists()

    quiet = run_sutro("upload", folder, "--quiet", *LOCAL)
    assert (quiet.returncode, quiet.stderr) == (0, "")
    assert quiet.stdout.strip() in run_sutro("datasets", "list", *LOCAL).stdout


def test_doctor_tells_what_is_in_use_but_no_secret(
    run_sutro: RunSutro, server: sutro.LocalServer, tmp_path: Path
) -> None:
    environment = {
        "SUTRO_API_KEY": server.api_key,
        "SUTRO_API_URL": server.api_url,
        "HTTPS_PROXY": "http://user:pass-word@proxy.example:3128",
        "SUTRO_CA_BUNDLE": str(tmp_path / "ca.pem"),
    }
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    well = run_sutro("doctor", environment=environment)
    wrong = run_sutro("doctor", environment=environment | {"SUTRO_API_KEY": "wrong-key-123"})
    missing = run_sutro("doctor")
    local = run_sutro("doctor", "--api-url", "local:another")

    assert (well.returncode, well.stderr) == (0, "")
    for fact in (server.api_url, "from SUTRO_API_KEY", "proxy.example:3128 for https", "ca.pem"):
        assert fact in well.stdout
    for result in (well, wrong):
        for secret in (server.api_key, "wrong-key-123", "pass-word"):
            assert secret not in result.stdout + result.stderr
    assert [result.returncode for result in (wrong, missing, local)] == [4, 4, 0]
    assert "Searched, in this order" in missing.stderr


def test_version_and_help_are_there(run_sutro: RunSutro) -> None:
    assert run_sutro("--version").stdout == f"sutro, version {sutro.__version__}\n"
    assert "datasets" in run_sutro("--help").stdout
