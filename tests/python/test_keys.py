"""`sutro keys` adds, lists and revokes the keys that servers find in their catalog."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

import sutro
from helpers import postgres, s3
from helpers.server_process import ServerProcess
from helpers.shared_place import SharedPlace
from helpers.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunSutro


def document(run_sutro: RunSutro, *arguments: object) -> dict[str, Any]:
    done = run_sutro("keys", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def accepts(api_url: str, key: str) -> bool:
    try:
        sutro.Client(key, api_url).try_authentication()
    except sutro.AuthenticationError:
        return False
    return True


def refuses(api_url: str, key: str) -> bool:
    return not accepts(api_url, key)


def test_a_key_is_printed_once_and_listed_without_it(run_sutro: RunSutro, tmp_path: Path) -> None:
    place = ("--data", tmp_path / "service")
    added = run_sutro("keys", "add", "team-a", *place)
    assert added.returncode == 0, added.stderr
    key = added.stdout.strip()
    assert re.fullmatch("sutro_[0-9a-f]{64}", key)
    assert "not shown again" in added.stderr
    second = document(run_sutro, "add", "team-b", *place)
    assert second["api_key"] != key

    listed = run_sutro("keys", "list", *place)
    assert key not in listed.stdout
    assert second["key_id"] in listed.stdout
    keys = document(run_sutro, "list", *place)["keys"]
    assert [found["name"] for found in keys] == ["team-a", "team-b"]
    assert keys[1] == {name: second[name] for name in ("name", "key_id", "created_at")}
    assert key.encode() not in (tmp_path / "service" / "catalog.sqlite").read_bytes()


def test_a_replaced_key_keeps_the_datasets_while_the_server_runs(
    run_sutro: RunSutro, tmp_path: Path, folder: Path
) -> None:
    place = ("--data", tmp_path / "service")
    first = document(run_sutro, "add", "team", *place)
    with ServerProcess(tmp_path / "service", api_key=None) as served:
        old = sutro.Client(first["api_key"], served.api_url)
        dataset_id = old.upload(folder).dataset_id
        second = document(run_sutro, "add", "team", *place)
        other = document(run_sutro, "add", "other", *place)
        for key in (second["api_key"], other["api_key"]):
            wait_for(partial(accepts, served.api_url, key))
        new = sutro.Client(second["api_key"], served.api_url)
        assert [found.dataset_id for found in new.list_datasets()] == [dataset_id]
        stranger = sutro.Client(other["api_key"], served.api_url)
        assert stranger.list_datasets() == []
        with pytest.raises(sutro.DatasetNotFoundError):
            stranger.list_dataset_files(dataset_id)
        revoked = run_sutro("keys", "revoke", first["key_id"], *place)
        assert revoked.stdout.split() == [first["key_id"]]
        wait_for(partial(refuses, served.api_url, first["api_key"]))
        assert len(new.list_dataset_files(dataset_id)) == 12


def test_a_server_with_keys_in_its_catalog_generates_none(
    run_sutro: RunSutro, tmp_path: Path
) -> None:
    data = tmp_path / "service"
    key = document(run_sutro, "add", "team", "--data", data)["api_key"]
    with ServerProcess(data, api_key=None) as served:
        assert accepts(served.api_url, key)
    with sutro.LocalServer(data) as server:
        with pytest.raises(sutro.ConfigurationError, match="keys of its catalog"):
            server.client()
        assert accepts(server.api_url, key)
    with sutro.LocalServer(data, api_keys=["given"]) as server:
        assert accepts(server.api_url, key)
        assert accepts(server.api_url, "given")
    # Whoever has the folder sees all datasets.
    assert sutro.Client(api_url=f"local:{data}").list_datasets() == []
    assert run_sutro("keys", "revoke", "team", "--data", data).returncode == 0
    with ServerProcess(data, api_key=None) as served:
        assert accepts(served.api_url, served.api_key)
        assert not accepts(served.api_url, key)


def test_a_key_of_a_file_moves_into_the_catalog_with_its_datasets(
    run_sutro: RunSutro, tmp_path: Path
) -> None:
    data, file = tmp_path / "service", tmp_path / "keys.txt"
    file.write_text("# the key of the team\nkey-of-the-team\n")
    with ServerProcess(data, api_key="key-of-the-team") as served:
        dataset_id = sutro.Client("key-of-the-team", served.api_url).create_dataset()
    moved = document(run_sutro, "add", "team", "--key-file", file, "--data", data)
    assert moved["api_key"] is None
    with ServerProcess(data, api_key=None) as served:
        found = sutro.Client("key-of-the-team", served.api_url).list_datasets()
        assert [dataset.dataset_id for dataset in found] == [dataset_id]
    file.write_text("one\ntwo\n")
    refused = run_sutro("keys", "add", "team", "--key-file", file, "--data", data)
    assert refused.returncode == 2
    assert "2 keys" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "two words"), "cannot be used"),
        (("add", "0123456789ab"), "cannot be used"),
        (("list",), "catalog"),
        (("revoke", "team"), "catalog"),
    ],
)
def test_what_cannot_be_done_is_said_and_creates_nothing(
    run_sutro: RunSutro, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = run_sutro("keys", *arguments, "--data", tmp_path / "nowhere")
    assert done.returncode == 2
    assert words in done.stderr
    assert not (tmp_path / "nowhere").exists()


def test_a_catalog_must_be_named_and_an_unknown_key_is_an_error(
    run_sutro: RunSutro, tmp_path: Path
) -> None:
    assert "'--data' or '--catalog'" in run_sutro("keys", "list").stderr
    document(run_sutro, "add", "team", "--catalog", f"sqlite:{tmp_path}/catalog.sqlite")
    unknown = run_sutro("keys", "revoke", "nobody", "--data", tmp_path)
    assert unknown.returncode == 2
    assert "nobody" in unknown.stderr


@pytest.mark.timeout(180)
@pytest.mark.skipif(postgres.binaries() is None, reason=postgres.MISSING)
@pytest.mark.skipif(s3.program() is None, reason=s3.MISSING)
def test_servers_with_one_catalog_share_keys_and_revocations(run_sutro: RunSutro) -> None:
    with postgres.PostgresServer() as database, s3.S3Server() as store:
        place = SharedPlace(database, store)
        catalog = place.options()[:2]
        first = document(run_sutro, "add", "team", *catalog)
        with place.serve(api_key=None) as one, place.serve(api_key=None) as other:
            dataset_id = sutro.Client(first["api_key"], one.api_url).create_dataset()
            second = document(run_sutro, "add", "team", *catalog)
            for served in (one, other):
                assert accepts(served.api_url, first["api_key"])
                url, key = served.api_url, second["api_key"]
                wait_for(partial(accepts, url, key))
                found = sutro.Client(key, url).list_datasets()
                assert [dataset.dataset_id for dataset in found] == [dataset_id]
            document(run_sutro, "revoke", first["key_id"], *catalog)
            for served in (one, other):
                url, key = served.api_url, first["api_key"]
                wait_for(partial(refuses, url, key))
                assert accepts(url, second["api_key"])
