"""Uploads of repositories of the Hugging Face hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import parquet_bytes
from helpers.datasets import names_in
from helpers.web_server import HubServer, WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPOSITORY = "hf://datasets/org/repo"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    monkeypatch.setenv("HOME", str(tmp_path))
    with HubServer() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.api_url)
        yield hub


def fill(hub: HubServer, *paths: str) -> None:
    for number, path in enumerate(paths):
        hub.put(path, parquet_bytes(number + 1))


@pytest.mark.parametrize("end", ["/data", "/data/", "/data/*.parquet", "@main/data/part-*"])
def test_a_folder_and_a_glob_are_uploaded_in_natural_order(
    client: sutro.Client, hub: HubServer, end: str
) -> None:
    fill(hub, ".gitattributes", "data/part-1.parquet", "data/part-10.parquet")
    fill(hub, "README.md", "data/part-2.parquet", "data/part-3.parquet", "data/part-4.parquet")

    report = client.upload(REPOSITORY + end)

    names = [f"part-{number}.parquet" for number in (1, 2, 3, 4, 10)]
    assert names_in(client, report.dataset_id) == names
    read = [path for path, _ in hub.seen if path.endswith(".parquet")]
    assert all("/resolve/c0ffee/data/" in path for path in read)
    assert len(hub.listings()) < 10


def test_a_recursive_glob_reads_all_pages_of_a_listing(
    client: sutro.Client, hub: HubServer
) -> None:
    paths = [f"year={year}/a b-{n}.parquet" for year in (2024, 2025) for n in range(4)]
    fill(hub, "README.md", *paths)

    report = client.upload(f"{REPOSITORY}/**/*.parquet", hive=True)

    assert names_in(client, report.dataset_id) == [path.replace("/", ",") for path in paths]
    assert [path for path in hub.listings() if path.endswith("?recursive=true&cursor=2")]


def test_what_is_left_out_of_a_repository_is_told_as_for_a_folder(hub: HubServer) -> None:
    fill(hub, "README.md", "a.parquet", "data/b.parquet")
    with pytest.warns(sutro.SutroWarning) as told:
        report = sutro.check(REPOSITORY)
    assert [file.path for file in report.files] == [f"{REPOSITORY}/a.parquet"]
    assert str(told[0].message) == (
        f"left out of {REPOSITORY}: 1 folder (data), 1 .md file (README.md); recursive=True "
        f"searches subfolders too"
    )


def test_a_revision_that_moves_after_the_check_is_read_as_it_was(
    client: sutro.Client, hub: HubServer
) -> None:
    fill(hub, "data/a.parquet")
    hub.commits |= {"v1": "0ldc0mm1t", "refs/convert/parquet": "c0nv", "refs/pr/1": "p2"}
    hub.put("data/a.parquet", parquet_bytes(5), "v1")
    hub.put("default/a.parquet", parquet_bytes(6), "refs/convert/parquet")
    for revision, folder, rows in [
        ("", "data", 1),
        ("@v1", "data", 5),
        ("@refs/convert/parquet", "default", 6),
        ("@refs%2Fconvert%2Fparquet", "default", 6),
        ("@~parquet", "default", 6),
    ]:
        report = client.upload(f"{REPOSITORY}{revision}/{folder}/*.parquet")
        assert [file.row_count for file in report] == [rows]


def test_a_file_is_read_with_the_token_and_through_redirects(
    client: sutro.Client, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.token = "hush"
    fill(hub, "data/a.parquet")
    address = "/datasets/org/repo/resolve/c0ffee/data/a.parquet"
    monkeypatch.setenv("HF_TOKEN", "hush")
    with WebServer() as storage:
        storage.files["/blob"] = parquet_bytes(4)
        other = storage.api_url.replace("127.0.0.1", "localhost")
        hub.redirects[address] = f"{other}/blob?signature=1"
        report = client.upload(f"{REPOSITORY}/data/a.parquet")

    assert names_in(client, report.dataset_id) == ["a.parquet"]
    assert {token for _, token in hub.seen} == {"Bearer hush"}
    assert {token for _, token in storage.seen} == {None}


def test_the_token_may_come_from_an_option_or_from_the_file_of_the_hub(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.token = "hush"
    fill(hub, "a.parquet")
    with pytest.raises(sutro.FileAccessError, match=r"not public; set HF_TOKEN") as error:
        sutro.check(f"{REPOSITORY}/*.parquet")
    assert error.value.path == REPOSITORY
    with pytest.raises(sutro.FileAccessError) as error:
        sutro.check(f"{REPOSITORY}/*.parquet", storage_options={"hf_token": "hush-hush"})
    assert "hush" not in str(error.value)
    for name in ("hf_token", "token"):
        assert sutro.check(f"{REPOSITORY}/*.parquet", storage_options={name: "hush"})
    with pytest.raises(sutro.ConfigurationError, match="options of hf:// are hf_token"):
        sutro.check(f"{REPOSITORY}/*.parquet", storage_options={"hf_tokn": "hush"})
    (tmp_path / "token").write_text("hush\n")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert sutro.check(f"{REPOSITORY}/*.parquet")


def test_what_is_not_there_is_told_apart(hub: HubServer) -> None:
    fill(hub, "data/a.csv")
    for url, says in [
        (f"{REPOSITORY}@none/data", "no such repository or revision"),
        ("hf://datasets/org/other/data", "no such repository or revision"),
    ]:
        with pytest.raises(sutro.FileAccessError, match=says):
            sutro.check(url)
    for url, says in [
        (f"{REPOSITORY}/none", "no object or folder"),
        (f"{REPOSITORY}/data", r"no \*\.parquet .*found 1 \.csv file"),
        (f"{REPOSITORY}/*.parquet", "no object matches"),
    ]:
        with pytest.raises(sutro.ConfigurationError, match=says):
            sutro.check(url)
    report = sutro.check(f"{REPOSITORY}/data/a.parquet")
    assert report.problems == (f"{REPOSITORY}/data/a.parquet: there is no such object",)
