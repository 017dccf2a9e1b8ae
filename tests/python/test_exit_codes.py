"""The exit code and `--json` tell scripts the kind of error."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

import sutro
from conftest import write_parquet
from helpers.processes import interrupt_sutro
from helpers.tls_server import TlsServer, server_context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conftest import RunSutro
    from helpers.holding_server import HoldingServer

LOCAL = ("--api-url", "local:service")
FULL = Path("/dev/full")


@pytest.fixture
def unused_url() -> str:
    """A URL at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def check_code(run_sutro: RunSutro, holding: HoldingServer) -> Callable[..., str]:
    """Run a failing command twice, as text and with `--json`, and check its exit code."""

    def check(code: int, *arguments: object, environment: Mapping[str, str] | None = None) -> str:
        environment = environment or {
            "SUTRO_API_KEY": holding.api_key,
            "SUTRO_API_URL": holding.api_url,
        }
        in_words = run_sutro(*arguments, environment=environment)
        holding.names.clear()
        in_json = run_sutro(*arguments, "--json", environment=environment)
        document: Any = json.loads(in_json.stdout)

        assert (in_words.returncode, in_json.returncode) == (code, code)
        assert in_words.stdout == ""
        assert in_words.stderr.splitlines()[-1].strip()
        assert "Error: " in in_words.stderr
        assert "Traceback" not in in_words.stderr
        assert document["exit_code"] == code
        assert document["error"] in in_json.stderr
        kind: str = document["type"]
        return kind

    return check


def test_exit_code_0_is_for_success_even_if_every_file_was_skipped(
    run_sutro: RunSutro, folder: Path
) -> None:
    first = run_sutro("upload", folder, *LOCAL, "--quiet")
    again = run_sutro("upload", folder, *LOCAL, "--dataset", first.stdout.strip())

    assert (first.returncode, again.returncode) == (0, 0)
    assert "12 already there" in again.stdout


def test_exit_code_1_is_for_any_other_error(
    check_code: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    with sutro.LocalServer(tmp_path / "service") as server:
        dataset_id = server.client().upload(folder).dataset_id
    no_folder = write_parquet(tmp_path / "file.parquet") / "below"

    download = ("datasets", "download", dataset_id, *LOCAL, "--output", no_folder)

    assert check_code(1, *download) == "FileAccessError"


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("--nonsense",),
        ("upload",),
        ("upload", "data", "--nonsense"),
        ("upload", "data", "--concurrency", "0"),
        ("upload", "nowhere/*.parquet", *LOCAL),
        ("check", "data", "--on-mismatch", "guess"),
        ("check", "data", "--timeout", "soon"),
        ("datasets", "upload", "dataset-1"),
    ],
)
def test_exit_code_2_is_for_wrong_usage(
    check_code: Callable[..., str], arguments: tuple[str, ...]
) -> None:
    check_code(2, *arguments)


def test_exit_code_2_is_for_an_invalid_setting(check_code: Callable[..., str]) -> None:
    check_code(2, "upload", "data", environment={"SUTRO_TIMEOUT": "soon"})
    check_code(
        2, "datasets", "list", environment={"SUTRO_API_KEY": "key", "SUTRO_API_URL": "nonsense"}
    )


def test_a_wrong_url_exits_with_1_and_a_bad_certificate_with_2_so_that_retry_loops_end(
    check_code: Callable[..., str],
) -> None:
    context = server_context()
    trustme.CA().issue_cert("localhost").configure_cert(context)
    for service, code, kind in [
        (TlsServer(lambda connection: connection), 1, "NotTheApiError"),
        (TlsServer.with_context(context), 2, "CertificateError"),
    ]:
        with service:
            environment = {"SUTRO_API_KEY": "key", "SUTRO_API_URL": service.url}
            assert check_code(code, "datasets", "list", environment=environment) == kind


