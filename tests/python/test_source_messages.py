"""A source that cannot be uploaded is rejected with helpful advice, before anything is sent."""

from __future__ import annotations

import gzip
import json
import zipfile
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pytest

import sutro
from conftest import PARTS, write_parquet

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunSutro


def message_of(client: sutro.Client, source: object, **options: object) -> str:
    """The error of an upload, which creates nothing. A check must report the same."""
    with pytest.raises(sutro.SutroError) as error:
        client.upload(source, **options)  # type: ignore[arg-type]
    assert not client.list_datasets()
    return str(error.value)


FRAME = pl.DataFrame({"id": [1]})


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a.parquet", "a.parquet"], "the name a.parquet is used twice"),
        (["a", "a.parquet"], "the name a.parquet is used twice"),
        (["a.parquet", "A.parquet"], "except for case or accents"),
        (["Sheet 1", " Sheet 2 "], "starts or ends with a space"),
        (["a/b", "c"], "contains one of /"),
    ],
)
@pytest.mark.parametrize("kind", ["frames", "dict of frames", "generator", "paths"])
def test_names_are_checked_before_sending(
    client: sutro.Client, tmp_path: Path, names: list[str], words: str, kind: str
) -> None:
    paths = [write_parquet(tmp_path / f"{number}.parquet") for number in range(2)]

    if kind == "frames":
        message = message_of(client, [FRAME, FRAME], names=names)
    elif kind == "dict of frames":
        message = message_of(client, dict.fromkeys(names, FRAME)) if len(set(names)) > 1 else words
    elif kind == "generator":
        message = message_of(client, (FRAME for _ in names), names=names)
    else:
        message = message_of(client, paths, names=names)

    assert words in message
    assert "pass names=" not in message, "they were passed"


def test_the_parquet_suffix_is_added_to_names_of_files_and_frames(
    client: sutro.Client, folder: Path
) -> None:
    of_file = client.upload({"train": folder / PARTS[0]})
    of_frame = client.upload({"train": FRAME})

    assert of_file[0].name == of_frame[0].name == "train.parquet"
    assert client.upload([folder / PARTS[0]], names=["x"])[0].name == "x.parquet"


def test_a_glob_in_a_dict_that_matches_several_files_is_an_error(
    client: sutro.Client, folder: Path
) -> None:
    message = message_of(client, {"x": f"{folder}/*.parquet"})

    assert f"{folder}/*.parquet, which it names 'x', is 12 files" in message
    assert client.upload({"x": f"{folder}/part-1.*"})[0].name == "x.parquet"


def test_a_wrong_number_of_names_is_reported_in_singular_and_plural(
    client: sutro.Client, folder: Path
) -> None:
    assert "there is 1 name for 12 files" in message_of(client, folder, names=["a"])
    message = message_of(client, folder / PARTS[0], names=["a", "b"])
    assert "there are 2 names for 1 file" in message


@pytest.mark.parametrize("url", ["sftp://h/x/*.parquet", "oss://b/x.parquet"])
def test_urls_of_other_stores_are_rejected_with_code_that_works(
    client: sutro.Client, url: str
) -> None:
    message = message_of(client, url)

    assert f"{url} is not on this machine" in message
    assert "fsspec" in message


def test_the_suggested_code_for_urls_works(client: sutro.Client, folder: Path) -> None:
    # Not imported: its types are not published.
    fsspec: Any = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    for name in PARTS[:2]:
        memory.pipe(f"/b/{name}", (folder / name).read_bytes())

    fs, path = fsspec.url_to_fs("memory://b/*.parquet")
    report = client.upload([fs.open(file) for file in fs.glob(path)])
    one = client.upload(fsspec.open(f"memory://b/{PARTS[0]}").open())

    assert len(report) == 2
    assert len(one) == 1


