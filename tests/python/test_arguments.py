"""Arguments of the wrong type are rejected by name, with a message of sutro."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import sutro

if TYPE_CHECKING:
    from collections.abc import Callable

WRONG: dict[str, Any] = {
    "int": 3,
    "float": 1.5,
    "bytes": b"x",
    "object": object(),
    "list of int": [1],
    "list with None": ["x", None],
    "dict": {"a": 1},
    "set": {"x"},
    "None": None,
    "text": "x y",
    "bool": True,
    "huge": 10**30,
    "negative": -1,
    "path": Path("x"),
    "series": pd.Series([1, 2]),
    "array": np.zeros(2),
}
BINDING = (
    "failed to extract",
    "is not an instance of",
    "not supported between",
    "has no len",
    "cannot be interpreted",
    "is not iterable",
    "ambiguous",
    "unhashable",
    "has no attribute",
    "cannot be converted",
    "to convert",
    "update sequence",
)


def calls_of(client: sutro.Client, folder: Path) -> dict[str, tuple[Callable[..., Any], list[str]]]:
    """Each call with its required and its optional arguments."""
    dataset_id = client.upload(folder).dataset_id
    frame = pl.DataFrame({"a": [1]})
    calls: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
        "upload": (client.upload, (folder,)),
        "upload of a frame": (client.upload, ([frame],)),
        "upload_to_dataset": (client.upload_to_dataset, ()),
        "check": (client.check, (folder,)),
        "create_dataset": (client.create_dataset, ()),
        "list_dataset_files": (client.list_dataset_files, ()),
        "read": (client.read, ()),
        "read a part": (client.read, (dataset_id,)),
        "download_from_dataset": (client.download_from_dataset, (dataset_id,)),
        "download of nothing": (client.download_from_dataset, ()),
        "Client": (sutro.Client, ()),
    }
    found: dict[str, tuple[Callable[..., Any], list[str]]] = {}
    for name, (call, given) in calls.items():
        parameters = list(inspect.signature(call).parameters)[len(given) :]
        needed = {"file_paths": folder} if name == "upload_to_dataset" else {}

        def called(
            call: Callable[..., Any] = call,
            given: tuple[Any, ...] = given,
            needed: dict[str, Any] = needed,
            **arguments: Any,
        ) -> Any:
            return call(*given, **{**needed, **arguments})

        found[name] = (called, parameters)
        twin = getattr(client, f"{call.__name__}_async", None)
        if twin is not None:

            def awaited(
                twin: Callable[..., Any] = twin,
                given: tuple[Any, ...] = given,
                needed: dict[str, Any] = needed,
                **arguments: Any,
            ) -> Any:
                return asyncio.run(twin(*given, **{**needed, **arguments}))

            found[f"{name}, async"] = (awaited, parameters)
    return found


def raised_by(call: Callable[..., Any], **arguments: Any) -> Exception | None:
    try:
        call(**arguments)
    except Exception as error:  # noqa: BLE001 - which one is what is asked
        return error
    return None


@pytest.mark.timeout(300)
def test_a_wrong_argument_of_any_type_is_rejected_by_name(
    client: sutro.Client, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, (call, parameters) in calls_of(client, folder).items():
        for parameter in parameters:
            for kind, value in WRONG.items():
                error = raised_by(call, **{parameter: value})

                said = " ".join([str(error), *getattr(error, "__notes__", [])])
                what = f"{name}({parameter}={kind}): {error!r}"
                assert isinstance(error, sutro.SutroError | TypeError | None), what
                assert not any(words in said for words in BINDING), what


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"names": [1]}, "names must be a list of str; item 0 is 1"),
        ({"names": {"x"}}, "names must be a list of str, not set"),
        ({"names": {"x": 1}}, "names must be a list of str, not dict"),
        ({"concurrency": "8"}, "concurrency must be an integer, not '8'"),
        ({"concurrency": 1.5}, "concurrency must be an integer, not 1.5"),
        ({"concurrency": True}, "concurrency must be an integer, not True"),
        ({"ordered": None}, "ordered must be True or False, not None"),
        ({"exclude": 3}, "exclude must be a list of str, not 3"),
        ({"hive": "year"}, "hive must be True, False, or a dict of types, not str"),
    ],
)
def test_the_message_says_which_values_the_argument_accepts(
    client: sutro.Client, folder: Path, arguments: Any, words: str
) -> None:
    with pytest.raises(TypeError) as raised:
        client.upload(folder, **arguments)

    assert words in str(raised.value)


def test_numpy_scalars_and_columns_of_names_are_accepted(
    client: sutro.Client, folder: Path
) -> None:
    frames = [pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [3]})]
    columns = [pd.Series(["x", "y"]), pl.Series(["x", "y"]), np.array(["x", "y"]), iter("xy")]
    for names in columns:
        report = client.upload(frames, names=names, concurrency=np.int64(2))  # type: ignore[arg-type]

        assert [file.name for file in report] == ["x.parquet", "y.parquet"]
    one = client.upload(frames[0], rows_per_file=np.int32(1), ordered=np.bool_(True))  # type: ignore[arg-type]
    assert [file.row_count for file in one] == [1, 1]
    assert client.check(folder, exclude=("*-1.parquet",), recursive=np.bool_(False))  # type: ignore[arg-type]


def test_a_key_of_the_wrong_type_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="api_key must be a str, not bytes") as raised:
        sutro.Client(b"secret", f"local:{tmp_path}")  # type: ignore[arg-type]

    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("arguments", [{"progress": 3}, {"progress": "bar"}, {"ordered": 1}])
def test_nothing_starts_when_an_argument_is_wrong(
    client: sutro.Client, folder: Path, arguments: Any
) -> None:
    with pytest.raises(TypeError, match=rf"^{next(iter(arguments))} "):
        client.upload(folder, **arguments)

    assert client.list_datasets() == []