def test_exit_code_3_is_for_files_that_fail_the_check(
    check_code: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.parquet"
    damaged.write_text("no parquet")
    other = write_parquet(tmp_path / "other.parquet", number=[1])
    with sutro.LocalServer(tmp_path / "service") as server:
        dataset_id = server.client().upload(folder).dataset_id
    to_it = ("--dataset", dataset_id, *LOCAL)

    assert check_code(3, "upload", damaged) == "InvalidParquetError"
    assert check_code(3, "upload", tmp_path / "missing.parquet") == "CheckError"
    assert check_code(3, "upload", other, folder) == "SchemaMismatchError"
    taken = ("upload", folder / "part-5.parquet", folder / "part-3.parquet", *to_it)
    assert check_code(3, *taken) == "FileExistsInDatasetError"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all files")
def test_exit_code_3_is_for_a_file_without_read_permission(
    check_code: Callable[..., str], folder: Path
) -> None:
    (folder / "part-5.parquet").chmod(0)

    assert check_code(3, "upload", folder / "part-5.parquet") == "CheckError"


def test_exit_code_4_is_for_the_key(
    check_code: Callable[..., str], server: sutro.LocalServer
) -> None:
    wrong = {"SUTRO_API_KEY": "wrong-key-123", "SUTRO_API_URL": server.api_url}

    assert check_code(4, "datasets", "list", environment=wrong) == "AuthenticationError"
    without = {"SUTRO_API_URL": server.api_url}
    assert check_code(4, "datasets", "list", environment=without) == "MissingKeyError"


def test_exit_code_5_is_for_temporary_errors(
    check_code: Callable[..., str], unused_url: str
) -> None:
    environment = {"SUTRO_API_KEY": "key", "SUTRO_API_URL": unused_url, "SUTRO_MAX_RETRIES": "0"}

    assert check_code(5, "datasets", "list", environment=environment) == "TransferError"


def test_exit_code_5_is_for_a_failing_server(
    check_code: Callable[..., str], holding: HoldingServer, folder: Path
) -> None:
    holding.refusal = (503, "down for a while")
    environment = {
        "SUTRO_API_KEY": holding.api_key,
        "SUTRO_API_URL": holding.api_url,
        "SUTRO_MAX_RETRIES": "0",
    }

    assert check_code(5, "upload", folder, environment=environment) == "ServerError"


def test_exit_code_6_is_for_a_partial_upload(
    check_code: Callable[..., str], holding: HoldingServer, folder: Path
) -> None:
    holding.commits = 2
    holding.refusal = (413, "the file is too large")

    assert check_code(6, "upload", folder) == "UploadIncompleteError"


def test_exit_code_7_is_for_a_rejection_by_the_server(
    check_code: Callable[..., str], holding: HoldingServer, folder: Path
) -> None:
    holding.refusal = (413, "the file is too large")

    assert check_code(7, "upload", folder) == "RefusedError"
    assert check_code(7, "datasets", "files", "dataset-none", *LOCAL) == "DatasetNotFoundError"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_exit_code_130_is_for_ctrl_c(holding: HoldingServer, folder: Path) -> None:
    holding.commits = 2
    done = interrupt_sutro(holding, holding.api_key, "upload", folder, "--json")

    document = json.loads(done.stdout)
    assert (done.returncode, document["exit_code"]) == (130, 130)
    assert document["type"] == "UploadInterrupted"
    statuses = [file["status"] for file in document["report"]["files"]]
    assert statuses == ["uploaded"] * 2 + ["pending"] * 10
    assert "2 of 12 files are in dataset-held" in done.stderr


@pytest.mark.parametrize("log", ["", "debug"])
def test_a_bug_prints_one_line_and_a_stack_trace_only_on_request(
    run_python: Callable[..., Any], log: str
) -> None:
    script = (
        "import sys, sutro; from sutro.cli.commands import main\n"
        "def check(*_, **__): raise KeyError('of a defect')\n"
        "sutro.check = check; sys.argv[1:] = ['check', 'data', '--json']; main()"
    )

    failed = run_python("-c", script, environment={"SUTRO_LOG": log})

    assert failed.returncode == 1
    assert json.loads(failed.stdout)["type"] == "KeyError"
    assert "Error: KeyError: 'of a defect'" in failed.stderr
    assert "SUTRO_LOG=debug" in failed.stderr
    assert ("Traceback" in failed.stderr) is (log == "debug")


@pytest.mark.skipif(not FULL.exists(), reason="Linux has a disk that is always full")
@pytest.mark.parametrize("how", [(), ("--json",), ("--quiet",)])
def test_a_write_error_on_stdout_is_reported(
    tmp_path: Path, folder: Path, how: tuple[str, ...]
) -> None:
    with FULL.open("w") as full:
        failed = subprocess.run(
            [sys.executable, "-m", "sutro", "upload", folder, *LOCAL, *how],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=50,
        )

    assert (failed.returncode, failed.stderr) == (1, "Error: stdout: No space left on device\n")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell closes the streams")
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("command", "code"), [("upload data -q", 0), ("upload nowhere", 3), ("login", 2)]
)
def test_closed_streams_do_not_change_the_exit_code(
    tmp_path: Path, closed: str, command: str, code: int
) -> None:
    url = "http://127.0.0.1:1" if command == "login" else "local:service"
    shell = f'"$0" -m sutro {command} --api-url {url} {closed}'

    done = subprocess.run(
        ["sh", "-c", shell, sys.executable],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )

    assert done.returncode == code
    assert "not expected" not in done.stderr
