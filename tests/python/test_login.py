"""The command `sutro login` stores a working key and never shows it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import sutro
    from conftest import RunSutro


def test_login_stores_only_a_key_that_works(
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


def test_login_does_not_change_other_settings(
    run_sutro: RunSutro, server: sutro.LocalServer, tmp_path: Path
) -> None:
    config = tmp_path / "no-settings" / "config.json"
    config.parent.mkdir()
    config.write_text('{"api_key": "old", "base_url": "http://old", "theme": "dark"}')

    done = run_sutro("login", "--api-url", server.api_url, stdin=f"{server.api_key}\n")

    assert done.returncode == 0
    content = json.loads(config.read_text())
    assert content == {"api_key": server.api_key, "api_url": server.api_url, "theme": "dark"}


def test_a_second_login_uses_the_same_server(
    run_sutro: RunSutro, server: sutro.LocalServer
) -> None:
    key = f"{server.api_key}\n"
    run_sutro("login", "--api-url", server.api_url, stdin=key)

    again = run_sutro("login", stdin=key)

    assert again.returncode == 0
    assert again.stderr.startswith(f"Saved the key for {server.api_url} in ")


def test_login_warns_that_the_environment_takes_precedence(
    run_sutro: RunSutro, server: sutro.LocalServer
) -> None:
    environment = {"SUTRO_API_URL": server.api_url}

    done = run_sutro("login", stdin=f"{server.api_key}\n", environment=environment)

    assert done.returncode == 0
    assert "Note: SUTRO_API_KEY or SUTRO_API_URL is set" in done.stderr


def test_login_reports_where_the_key_cannot_be_stored(
    run_sutro: RunSutro, server: sutro.LocalServer, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    environment = {"SUTRO_CONFIG_DIR": str(tmp_path / "file" / "below")}

    failed = run_sutro(
        "login", "--api-url", server.api_url, stdin=f"{server.api_key}\n", environment=environment
    )

    assert failed.returncode == 2
    assert re.search("^Error: cannot (read|write) .*config.json", failed.stderr)
    assert server.api_key not in failed.stderr


def test_login_does_not_retry_a_refused_connection(run_sutro: RunSutro) -> None:
    unused_url = "http://127.0.0.1:1"
    environment = {"SUTRO_LOG": "info"}

    failed = run_sutro("login", "--api-url", unused_url, stdin="key\n", environment=environment)

    assert failed.returncode == 5
    assert "cannot reach 127.0.0.1:1" in failed.stderr
    assert "retrying" not in failed.stderr