def test_file_urls_are_accepted_as_paths(client: sutro.Client, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    path = write_parquet(data / "größe 1.parquet")

    for source in (path.as_uri(), f"file://{path}", f"file://localhost{path}", f"file://{data}"):
        assert client.upload(source)[0].name == path.name, source


@pytest.mark.parametrize("source", ["$DATA/a.parquet", "${DATA}/*.parquet", "x/$DATA"])
def test_unexpanded_environment_variables_are_reported(client: sutro.Client, source: str) -> None:
    assert "os.path.expandvars(path)" in message_of(client, source)


def write_other_formats(folder: Path) -> dict[str, str]:
    """Write a file of each format. Return the expected messages by name."""
    table = pa.table({"a": [1, 2], "b": ["x", "y"]})
    pyarrow.feather.write_feather(table, folder / "1.feather")
    (folder / "2.feather").write_bytes(b"FEA1" + bytes(96))
    with (
        pa.OSFile(str(folder / "3.arrows"), "wb") as sink,
        pa.ipc.new_stream(sink, table.schema) as w,
    ):
        w.write_table(table)
    pyarrow.orc.write_table(table, folder / "4.orc")
    write_parquet(folder / "inner.parquet")
    with gzip.open(folder / "5.parquet", "wb") as packed:
        packed.write((folder / "inner.parquet").read_bytes())
    with zipfile.ZipFile(folder / "6.parquet", "w") as archive:
        archive.write(folder / "inner.parquet", "inner.parquet")
    with zipfile.ZipFile(folder / "7.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    for name, content in (
        ("8.parquet", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
        ("9.csv", "a,b\n1,2\n"),
        ("10.tsv", "a\tb\n1\t2\n"),
        ("11.csv", "größe\n1\n"),
        ("12.json", '[{"a": 1}]'),
        ("13.jsonl", '{"a": 1}\n'),
        ("14.parquet", "<!doctype html><html></html>"),
        ("15.parquet", "no magic"),
    ):
        (folder / name).write_text(content, encoding="utf-8")
    return {
        "1.feather": "pyarrow.feather.read_table",
        "2.feather": "pyarrow.feather.read_table",
        "3.arrows": "pyarrow.ipc.open_stream",
        "4.orc": "pyarrow.orc.read_table",
        "5.parquet": "gzip",
        "6.parquet": "zip archive",
        "7.xlsx": "pandas.read_excel",
        "8.parquet": "git lfs pull",
        "9.csv": "pandas.read_csv(path).to_parquet",
        "10.tsv": "pandas.read_csv",
        "11.csv": "pandas.read_csv",
        "12.json": "pandas.read_json",
        "13.jsonl": "pandas.read_json",
        "14.parquet": "HTML",
        "15.parquet": "it does not begin with PAR1",
    }


def test_a_file_of_another_format_is_recognized_by_its_content(
    client: sutro.Client, tmp_path: Path
) -> None:
    expected = write_other_formats(tmp_path)

    with pytest.raises(sutro.InvalidParquetError) as error:
        client.upload([tmp_path / name for name in expected])

    assert len(error.value.problems) == len(expected), "one line for each file"
    for problem, (name, words) in zip(error.value.problems, expected.items(), strict=True):
        assert name in problem
        assert words in problem
        assert "pass names=" not in problem


def test_a_folder_of_csv_files_is_reported_without_advice_about_folders(
    client: sutro.Client, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "1.csv").write_text("a\n1\n", encoding="utf-8")

    message = message_of(client, data)

    assert "found 1 .csv file" in message
    assert "recursive" not in message


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("localhost:8000", "use http://localhost:8000"),
        ("127.0.0.1:8000", "use http://127.0.0.1:8000"),
        ("api.example.com", "use https://api.example.com"),
        ("./datasets", "use local:./datasets"),
        ("~/datasets", "use local:~/datasets"),
        ("s3://bucket", "start with http:// or https://"),
    ],
)
def test_an_invalid_api_url_is_reported_before_a_key_is_looked_up(url: str, words: str) -> None:
    for key in (None, "key"):
        with pytest.raises(sutro.ConfigurationError) as error:
            sutro.Client(key, url)
        assert words in str(error.value)
        assert "\n" not in str(error.value)


def test_the_command_names_the_option_for_unique_names(run_sutro: RunSutro, tmp_path: Path) -> None:
    for year in ("2024", "2025"):
        (tmp_path / "t" / year).mkdir(parents=True)
        write_parquet(tmp_path / "t" / year / "data.parquet")
    local = ("--api-url", "local:service", "--json")

    refused = run_sutro("upload", "t", "-r", *local)
    done = run_sutro("upload", "t", "-r", "--names", "path", *local)

    assert "--names path derives names from the paths" in refused.stderr
    names = [file["name"] for file in json.loads(done.stdout)["files"]]
    assert names == ["2024,data.parquet", "2025,data.parquet"]
