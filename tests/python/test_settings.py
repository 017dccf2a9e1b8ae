"""Key and URL come from the same place, and a key is sent only to its own URL."""

from __future__ import annotations

import json
import pickle
import re
from typing import TYPE_CHECKING, Any

import pytest

import sutro
from sutro import settings
from sutro.settings import DEFAULT_API_URL, resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OTHER_URL = "https://api.example.com"


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[object], Path]:
    """Write the config file."""
    monkeypatch.setenv("SUTRO_CONFIG_DIR", str(tmp_path))

    def write(content: object) -> Path:
        path = tmp_path / "config.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_arguments_take_precedence(
    monkeypatch: pytest.MonkeyPatch, config: Callable[[object], Path]
) -> None:
    config({"api_key": "of-file", "api_url": "https://file.example.com"})
    monkeypatch.setenv("SUTRO_API_KEY", "of-environment")
    sutro.set_api_key("of-process")

    assert resolve("of-argument", OTHER_URL) == ("of-argument", OTHER_URL)


def test_a_key_set_in_the_process_takes_precedence_over_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SUTRO_API_KEY", "of-environment")
    monkeypatch.setenv("SUTRO_API_URL", OTHER_URL)
    sutro.set_api_key(" of-process\n")

    assert resolve(None, None) == ("of-process", DEFAULT_API_URL)


def test_the_environment_takes_precedence_over_the_file(
    monkeypatch: pytest.MonkeyPatch, config: Callable[[object], Path]
) -> None:
    config({"api_key": "of-file"})
    monkeypatch.setenv("SUTRO_API_KEY", "of-environment")
    monkeypatch.setenv("SUTRO_API_URL", OTHER_URL + "/")

    assert resolve(None, None) == ("of-environment", OTHER_URL)


@pytest.mark.parametrize("name", ["api_url", "base_url"])
def test_the_config_file_of_the_official_sdk_is_read(
    config: Callable[[object], Path], name: str
) -> None:
    config({"api_key": "of-file", name: OTHER_URL, "more": 1})

    assert resolve(None, None) == ("of-file", OTHER_URL)


def test_settings_are_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUTRO_API_KEY", "first")
    assert resolve(None, None)[0] == "first"
    monkeypatch.setenv("SUTRO_API_KEY", "second")
    assert resolve(None, None)[0] == "second"


def test_a_key_from_the_environment_is_not_sent_to_a_url_from_the_file(
    monkeypatch: pytest.MonkeyPatch, config: Callable[[object], Path]
) -> None:
    config({"api_url": OTHER_URL})
    monkeypatch.setenv("SUTRO_API_KEY", "of-environment")

    assert resolve(None, None) == ("of-environment", DEFAULT_API_URL)


def test_a_key_from_the_file_is_not_sent_to_a_url_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, config: Callable[[object], Path]
) -> None:
    config({"api_key": "of-file"})
    monkeypatch.setenv("SUTRO_API_URL", OTHER_URL)

    with pytest.raises(sutro.MissingKeyError, match=OTHER_URL):
        resolve(None, None)


def test_a_key_is_not_sent_to_a_url_argument_it_was_not_stored_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SUTRO_API_KEY", "of-environment")

    with pytest.raises(sutro.MissingKeyError, match=OTHER_URL):
        resolve(None, OTHER_URL)


def test_a_url_argument_uses_the_key_stored_for_it(
    monkeypatch: pytest.MonkeyPatch, config: Callable[[object], Path]
) -> None:
    config({"api_key": "of-file", "api_url": OTHER_URL})
    monkeypatch.setenv("SUTRO_API_KEY", "of-environment")

    assert resolve(None, OTHER_URL) == ("of-file", OTHER_URL)
    assert resolve(None, DEFAULT_API_URL) == ("of-environment", DEFAULT_API_URL)


def test_a_key_argument_is_not_sent_to_a_url_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert resolve("key", None) == ("key", DEFAULT_API_URL)

    monkeypatch.setenv("SUTRO_API_URL", OTHER_URL)
    with pytest.raises(sutro.ConfigurationError, match="pass api_url"):
        resolve("key", None)


