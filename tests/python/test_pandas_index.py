"""The index of a pandas frame never becomes a column, even through wrappers."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import datasets as hf
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import sutro

if TYPE_CHECKING:
    from collections.abc import Callable

INDEXES: dict[str, tuple[Any, str | None]] = {
    "rows 0, 1": (pd.RangeIndex(2), None),
    "rows 5, 6": (pd.RangeIndex(5, 7), None),
    "filtered": (pd.Index([7, 9]), "the index of a pandas frame is not uploaded"),
    "named": (pd.Index(["x", "y"], name="key"), "the index key of a pandas frame"),
    "levels": (
        pd.MultiIndex.from_tuples([(1, "x"), (2, "y")], names=["k", None]),
        "the index k of a pandas frame",
    ),
}


class Wrapper:
    """A class unknown to sutro that wraps a pandas frame."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        stream: object = self.frame.__arrow_c_stream__(requested_schema)
        return stream


SOURCES: dict[str, Callable[[Wrapper], Any]] = {
    "alone": lambda frame: frame,
    "list": lambda frame: [frame, pd.DataFrame({"a": [1, 2]})],
    "dict": lambda frame: {"day": frame},
    "generator": lambda frame: iter([frame]),
}


@pytest.mark.parametrize("where", SOURCES)
@pytest.mark.parametrize("kind", INDEXES)
def test_the_index_of_a_wrapped_frame_is_dropped(
    client: sutro.Client, kind: str, where: str
) -> None:
    index, warning = INDEXES[kind]
    frame = Wrapper(pd.DataFrame({"a": [1, 2]}, index=index))

    with warnings.catch_warnings(record=True, action="always") as caught:
        report = client.upload(SOURCES[where](frame))

    messages = {str(it.message) for it in caught}
    if warning is None:
        assert not messages
    else:
        (message,) = messages
        assert message.startswith(warning)
        assert "reset_index() makes it a column" in message
    rows = pa.table(client.read(report.dataset_id))
    assert rows.column_names == ["a"]
    assert rows["a"].to_pylist()[:2] == [1, 2]


def test_a_wrapped_frame_fits_the_dataset_of_a_plain_one(client: sutro.Client) -> None:
    dataset_id = client.upload(pd.DataFrame({"a": [1, 2]})).dataset_id
    frame = Wrapper(pd.DataFrame({"a": [3, 4]}, index=[7, 8]))

    with pytest.warns(sutro.SutroWarning, match="index"):
        assert client.check(frame, dataset_id)
    with pytest.warns(sutro.SutroWarning, match="index"):
        client.upload(frame, dataset_id)

    assert pa.table(client.read(dataset_id))["a"].to_pylist() == [1, 2, 3, 4]


@pytest.mark.parametrize("make", [pa.Table.from_pandas, hf.Dataset.from_pandas])
def test_a_table_converted_from_a_frame_keeps_its_columns_with_a_warning(
    client: sutro.Client, make: Callable[[pd.DataFrame], Any]
) -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=[7, 8])

    with pytest.warns(sutro.SutroWarning, match="preserve_index=False to leave it out"):
        report = client.upload(make(frame))

    assert pa.table(client.read(report.dataset_id)).column_names == ["a", "__index_level_0__"]


def test_a_named_index_converted_to_a_table_column_is_kept(client: sutro.Client) -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index([7, 8], name="key"))
    tables = [pa.Table.from_pandas(frame), pl.from_pandas(frame, include_index=True)]
    tables.append(pa.Table.from_pandas(frame, preserve_index=False))

    with warnings.catch_warnings(action="error"):
        reports = [client.upload(table) for table in tables]

    columns = [pa.table(client.read(it.dataset_id)).column_names for it in reports]
    assert columns == [["a", "key"], ["key", "a"], ["a"]]
