"""Errors name the cause and the file, and expose details as attributes."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import sutro
from conftest import PARTS, write_parquet
from sutro import errors

if TYPE_CHECKING:
    from helpers.holding_server import HoldingServer

ALL = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, sutro.SutroError | sutro.UploadInterrupted)
]

FACTS: dict[str, Any] = {
    "problems": ("a.parquet: empty",),
    "frame": "part-0",
    "paths": ("a.parquet",),
    "groups": (("a.parquet",), ("b.parquet",)),
    "differences": (("column x",),),
    "dataset_id": "dataset-1",
    "names": ("a.parquet",),
    "status": 403,
    "retry_after": 1.5,
    "file_name": "a.parquet",
    "path": "data/a.parquet",
    "folder": "datasets",
    "data_type": "duration[us]",
    "column": "address.street",
    "report": sutro.UploadReport(
        dataset_id="dataset-1", files=(), bytes=0, seconds=0.5, concurrency=0
    ),
}


@pytest.mark.parametrize("kind", ALL)
def test_an_error_keeps_its_message_and_attributes_when_pickled(kind: type[Any]) -> None:
    keywords = [
        parameter.name
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    ]
    facts = {name: FACTS[name] for name in keywords}
    error = kind("what was wrong", **facts)
    error.add_note("what to do")

    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is kind
    assert str(copy) == str(error) == "what was wrong"
    assert {name: getattr(copy, name) for name in facts} == facts
    assert copy.__notes__ == ["what to do"]


@pytest.mark.parametrize("kind", ALL)
def test_all_error_attributes_are_optional_and_all_errors_are_public(kind: type[Any]) -> None:
    assert str(kind("message")) == "message"
    assert getattr(sutro, kind.__name__) is kind
    assert kind.__doc__


@pytest.mark.parametrize("kind", [*ALL, sutro.SutroWarning])
@pytest.mark.parametrize("letter", ["x", "\u00e9", "\U0001f600", "\udc80"])
def test_long_messages_are_truncated_in_the_middle_to_2_kb(kind: type[Any], letter: str) -> None:
    error = kind(f"what {letter * 100_000} to do")

    for message in (str(error), str(pickle.loads(pickle.dumps(error)))):
        assert len(message.encode("utf-8", "surrogatepass")) <= 2048
        assert message.startswith("what ")
        assert message.endswith(" to do")
    assert str(kind("m" * 2048)) == "m" * 2048


def test_a_failed_check_of_many_files_names_some_and_has_all_as_attributes(
    client: sutro.Client, tmp_path: Path
) -> None:
    paths = [tmp_path / f"missing-{number}.parquet" for number in range(5_000)]

    with pytest.raises(sutro.CheckError) as refused:
        client.upload(paths)

    assert len(str(refused.value).encode()) <= 2048
    assert len(refused.value.problems) == 5_000


def test_names_in_use_are_counted_in_the_message_and_listed_as_attributes(
    holding: HoldingServer, tmp_path: Path
) -> None:
    data = (write_parquet(tmp_path / "one.parquet")).read_bytes()
    names = [f"part-{number:05}.parquet" for number in range(2_000)]
    for name in names:
        (tmp_path / name).write_bytes(data)
    holding.names = names[::-1]
    client = sutro.Client(holding.api_key, holding.api_url)

    with pytest.raises(sutro.FileExistsInDatasetError) as taken:
        client.upload([tmp_path / name for name in names], "dataset-held")

    assert len(str(taken.value)) < 600
    assert "part-00004.parquet and 1995 more" in str(taken.value)
    assert taken.value.names == tuple(names)


def test_an_incomplete_upload_error_keeps_its_cause_when_pickled() -> None:
    error = sutro.UploadIncompleteError("2 of 3 files are there")
    error.__cause__ = sutro.RefusedError("too large", status=413)

    cause = pickle.loads(pickle.dumps(error)).__cause__

    assert isinstance(cause, sutro.RefusedError)
    assert cause.status == 413


def test_errors_derive_from_the_builtin_errors_that_programs_expect() -> None:
    assert issubclass(sutro.ConfigurationError, ValueError)
    assert issubclass(sutro.CheckError, ValueError)
    assert issubclass(sutro.FileExistsInDatasetError, FileExistsError)
    assert issubclass(sutro.DatasetNotFoundError, LookupError)
    assert issubclass(sutro.AuthenticationError, PermissionError)
    assert issubclass(sutro.TransferError, ConnectionError)
    assert issubclass(sutro.TransferTimeoutError, TimeoutError)
    assert issubclass(sutro.FileChangedError, OSError)
    assert not issubclass(sutro.UploadInterrupted, Exception)


def test_all_files_that_are_not_parquet_are_named_and_no_dataset_is_created(
    client: sutro.Client, folder: Path
) -> None:
    (folder / "part-2.parquet").write_text("id,text\n1,a\n")
    whole = (folder / "part-4.parquet").read_bytes()
    (folder / "part-4.parquet").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(sutro.InvalidParquetError) as refused:
        client.upload(folder)

    assert [Path(path).name for path in refused.value.paths] == ["part-2.parquet", "part-4.parquet"]
    assert "part-2.parquet" in str(refused.value)
    assert "part-4.parquet" in str(refused.value)
    assert client.list_datasets() == []


def test_all_files_with_another_schema_are_named_and_no_dataset_is_created(
    client: sutro.Client, folder: Path
) -> None:
    write_parquet(folder / "part-3.parquet", id=[1.5], text=["a"])
    write_parquet(folder / "part-7.parquet", id=[1], text=["a"], more=[True])

    with pytest.raises(sutro.SchemaMismatchError) as refused:
        client.upload(folder)

    error = refused.value
    assert len(error.groups[0]) == 10
    assert sorted(error.groups[1:]) == [("part-3.parquet",), ("part-7.parquet",)]
    assert len(error.differences) == 2
    assert "id" in str(error)
    assert "more" in str(error)
    assert client.list_datasets() == []


def test_two_files_with_the_same_name_are_rejected(client: sutro.Client, folder: Path) -> None:
    (folder / "sub").mkdir()
    twin = write_parquet(folder / "sub" / "part-0.parquet")

    with pytest.raises(sutro.CheckError, match=r"part-0\.parquet"):
        client.upload([folder / "part-0.parquet", twin])


@pytest.mark.parametrize("source", ["nowhere/*.parquet", "nowhere", "nowhere.parquet"])
def test_a_source_without_files_is_an_error(
    client: sutro.Client, tmp_path: Path, source: str
) -> None:
    with pytest.raises(sutro.SutroError, match="nowhere"):
        client.upload(tmp_path / source)


def test_a_name_in_use_is_rejected_before_sending(client: sutro.Client, folder: Path) -> None:
    dataset_id = client.upload([folder / name for name in PARTS[3:6]]).dataset_id

    with pytest.raises(sutro.FileExistsInDatasetError) as refused:
        client.upload([folder / "part-4.parquet", folder / "part-1.parquet"], dataset_id)

    assert refused.value.dataset_id == dataset_id
    assert refused.value.names == ("part-4.parquet",)
    assert len(client.list_dataset_files(dataset_id)) == 3


def test_an_unknown_dataset_is_named(client: sutro.Client, folder: Path) -> None:
    with pytest.raises(sutro.DatasetNotFoundError) as unknown:
        client.list_dataset_files("dataset-unknown")
    assert unknown.value.dataset_id == "dataset-unknown"

    with pytest.raises(sutro.DatasetNotFoundError, match="dataset-unknown not found"):
        client.upload(folder, "dataset-unknown")


def test_a_file_that_is_not_in_the_dataset_cannot_be_downloaded(
    client: sutro.Client, folder: Path, tmp_path: Path
) -> None:
    dataset_id = client.upload(folder).dataset_id

    with pytest.raises(sutro.SutroError, match=r"nothing\.parquet"):
        client.download_from_dataset(dataset_id, "nothing.parquet", tmp_path / "copy")


def test_a_wrong_key_is_rejected_and_not_shown(server: sutro.LocalServer) -> None:
    client = sutro.Client("wrong-key-123", server.api_url)

    with pytest.raises(sutro.AuthenticationError) as refused:
        client.list_datasets()

    assert refused.value.status == 401
    assert "wrong-key-123" not in f"{refused.value!r} {refused.value} {client!r} {server!r}"


def test_a_rejection_mid_upload_has_a_partial_report(holding: HoldingServer, folder: Path) -> None:
    holding.commits = 4
    holding.refusal = (413, "the file is too large")
    client = sutro.Client(holding.api_key, holding.api_url)

    with pytest.raises(sutro.UploadIncompleteError) as stopped:
        client.upload(folder)

    report = stopped.value.report
    assert report is not None
    assert [file.status for file in report] == ["uploaded"] * 4 + ["pending"] * 8
    assert holding.names == PARTS[:4]
    cause = stopped.value.__cause__
    assert isinstance(cause, sutro.RefusedError)
    assert cause.status == 413
    assert cause.file_name == "part-4.parquet"
    assert "the file is too large" in str(cause)


def test_invalid_arguments_are_rejected(client: sutro.Client, folder: Path) -> None:
    with pytest.raises(sutro.ConfigurationError, match="concurrency"):
        client.upload(folder, concurrency=-1)
    with pytest.raises(sutro.ConfigurationError, match="1 name for 12 files"):
        client.upload(folder, names=["one.parquet"])
    with pytest.raises(TypeError, match="names"):
        client.upload(folder / "part-0.parquet", names="one.parquet")
    with pytest.raises(TypeError, match="progress"):
        client.upload(folder, progress="yes")  # type: ignore[arg-type]