def test_a_local_folder_ignores_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUTRO_API_KEY", "of-environment")

    assert resolve(None, "local:some/folder") == (None, "local:some/folder")
    monkeypatch.setenv("SUTRO_API_URL", "local:other")
    assert resolve(None, None) == (None, "local:other")


def test_a_missing_key_lists_the_places_searched(config: Callable[[object], Path]) -> None:
    path = config({})

    with pytest.raises(sutro.MissingKeyError) as missing:
        sutro.upload("data.parquet")

    for place in ["arguments", "set_api_key", "SUTRO_API_KEY", str(path)]:
        assert place in str(missing.value)


@pytest.mark.parametrize("content", ["{not json, secret-1", "[]", {"api_key": 7}])
def test_a_damaged_config_file_is_named_without_its_content(
    config: Callable[[object], Path], content: object
) -> None:
    path = config(content)

    with pytest.raises(sutro.ConfigurationError) as damaged:
        resolve(None, None)

    assert str(path) in str(damaged.value)
    assert "secret-1" not in str(damaged.value)


def test_a_damaged_config_file_is_ignored_if_it_is_not_needed(
    monkeypatch: pytest.MonkeyPatch, config: Callable[[object], Path]
) -> None:
    config("{not json")
    monkeypatch.setenv("SUTRO_API_KEY", "of-environment")

    assert resolve(None, None) == ("of-environment", DEFAULT_API_URL)
    assert resolve("of-argument", OTHER_URL) == ("of-argument", OTHER_URL)
    assert resolve(None, "local:folder") == (None, "local:folder")


def test_a_user_without_a_home_folder_can_pass_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        message = "Could not determine home directory."
        raise RuntimeError(message)

    monkeypatch.delenv("SUTRO_CONFIG_DIR")
    monkeypatch.setattr("sutro.settings.Path.home", no_home)
    with pytest.raises(sutro.MissingKeyError, match=r"~/\.sutro/config\.json: no key"):
        resolve(None, None)
    with pytest.raises(sutro.ConfigurationError, match="set HOME or SUTRO_CONFIG_DIR"):
        settings.save("key", OTHER_URL)

    monkeypatch.setenv("SUTRO_API_KEY", "of-environment")
    assert resolve(None, None) == ("of-environment", DEFAULT_API_URL)


def test_a_tilde_expands_to_the_home_folder(
    monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    report = sutro.upload("~/data", api_url="local:~/service")
    with sutro.LocalServer("~/other") as server:
        other = server.client().upload(folder).dataset_id
        (path,) = server.client().download_from_dataset(other, "part-3.parquet", "~/copy")

    assert len(report) == 12
    assert path == tmp_path / "copy" / "part-3.parquet"
    assert {"service", "other", "copy"} < {entry.name for entry in tmp_path.iterdir()}


def test_a_local_url_without_a_folder_is_rejected() -> None:
    with pytest.raises(sutro.ConfigurationError, match="use local:FOLDER"):
        sutro.list_datasets(api_url="local:")


def test_the_deprecated_url_variable_is_read_with_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SUTRO_API_KEY", "key")
    monkeypatch.setenv("SUTRO_BASE_URL", OTHER_URL)

    with pytest.warns(sutro.SutroWarning, match="SUTRO_API_URL"):
        assert resolve(None, None) == ("key", OTHER_URL)


@pytest.mark.parametrize("key", ["schlüssel", "a\nb"])
def test_an_invalid_key_is_rejected_and_not_shown(key: str) -> None:
    with pytest.raises(sutro.ConfigurationError) as refused:
        sutro.Client(key)

    assert key not in str(refused.value)


@pytest.mark.parametrize("url", ["api.example.com", "ftp://example.com", "https://"])
def test_an_invalid_url_is_rejected(url: str) -> None:
    with pytest.raises(sutro.ConfigurationError, match="is not the URL of an API"):
        sutro.Client("key", url)


def test_retries_and_timeouts_come_from_arguments_then_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    local = f"local:{tmp_path / 'service'}"
    monkeypatch.setenv("SUTRO_MAX_RETRIES", "many")
    sutro.Client(api_url=local, max_retries=0)
    with pytest.raises(sutro.ConfigurationError, match="SUTRO_MAX_RETRIES must be a number"):
        sutro.Client(api_url=local)
    monkeypatch.setenv("SUTRO_MAX_RETRIES", "3")
    monkeypatch.setenv("SUTRO_TIMEOUT", "-1")
    with pytest.raises(sutro.ConfigurationError, match="SUTRO_TIMEOUT must be a number above"):
        sutro.Client(api_url=local)
    monkeypatch.delenv("SUTRO_TIMEOUT")
    monkeypatch.setenv("SUTRO_CONCURRENCY", "0")
    with pytest.raises(sutro.ConfigurationError, match="SUTRO_CONCURRENCY must be at least 1"):
        sutro.Client(api_url=local).upload(tmp_path)


@pytest.mark.parametrize("number", ["2.7", "nan", "inf"])
def test_counts_in_the_environment_must_be_integers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: str
) -> None:
    local = f"local:{tmp_path / 'service'}"
    monkeypatch.setenv("SUTRO_MAX_RETRIES", number)
    with pytest.raises(sutro.ConfigurationError, match="SUTRO_MAX_RETRIES must be an integer"):
        sutro.Client(api_url=local)
    monkeypatch.delenv("SUTRO_MAX_RETRIES")
    monkeypatch.setenv("SUTRO_CONCURRENCY", number)
    with pytest.raises(sutro.ConfigurationError, match="SUTRO_CONCURRENCY must be an integer"):
        sutro.Client(api_url=local).upload(tmp_path)


