"""Names that differ only in case or Unicode form are the same name, everywhere."""

from __future__ import annotations

import random
import sqlite3
import unicodedata
from typing import TYPE_CHECKING

import pytest

import sutro
from conftest import write_parquet
from helpers.older_catalog import downgrade_to
from helpers.raw_client import RawClient

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

    from conftest import RunSutro

    Form = Literal["NFC", "NFD"]

# Letters whose cases and compositions are several characters, or of several kinds.
LETTERS = [
    "e",
    "é",
    "É",
    "å",
    "\u212b",
    "k",
    "\u212a",
    "ß",
    "Σ",
    "\u03c3",
    "ς",
    "İ",
    "i",
    "\u0131",
    "ﬁ",
    "日",
]


def spelled(name: str, chosen: random.Random) -> str:
    forms: list[Form] = ["NFC", "NFD"]
    form = chosen.choice(forms)
    case = chosen.choice([name, name.upper(), name.lower(), name.swapcase()])
    return unicodedata.normalize(form, case)


def pairs(count: int) -> list[tuple[str, str]]:
    chosen = random.Random(20261126)
    made: list[tuple[str, str]] = []
    while len(made) < count:
        one = "".join(chosen.choices(LETTERS, k=chosen.randint(1, 3)))
        other = "".join(chosen.choices(LETTERS, k=len(one))) if chosen.random() < 0.3 else one
        names = (f"{spelled(one, chosen)}.parquet", f"{spelled(other, chosen)}.parquet")
        if names[0] != names[1]:
            made.append(names)
    return made


def test_check_resume_and_server_use_one_rule_for_names(
    server: sutro.LocalServer, tmp_path: Path
) -> None:
    path = write_parquet(tmp_path / "data.parquet", rows=3)
    other_path = write_parquet(tmp_path / "other.parquet", rows=3)
    client, raw = server.client(), RawClient(server.api_url, server.api_key)
    verdicts = []
    for first, second in pairs(80):
        is_refused = not sutro.check([path, other_path], names=[first, second])
        dataset_id = client.upload(path, names=[first], progress=False).dataset_id
        again = client.upload(path, dataset_id, names=[second], dry_run=True)
        is_there = again.files[0].status == "skipped"
        answer = raw.upload(dataset_id, second, path.read_bytes())
        assert is_refused == is_there == (answer.status == 409), (first, second, answer)
        verdicts.append(is_there)
    assert 20 <= sum(verdicts) <= 70


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("\xe9.parquet", "e\u0301.parquet"),
        ("e\u0301.parquet", "\xe9.parquet"),
        ("Day-1.parquet", "day-1.PARQUET"),
        ("day-1.PARQUET", "Day-1.parquet"),
    ],
)
def test_a_file_is_found_by_every_unicode_form_of_its_name(
    server: sutro.LocalServer, run_sutro: RunSutro, tmp_path: Path, stored: str, asked: str
) -> None:
    path = write_parquet(tmp_path / "data.parquet", rows=3)
    client, raw = server.client(), RawClient(server.api_url, server.api_key)
    dataset_id = client.upload([path, path], names=["other.parquet", stored]).dataset_id

    assert client.read(dataset_id, files=[asked]).to_arrow().num_rows == 3
    paths = client.download_from_dataset(dataset_id, [asked, stored], tmp_path / "copy")
    answer = raw.download(dataset_id, asked)
    key = {"SUTRO_API_KEY": server.api_key, "SUTRO_API_URL": server.api_url}
    command = ("datasets", "download", dataset_id, asked, "--output", "by-command")
    assert run_sutro(*command, environment=key).returncode == 0

    # Whatever was asked for, the file has the name that the dataset shows.
    assert [file.file_name for file in client.list_dataset_files(dataset_id)][1] == stored
    assert [path.name for path in paths] == [stored, stored]
    for folder in ("copy", "by-command"):
        assert [path.name for path in (tmp_path / folder).iterdir()] == [stored]
    assert answer == (200, path.read_bytes())


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_an_upload_from_macos_is_resumed_from_linux(
    client: sutro.Client, tmp_path: Path, forms: tuple[Form, Form]
) -> None:
    of_one, of_other = (
        [unicodedata.normalize(form, f"é{number}.parquet") for number in range(3)] for form in forms
    )
    paths = [write_parquet(tmp_path / f"{number}.parquet", rows=number + 1) for number in range(3)]
    dataset_id = client.upload(paths[:2], names=of_one[:2]).dataset_id
    report = client.upload(paths, dataset_id, names=of_other)
    assert [file.status for file in report] == ["skipped", "skipped", "uploaded"]
    assert all(file.file_id for file in report)
    listed = [file.file_name for file in client.list_dataset_files(dataset_id)]
    assert listed == [*of_one[:2], of_other[2]]


def test_a_dataset_of_an_earlier_release_whose_names_now_collide_can_be_listed(
    tmp_path: Path,
) -> None:
    names = ["é.parquet", "e\u0301.parquet", "É.parquet"]
    path = write_parquet(tmp_path / "data.parquet", rows=3)
    with sutro.LocalServer(tmp_path / "service") as server:
        dataset_id = server.client().upload([path] * 3, names=["0.pq", "1.pq", "2.pq"]).dataset_id
    catalog = sqlite3.connect(tmp_path / "service" / "catalog.sqlite")
    with catalog:
        # As an earlier release has left it.
        for position, name in enumerate(names):
            catalog.execute("UPDATE files SET file_name = ? WHERE position = ?", (name, position))
    catalog.close()
    downgrade_to(3, tmp_path / "service")
    with sutro.LocalServer(tmp_path / "service") as server:
        client, raw = server.client(), RawClient(server.api_url, server.api_key)
        assert [file.file_name for file in client.list_dataset_files(dataset_id)] == names
        paths = client.download_from_dataset(dataset_id, [names[1]], tmp_path / "downloaded")
        assert paths[0].read_bytes() == path.read_bytes()
        assert [path.name for path in paths] == [names[1]], "the one that is written so"
        assert raw.upload(dataset_id, "E\u0301.parquet", path.read_bytes()).status == 409
        assert raw.upload(dataset_id, "e.parquet", path.read_bytes()).status == 200
