"""The command: results on stdout, messages on stderr, exit codes for scripts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import trustme

import sutro
from conftest import PARTS, write_parquet

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunSutro
    from helpers.holding_server import HoldingServer

LOCAL = ("--api-url", "local:service")


def test_the_dataset_commands_create_upload_list_and_download(
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


def test_upload_creates_a_dataset_and_a_second_run_skips_its_files(
    run_sutro: RunSutro, folder: Path
) -> None:
    first = run_sutro("upload", f"{folder}/*.parquet", *LOCAL)
    dataset_id = first.stdout.partition(":")[0]

    again = run_sutro("upload", folder, "--dataset", dataset_id, *LOCAL)

    assert again.returncode == 0
    assert "12 files, 12 already there" in again.stdout


def test_upload_without_an_id_treats_all_arguments_as_paths(
    run_sutro: RunSutro, folder: Path, tmp_path: Path
) -> None:
    write_parquet(tmp_path / "dataset-1.parquet")

    uploaded = run_sutro(
        "datasets", "upload", "dataset-1.parquet", folder / "part-0.parquet", *LOCAL
    )

    assert "2 files, 2 uploaded" in uploaded.stdout


def test_progress_is_written_to_stderr_on_request(run_sutro: RunSutro, folder: Path) -> None:
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
def test_an_error_prints_one_line_to_stderr_and_sets_the_exit_code(
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


def test_a_partial_upload_exits_with_6(
    run_sutro: RunSutro, holding: HoldingServer, folder: Path
) -> None:
    holding.commits = 2
    holding.refusal = (413, "the file is too large")
    environment = {"SUTRO_API_KEY": holding.api_key, "SUTRO_API_URL": holding.api_url}

    stopped = run_sutro("upload", folder, environment=environment)

    assert stopped.returncode == 6
    assert "the file is too large" in stopped.stderr


def test_a_warning_prints_one_line_to_stderr(
    run_sutro: RunSutro, server: sutro.LocalServer
) -> None:
    environment = {"SUTRO_API_KEY": server.api_key, "SUTRO_BASE_URL": server.api_url}

    listed = run_sutro("datasets", "list", environment=environment)
    asked = run_sutro("doctor", environment=environment)

    assert (listed.returncode, asked.returncode) == (0, 0)
    for result in (listed, asked):
        assert result.stderr.startswith("Warning: SUTRO_BASE_URL is deprecated")
        assert result.stderr.count("Warning") == 1


def test_check_reports_what_an_upload_would_do_without_sending(
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


def test_json_prints_one_document_to_stdout_even_after_an_error(
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


def test_json_includes_the_partial_report_of_a_failed_upload(
    run_sutro: RunSutro, holding: HoldingServer, folder: Path
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


def test_advice_names_options_and_does_not_change_paths(
    run_sutro: RunSutro, tmp_path: Path
) -> None:
    partition = tmp_path / "recompress=True"
    partition.mkdir()
    pq.write_table(pa.table({"id": [1]}), partition / "part.parquet", compression="gzip")

    advice = run_sutro("check", "recompress=True/part.parquet").stdout

    assert "  recompress=True/part.parquet: " in advice
    assert "; --recompress recompresses it during the upload\n" in advice


def test_options_reach_the_upload(run_sutro: RunSutro, folder: Path) -> None:
    below = folder / "below"
    below.mkdir()
    write_parquet(below / "part-12.parquet")
    write_parquet(folder / "tmp-1.parquet", other=[1])
    write_parquet(folder / "part-5.parquet", text=["a"], id=[1])
    table = pa.table({"id": [1], "text": ["a"]})
    pq.write_table(table, folder / "part-7.parquet", compression="gzip")
    options = ("--recursive", "--exclude", "tmp-*", "--exclude", "part-3.*", "--recompress")

    refused = run_sutro("check", folder, *options)
    checked = run_sutro("check", folder, *options, "--on-mismatch", "cast")
    uploaded = run_sutro(
        "upload", folder, *options, "--on-mismatch=cast", "--unordered", "--timeout=30", *LOCAL
    )

    assert (refused.returncode, checked.returncode, uploaded.returncode) == (3, 0, 0)
    assert "12 files, 12 uploaded" in uploaded.stdout
    assert re.search(r"part-5\.parquet +uploaded, cast", uploaded.stdout)
    assert re.search(r"part-7\.parquet +uploaded, recompressed", uploaded.stdout)
    for name in ("part-3.parquet", "tmp-1.parquet"):
        assert name not in uploaded.stdout


@pytest.mark.parametrize(
    ("given", "options", "names"),
    [
        (("part-1", "part-10", "part-2"), (), ["part-1", "part-2", "part-10"]),
        (("part-1", "part-10", "part-2"), ("--sort=given",), ["part-1", "part-10", "part-2"]),
        (("part-2", "part-1"), (), ["part-2", "part-1"]),
        (("part-2", "part-1"), ("--sort=natural",), ["part-1", "part-2"]),
    ],
)
def test_paths_sorted_by_a_shell_are_uploaded_in_natural_order(
    run_sutro: RunSutro, folder: Path, given: list[str], options: list[str], names: list[str]
) -> None:
    paths = [folder / f"{name}.parquet" for name in given]

    uploaded = run_sutro("upload", *paths, *options, *LOCAL)

    assert re.findall(r"(part-\d+)\.parquet", uploaded.stdout) == names
    is_told = bool(re.search("part-2.parquet comes before .*part-10.parquet", uploaded.stderr))
    assert is_told is (not options and set(names) > {"part-10"})


def test_quiet_prints_only_what_scripts_need(run_sutro: RunSutro, folder: Path) -> None:
    def quiet(*arguments: object) -> str:
        done = run_sutro(*arguments, "--quiet", *LOCAL)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    assert quiet("datasets", "list") == ""
    dataset_id = quiet("upload", folder).strip()
    assert quiet("datasets", "list") == f"{dataset_id}\n"
    assert quiet("datasets", "files", dataset_id).splitlines() == PARTS
    assert quiet("check", folder) == ""

    refused = run_sutro("check", folder, write_parquet(folder / "odd.parquet", a=[1]), "--quiet")
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "odd.parquet" in refused.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no broken pipes of this kind")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["check", "data"], 0),
        (["check", "data", "--json"], 0),
        (["upload", "--help"], 0),
        (["datasets", "files", "dataset-none", "--json", *LOCAL], 7),
    ],
)
def test_a_closed_pipe_on_stdout_is_not_reported_as_an_error(
    folder: Path, arguments: list[str], code: int
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "sutro", *arguments]

    done = subprocess.run(
        command, cwd=folder.parent, stdout=writer, stderr=subprocess.PIPE, check=False
    )

    os.close(writer)
    assert done.returncode == code
    assert b"Broken" not in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_name_that_stdout_cannot_encode_is_escaped(run_sutro: RunSutro, folder: Path) -> None:
    write_parquet(folder / "データ.parquet")
    environment = {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}

    checked = run_sutro("check", folder, environment=environment)
    documented = run_sutro("check", folder, "--json", environment=environment)

    assert (checked.returncode, documented.returncode) == (0, 0)
    assert r"\u30c7\u30fc\u30bf.parquet" in checked.stdout
    assert "データ.parquet" in [file["name"] for file in json.loads(documented.stdout)["files"]]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are Unicode")
def test_a_name_that_is_not_unicode_is_rejected_with_a_message(run_sutro: RunSutro) -> None:
    refused = run_sutro("upload", "caf\udce9.parquet", *LOCAL)

    assert refused.returncode == 2
    assert "its name is not UTF-8" in refused.stderr


def test_quiet_prints_the_id_and_dry_run_sends_nothing(
    run_sutro: RunSutro, folder: Path, tmp_path: Path
) -> None:
    dry = run_sutro("upload", folder, "--dry-run", *LOCAL)
    assert "would be accepted" in dry.stdout
    assert not (tmp_path / "service").exists()

    quiet = run_sutro("upload", folder, "--quiet", *LOCAL)
    assert (quiet.returncode, quiet.stderr) == (0, "")
    assert quiet.stdout.strip() in run_sutro("datasets", "list", *LOCAL).stdout


def test_doctor_shows_the_settings_in_use_without_secrets(
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


def test_doctor_has_json_output(run_sutro: RunSutro, server: sutro.LocalServer) -> None:
    environment = {"SUTRO_API_KEY": server.api_key, "SUTRO_API_URL": server.api_url}

    well = json.loads(run_sutro("doctor", "--json", environment=environment).stdout)
    wrong = run_sutro("doctor", "--json", environment=environment | {"SUTRO_API_KEY": "wrong"})

    assert (well["url"], well["sutro"]) == (server.api_url, sutro.__version__)
    assert "from SUTRO_API_KEY" in well["key"]
    assert "works" in well["connection"]
    assert wrong.returncode == 4
    told = json.loads(wrong.stdout)
    assert (told["url"], told["type"]) == (server.api_url, "AuthenticationError")


def test_version_and_help_are_printed(run_sutro: RunSutro) -> None:
    assert run_sutro("--version").stdout == f"sutro, version {sutro.__version__}\n"
    assert "datasets" in run_sutro("--help").stdout


def test_retries_are_logged_at_intervals(run_sutro: RunSutro) -> None:
    environment = {"SUTRO_API_KEY": "key", "SUTRO_API_URL": "http://127.0.0.1:9"}
    environment["SUTRO_MAX_RETRIES"] = "2"

    done = run_sutro("datasets", "list", environment=environment)
    logged = run_sutro("datasets", "list", "--verbose", environment=environment)

    note, error = done.stderr.splitlines()
    assert note == "Note: retrying: cannot reach 127.0.0.1:9: Connection refused"
    assert error == "Error: cannot reach 127.0.0.1:9: Connection refused"
    assert "Note:" not in logged.stderr
    assert logged.stderr.count("retrying") == 2