@pytest.mark.parametrize("number", [2.9, True, "2"])
def test_the_number_of_retries_must_be_an_integer(tmp_path: Path, number: Any) -> None:
    with pytest.raises(TypeError, match="max_retries must be an integer"):
        sutro.Client(api_url=f"local:{tmp_path}", max_retries=number)


def test_a_settings_warning_points_to_the_caller(
    monkeypatch: pytest.MonkeyPatch, server: sutro.LocalServer
) -> None:
    monkeypatch.setenv("SUTRO_API_KEY", server.api_key)
    monkeypatch.setenv("SUTRO_BASE_URL", server.api_url)
    for call in (sutro.Client, sutro.list_datasets):
        with pytest.warns(sutro.SutroWarning, match="SUTRO_BASE_URL") as warned:
            call()

        assert {warning.filename for warning in warned} == {__file__}


@pytest.mark.parametrize(
    ("options", "attempts"),
    [({"max_retries": 0}, 1), ({"max_retries": 2}, 3), ({"retry_deadline": 1e-6}, 1)],
)
def test_the_retry_limit_and_deadline_are_respected(
    caplog: pytest.LogCaptureFixture, options: Any, attempts: int
) -> None:
    unused_url = "http://127.0.0.1:1"

    with (
        caplog.at_level("WARNING", "sutro"),
        pytest.raises(sutro.TransferError, match="cannot reach"),
    ):
        sutro.Client("key", unused_url, **options).list_datasets()

    retries = [record for record in caplog.records if "retrying" in record.getMessage()]
    assert len(retries) == attempts - 1


def test_a_pickled_client_reads_the_key_where_it_is_unpickled(
    monkeypatch: pytest.MonkeyPatch, server: sutro.LocalServer
) -> None:
    pickled = pickle.dumps(server.client())

    assert server.api_key.encode() not in pickled
    with pytest.raises(sutro.MissingKeyError, match=re.escape(server.api_url)):
        pickle.loads(pickled)
    monkeypatch.setenv("SUTRO_API_KEY", server.api_key)
    monkeypatch.setenv("SUTRO_API_URL", server.api_url)
    assert pickle.loads(pickled).list_datasets() == []


def test_a_pickled_client_keeps_its_key_and_options_on_request(
    server: sutro.LocalServer,
) -> None:
    client = sutro.Client(server.api_key, server.api_url, max_retries=2, pickle_api_key=True)

    # Also a copy of the copy.
    copy = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(client))))

    assert copy.list_datasets() == []
    assert repr(copy) == repr(client)
