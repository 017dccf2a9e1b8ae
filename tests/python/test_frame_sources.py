"""Objects of common libraries are uploaded unchanged, or rejected with code that works."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import datasets as hf
import deltalake
import fsspec
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import sutro
from conftest import write_parquet
from helpers.datasets import names_in
from helpers.processes import python_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TABLE = pa.table({"a": [3, 1, 2]})


def values_of(client: sutro.Client, report: sutro.UploadReport) -> list[int]:
    values: list[int] = pa.table(client.read(report.dataset_id))["a"].to_pylist()
    return values


def delta_table(folder: Path) -> deltalake.DeltaTable:
    deltalake.write_deltalake(str(folder), TABLE)
    deltalake.write_deltalake(str(folder), pa.table({"a": [7]}), mode="overwrite")
    return deltalake.DeltaTable(str(folder))


def parquet_file(folder: Path) -> pq.ParquetFile:
    pq.write_table(TABLE, folder / "file.parquet")
    return pq.ParquetFile(folder / "file.parquet")


def sorted_dataset() -> hf.Dataset:
    with warnings.catch_warnings(action="ignore"):  # of pyarrow, about datasets
        return hf.Dataset(TABLE).sort("a")


def subclass(_: Path) -> pd.DataFrame:
    class Own(pd.DataFrame):  # type: ignore[misc]
        pass

    return Own({"a": [3, 1, 2]})


HELD: dict[str, tuple[Callable[[Path], Any], list[int]]] = {
    "polars lazy": (lambda _: pl.LazyFrame({"a": [3, 1, 2]}).filter(pl.col("a") > 1), [3, 2]),
    "hugging face": (lambda _: hf.Dataset(TABLE), [3, 1, 2]),
    "hugging face, sorted": (lambda _: sorted_dataset(), [1, 2, 3]),
    "hugging face, selected": (lambda _: hf.Dataset(TABLE).select([2, 0]), [2, 3]),
    "hugging face, filtered": (lambda _: hf.Dataset(TABLE).filter(lambda r: r["a"] > 1), [3, 2]),
    "hugging face, iterable": (lambda _: hf.Dataset(TABLE).to_iterable_dataset(), [3, 1, 2]),
    "hugging face, streamed": (
        lambda _: hf.Dataset(TABLE).to_iterable_dataset().filter(lambda r: r["a"] > 1),
        [3, 2],
    ),
    "arrow dataset": (lambda _: ds.dataset(TABLE), [3, 1, 2]),
    "arrow dataset, filtered": (lambda _: ds.dataset(TABLE).filter(ds.field("a") > 1), [3, 2]),
    "scanner": (lambda _: ds.dataset(TABLE).scanner(filter=ds.field("a") > 1), [3, 2]),
    "delta": (delta_table, [7]),
    "parquet file": (parquet_file, [3, 1, 2]),
    "narwhals": (lambda _: nw.from_native(pl.DataFrame(TABLE)), [3, 1, 2]),
    "narwhals, lazy": (lambda _: nw.from_native(pl.DataFrame(TABLE).lazy()), [3, 1, 2]),
    "narwhals of pandas": (lambda _: nw.from_native(pd.DataFrame({"a": [3, 1, 2]})), [3, 1, 2]),
    "pandas subclass": (subclass, [3, 1, 2]),
    "pandas slice": (lambda _: pd.DataFrame({"a": [9, 3, 1, 2]}).iloc[1:], [3, 1, 2]),
    "record batch": (lambda _: TABLE.to_batches()[0], [3, 1, 2]),
}


@pytest.mark.parametrize("kind", HELD)
def test_frames_of_other_libraries_are_uploaded(
    client: sutro.Client, tmp_path: Path, kind: str
) -> None:
    make, rows = HELD[kind]

    report = client.upload(make(tmp_path))

    assert values_of(client, report) == rows
    assert pq.read_schema(
        client.download_from_dataset(report.dataset_id, output_path=tmp_path / "copy")[0]
    ).names == ["a"]


@pytest.mark.parametrize("kind", HELD)
def test_frames_of_other_libraries_are_uploaded_from_a_dict_and_a_list(
    client: sutro.Client, tmp_path: Path, kind: str
) -> None:
    make, rows = HELD[kind]
    for folder in ("one", "two", "three"):
        (tmp_path / folder).mkdir()

    report = client.upload({"only": make(tmp_path / "one")})
    both = client.upload([make(tmp_path / "two"), make(tmp_path / "three")])

    assert names_in(client, report.dataset_id) == ["only.parquet"]
    assert values_of(client, report) == rows
    assert values_of(client, both) == rows * 2


def test_the_keys_of_a_dataset_dict_become_file_names(client: sutro.Client) -> None:
    splits = hf.DatasetDict(train=hf.Dataset(TABLE), test=hf.Dataset(TABLE).select([0]))

    report = client.upload(splits)

    assert [(file.name, file.row_count) for file in report] == [
        ("train.parquet", 3),
        ("test.parquet", 1),
    ]


def test_the_index_of_a_subclass_or_wrapper_is_dropped_with_a_warning(
    client: sutro.Client,
) -> None:
    frame = pd.DataFrame({"a": [3, 1]}, index=[7, 8])

    class Own(pd.DataFrame):  # type: ignore[misc]
        pass

    for wrapped in (Own(frame), nw.from_native(frame)):
        with pytest.warns(sutro.SutroWarning, match="index"):
            report = client.upload(wrapped)
        assert values_of(client, report) == [3, 1]


@pytest.mark.parametrize(
    "paths",
    [pd.Series, pl.Series, pa.array, lambda paths: pa.chunked_array([paths]), np.array, pd.Index],
)
def test_a_column_of_paths_is_accepted_as_a_list_of_paths(
    client: sutro.Client, tmp_path: Path, paths: Callable[[list[str]], Any]
) -> None:
    files = [str(write_parquet(tmp_path / name)) for name in ("b.parquet", "a.parquet")]

    report = client.upload(paths(files))

    assert names_in(client, report.dataset_id) == ["b.parquet", "a.parquet"]


def test_dict_keys_that_are_not_strings_are_converted(client: sutro.Client, tmp_path: Path) -> None:
    frame = pd.DataFrame({"k": [1, 2], "a": [3, 4]})
    groups = {key: part.reset_index(drop=True) for key, part in frame.groupby("k")}
    parts = pl.DataFrame(frame).partition_by("k", as_dict=True)
    file = write_parquet(tmp_path / "a.parquet")

    assert [file.name for file in client.upload(groups)] == ["1.parquet", "2.parquet"]
    assert [file.name for file in client.upload(parts)] == ["1.parquet", "2.parquet"]
    assert [file.name for file in client.upload({Path("x.parquet"): file})] == ["x.parquet"]
    with pytest.raises(sutro.ConfigurationError, match="2 keys that are '1'"):
        client.upload({1: TABLE, "1": TABLE})


@pytest.mark.parametrize("kind", [list, iter, tuple])
@pytest.mark.parametrize("order", [1, -1])
def test_a_list_of_paths_and_frames_is_reported_as_mixed(
    client: sutro.Client, tmp_path: Path, kind: Callable[[Any], Any], order: int
) -> None:
    items = [str(write_parquet(tmp_path / "a.parquet")), TABLE][::order]

    with pytest.raises((TypeError, sutro.UploadIncompleteError), match="either paths or frames"):
        client.upload(kind(items))


def test_fsspec_files_are_named_after_their_paths(client: sutro.Client, tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "day.parquet")
    memory = fsspec.filesystem("memory")
    memory.pipe("/folder/day.parquet", path.read_bytes())
    for file in (memory.open("/folder/day.parquet"), fsspec.open("memory://folder/day.parquet")):
        report = client.upload(file)

        assert [(file.name, file.size_bytes) for file in report] == [
            ("day.parquet", path.stat().st_size)
        ]


def test_chunks_of_a_pandas_reader_are_uploaded_without_a_warning(
    client: sutro.Client, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("a\n" + "\n".join(map(str, range(10))))

    with pd.read_csv(tmp_path / "a.csv", chunksize=4) as chunks:
        report = client.upload(chunks)

    assert [file.row_count for file in report] == [4, 4, 2]


def stand_in(module: str, name: str) -> Any:
    """An object with the class name of a library that takes too long to install."""
    return type(name, (), {"__module__": module, "__arrow_c_stream__": None})()


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (stand_in("modin.pandas.dataframe", "DataFrame"), "to_pandas"),
        (stand_in("pyiceberg.table", "Table"), "to_arrow_batch_reader"),
        (pd.DataFrame({"k": [1]}).groupby("k"), "for key, frame in groups"),
        (pl.DataFrame({"k": [1]}).group_by("k"), "partition_by"),
        (pd.Series([1]), "to_frame"),
        (pl.Series([1]), "to_frame"),
        (np.array([[1, 2]]), "column"),
        (pa.array([1]), "column"),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_an_unsupported_source_is_rejected_with_code_that_works(
    client: sutro.Client, source: Any, line: str, *, inside: bool
) -> None:
    with pytest.raises(TypeError, match=line):
        client.upload([source] if inside else source)

    assert client.list_datasets() == []


@pytest.mark.parametrize(
    "source",
    [
        stand_in("dask.dataframe.dask_expr._collection", "DataFrame"),
        stand_in("ray.data.dataset", "Dataset"),
        stand_in("pyspark.sql.classic.dataframe", "DataFrame"),
    ],
)
def test_a_frame_of_an_engine_is_rejected_in_a_list_and_by_a_check(
    client: sutro.Client, source: Any
) -> None:
    for call in (client.upload, client.check):
        with pytest.raises(TypeError, match=r"pass it directly to sutro\.upload"):
            call([source])
    with pytest.raises(TypeError, match=r"pass it directly to sutro\.upload"):
        client.check(source)

    assert client.list_datasets() == []


def frames() -> Iterator[pl.LazyFrame]:
    for number in range(3):
        yield pl.LazyFrame({"a": [number]})


def test_a_generator_can_yield_lazy_frames(client: sutro.Client) -> None:
    assert values_of(client, client.upload(frames())) == [0, 1, 2]


# What the upload adds to the peak memory, in kB. The child's alone, as in test_frames.
STREAMED = """
import re, sys
from pathlib import Path
import numpy as np
import polars as pl
import pyarrow as pa, pyarrow.dataset as ds, pyarrow.parquet as pq
import sutro

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

folder = Path("frames")
folder.mkdir()
for part in range(32):
    rows = np.random.default_rng(part).integers(0, 2**62, (2, 1_250_000))
    pq.write_table(pa.table({"a": rows[0], "b": rows[1]}), folder / f"{part:02}.parquet")
lazy = pl.scan_parquet(folder / "*.parquet").filter(pl.col("a") >= 0)
source = {"polars": lazy, "pyarrow": ds.dataset(folder)}[sys.argv[3]]
before = peak()
report = sutro.upload(source, api_key=sys.argv[2], api_url=sys.argv[1])
assert report[0].row_count == 32 * 1_250_000
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory in /proc")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_a_query_result_of_640_mb_is_streamed_not_collected(
    server: sutro.LocalServer, tmp_path: Path, library: str
) -> None:
    peak = python_output(
        "-c", STREAMED, server.api_url, server.api_key, library, cwd=tmp_path, timeout=300
    )

    # Most of it is what the engines read ahead.
    assert int(peak) / 1000 < 400
