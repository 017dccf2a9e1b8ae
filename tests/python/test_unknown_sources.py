"""An invalid source is rejected with one sentence: what it is, and code that works."""

from __future__ import annotations

import asyncio
import io
import os
import tempfile
import warnings
from typing import TYPE_CHECKING, Any

import datasets as hf
import duckdb
import fsspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import sutro
from conftest import PARTS, write_parquet
from helpers.datasets import names_in
from test_frame_sources import stand_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

TABLE = pa.table({"a": [1, 2]})
FRAME = pl.DataFrame(TABLE)


def days() -> Iterator[pl.DataFrame]:
    yield FRAME


async def days_async() -> AsyncIterator[pl.DataFrame]:
    yield FRAME


async def one_day() -> pl.DataFrame:
    return FRAME


def awaitable() -> Any:
    loop = asyncio.new_event_loop()
    try:
        return loop.create_future()
    finally:
        loop.close()


UNKNOWN: dict[str, tuple[Callable[[], Any], str]] = {
    # Containers.
    "list of lists of paths": (lambda: [["a.parquet"], ["b.parquet"]], "for part in parts"),
    "list of lists of frames": (lambda: [[FRAME], [FRAME]], "for part in parts"),
    "dict of lists of paths": (lambda: {"train": ["a.parquet"]}, "for name, part in parts.items()"),
    "dict of lists of frames": (lambda: {"train": [FRAME]}, "for name, part in parts.items()"),
    "dict of dicts": (lambda: {"train": {"a": FRAME}}, "dicts are not searched"),
    "dict of generators": (lambda: {"train": days()}, "for name, part in parts.items()"),
    "list of generators": (lambda: [days(), days()], "for part in parts"),
    "rows as dicts": (lambda: [{"a": 1}, {"a": 2}], "polars.DataFrame(rows)"),
    "rows as tuples": (lambda: [(1, 2), (3, 4)], "orient='row'"),
    "columns as lists": (lambda: {"a": [1, 2], "b": [3, 4]}, "polars.DataFrame"),
    "numbers": (lambda: [1, 2], "pass a path, a frame"),
    "set of paths": (lambda: {"a.parquet", "b.parquet"}, "sorted(paths)"),
    "list of sets": (lambda: [{"a.parquet"}], "sorted(it)"),
    "list with None": (lambda: ["a.parquet", None], "NoneType: pass a path, a frame"),
    "array of numbers": (lambda: np.array([1, 2]), "a frame"),
    "matrix": (lambda: np.array([[1, 2]]), "a frame"),
    # What has to be called first.
    "None": (lambda: None, "pass a path, a frame"),
    "number": (lambda: 7, "pass a path, a frame"),
    "function": (lambda: days, "pass days(...)"),
    "class": (lambda: pl.DataFrame, "pass DataFrame(...)"),
    "async generator": (days_async, "async for item in it"),
    "awaitable": (awaitable, "await it first"),
    # Handles.
    "duckdb connection": (duckdb.connect, 'connection.sql("select'),
    "sqlite connection": (lambda: stand_in("sqlite3", "Connection"), "pandas.read_sql"),
    "zip archive": (lambda: stand_in("zipfile", "ZipFile"), "archive.open"),
    "folder that is temporary": (lambda: stand_in("tempfile", "TemporaryDirectory"), "folder.name"),
    "file system": (lambda: fsspec.filesystem("memory"), "fs.open"),
    "bytes that are a path": (lambda: b"data/a.parquet", "os.fsdecode"),
    "path as bytes that exists": (lambda: os.fsencode(tempfile.gettempdir()), "os.fsdecode"),
    "buffer": (lambda: pa.py_buffer(b"PAR1"), "to_pybytes"),
    # Parts of frames.
    "groups of pandas": (lambda: pd.DataFrame({"k": [1]}).groupby("k"), "for key, frame in groups"),
    "groups of one column": (lambda: pd.DataFrame({"k": [1], "v": [1]}).groupby("k").v, "for key"),
    "groups of polars": (lambda: FRAME.group_by("a"), "partition_by"),
    "groups in time": (lambda: FRAME.group_by_dynamic("a", every="1i"), "partition_by"),
    "lazy groups": (lambda: FRAME.lazy().group_by("a"), "partition_by"),
    "expression": (lambda: pl.col("a"), "df.select"),
    "schema": (lambda: TABLE.schema, "empty_table"),
    "data of hugging face": (lambda: hf.Dataset(TABLE).data, "the dataset itself"),
    "bag of dask": (lambda: stand_in("dask.bag.core", "Bag"), "compute"),
    "array of dask": (lambda: stand_in("dask.array.core", "Array"), "compute"),
    "xarray": (lambda: stand_in("xarray.core.dataset", "Dataset"), "to_dataframe"),
    "tensor": (lambda: stand_in("torch", "Tensor"), "numpy"),
    "result of sqlalchemy": (
        lambda: stand_in("sqlalchemy.engine.result", "Result"),
        "pandas.DataFrame",
    ),
    "engine of sqlalchemy": (lambda: stand_in("sqlalchemy.engine.base", "Engine"), "read_sql"),
    "big query": (lambda: stand_in("google.cloud.bigquery.table", "RowIterator"), "to_arrow"),
    "something with to_pandas": (
        type("Held", (), {"to_pandas": lambda _: None}),
        ".to_pandas()",
    ),
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_an_invalid_source_is_rejected_with_code_that_works(
    client: sutro.Client, kind: str
) -> None:
    make, line = UNKNOWN[kind]
    source = make()

    for call in (client.upload, client.check):
        with pytest.raises(TypeError) as raised:
            call(source)
        assert line in str(raised.value)
        assert len(str(raised.value)) < 400
        assert "\n" not in str(raised.value)
        source = make()

    assert client.list_datasets() == []


@pytest.mark.parametrize("mode", ["ascii", "utf-8", "latin-1"])
def test_a_file_opened_in_text_mode_is_reported(
    client: sutro.Client, tmp_path: Path, mode: str
) -> None:
    path = write_parquet(tmp_path / "a.parquet")

    with path.open(encoding=mode) as file, pytest.raises(sutro.FrameError, match="mode 'rb'"):
        client.upload(file)
    with pytest.raises(sutro.FrameError, match="mode 'rb'"):
        client.upload(io.StringIO("a"))


def test_the_suggested_code_works(client: sutro.Client, folder: Path) -> None:
    paths = [folder / name for name in PARTS[:2]]
    parts = {"train": paths, "test": paths[:1]}

    named = {f"{name}-{i}": item for name, part in parts.items() for i, item in enumerate(part)}
    flat = [item for part in [[FRAME], [FRAME]] for item in part]

    names = ["train-0.parquet", "train-1.parquet", "test-0.parquet"]
    assert [file.name for file in client.upload(named)] == names
    assert len(client.upload(flat)) == 2
    assert client.upload(os.fsdecode(os.fsencode(paths[0])))
    assert client.upload(pa.py_buffer(paths[0].read_bytes()).to_pybytes(), names=["x"])


def test_a_generator_can_yield_paths(client: sutro.Client, folder: Path) -> None:
    with pytest.warns(sutro.SutroWarning, match="not in natural order"):
        report = client.upload(path for path in [folder / PARTS[1], folder / PARTS[0]])

    assert names_in(client, report.dataset_id) == [PARTS[1], PARTS[0]]
    with warnings.catch_warnings(action="ignore"):
        assert len(client.upload(folder.glob("*.parquet"))) == 12


def test_the_table_of_a_hugging_face_dataset_is_uploaded_with_a_warning(
    client: sutro.Client,
) -> None:
    dataset = hf.Dataset.from_dict({"a": [3, 1, 2]}).select([2, 0])

    with pytest.warns(sutro.SutroWarning, match="Pass the dataset itself"):
        client.upload(dataset.data.table)
    with warnings.catch_warnings(action="error"):
        report = client.upload(dataset)
        client.upload(dataset.data.table.replace_schema_metadata())

    assert pa.table(client.read(report.dataset_id))["a"].to_pylist() == [2, 3]


def test_an_open_file_of_a_delta_table_is_reported(client: sutro.Client, tmp_path: Path) -> None:
    (tmp_path / "table" / "_delta_log").mkdir(parents=True)
    path = write_parquet(tmp_path / "table" / "a.parquet")
    local = fsspec.filesystem("file")

    for opened in (path.open("rb"), local.open(str(path)), fsspec.open(str(path))):
        with opened as file, pytest.warns(sutro.SutroWarning, match="is a Delta table"):
            assert client.upload(file)[0].name == "a.parquet"
    with warnings.catch_warnings(action="error"), path.open("rb") as file:
        moved = io.BytesIO(file.read())
        assert client.upload(moved)


@pytest.mark.parametrize(
    ("marks", "words"),
    [
        (["schema", "snapshot", "manifest"], "a Paimon table"),
        (["_versions", "_transactions", "data"], "a Lance dataset"),
    ],
)
def test_folders_of_further_table_formats_are_rejected(
    client: sutro.Client, tmp_path: Path, marks: list[str], words: str
) -> None:
    for mark in marks:
        (tmp_path / "table" / mark).mkdir(parents=True)
    (tmp_path / "table" / "bucket-0").mkdir()
    write_parquet(tmp_path / "table" / "bucket-0" / "data.parquet")

    for source in (tmp_path / "table", tmp_path / "table" / "bucket-0"):
        with pytest.raises(sutro.ConfigurationError, match=words):
            client.upload(source, recursive=True)


@pytest.mark.parametrize("url", ["https://", "https:", "http://"])
def test_a_url_without_a_host_is_reported(url: str) -> None:
    with pytest.raises(sutro.ConfigurationError, match="a host is missing: https://HOST"):
        sutro.Client("key", url)


def test_a_url_with_only_a_scheme_is_rejected(client: sutro.Client) -> None:
    with pytest.raises(sutro.ConfigurationError, match="has no path"):
        client.upload("https://")


def nested(levels: int) -> pa.Table:
    """A column `deep` with this many nested types, and a flat column."""
    array = pa.array([1])
    for _ in range(levels - 1):
        array = pa.StructArray.from_arrays([array], ["x"])
    return pa.table({"flat": [1], "deep": array})


def test_a_column_that_pyarrow_cannot_import_is_named_in_a_warning(
    client: sutro.Client, tmp_path: Path
) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415 - only here

    deepest, too_deep = nested(63), nested(66)
    pq.write_table(too_deep, tmp_path / "deep.parquet")
    fits = client.upload(deepest).dataset_id
    dataset_id = client.upload(tmp_path / "deep.parquet").dataset_id

    with warnings.catch_warnings(action="error"):
        assert pa.table(client.read(fits)).equals(deepest)
        assert client.read(dataset_id).to_polars().height == 1
    with pytest.raises(sutro.DecodeError, match="'deep' is nested more than 64 levels deep"):
        client.read(dataset_id).to_arrow()
    with (
        pytest.warns(sutro.SutroWarning, match="'deep' is nested more than 64 levels deep"),
        pytest.raises(pa.ArrowInvalid, match="Recursion level"),
    ):
        pa.table(client.read(dataset_id))
    assert pa.table(client.read(dataset_id, columns=["flat"]))["flat"].to_pylist() == [1]
