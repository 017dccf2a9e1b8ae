"""Parts of a dataset can be read into any library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def dataset_id(client: sutro.Client, folder: Path) -> str:
    return client.upload(folder).dataset_id


def test_columns_are_returned_in_the_requested_order(
    client: sutro.Client, dataset_id: str, folder: Path
) -> None:
    whole = pa.concat_tables(pq.read_table(folder / f"part-{n}.parquet") for n in range(12))

    assert client.read(dataset_id, columns=["text"]).to_arrow().equals(whole.select(["text"]))
    both = client.read(dataset_id, columns=["text", "id"]).to_arrow()
    assert both.equals(whole.select(["text", "id"]))


def test_files_are_read_in_the_requested_order(client: sutro.Client, dataset_id: str) -> None:
    names = ["part-7.parquet", "part-2.parquet"]

    texts = client.read(dataset_id, files=names).to_polars()["text"]

    assert texts.unique(maintain_order=True).to_list() == ["part-7", "part-2"]
    assert client.read(dataset_id, files="part-2.parquet").to_pandas().shape == (3, 2)


def test_unknown_columns_and_files_are_reported_with_the_existing_ones(
    client: sutro.Client, dataset_id: str
) -> None:
    with pytest.raises(sutro.ConfigurationError, match=r"no column .txt.; it has id, text"):
        client.read(dataset_id, columns=["txt"]).to_arrow()
    with pytest.raises(sutro.ConfigurationError, match=r"no file .z\.parquet."):
        client.read(dataset_id, files=["z.parquet"]).to_arrow()
    with pytest.raises(TypeError, match="a list of str"):
        client.read(dataset_id, columns="text")
    with pytest.raises(sutro.ConfigurationError, match="columns is empty"):
        client.read(dataset_id, columns=[])


def test_columns_that_are_not_requested_are_not_decoded(
    client: sutro.Client, tmp_path: Path
) -> None:
    """The pages of one column are damaged, so decoding it would fail."""
    path = tmp_path / "a.parquet"
    table = pa.table({"good": range(1000), "bad": range(1000)})
    pq.write_table(table, path, compression="none", use_dictionary=False)
    column = pq.read_metadata(path).row_group(0).column(1)
    content = bytearray(path.read_bytes())
    content[column.data_page_offset : column.data_page_offset + 40] = b"\xff" * 40
    path.write_bytes(content)
    dataset_id = client.upload(path).dataset_id

    assert client.read(dataset_id, columns=["good"]).to_arrow()["good"].to_pylist()[-1] == 999
    with pytest.raises(Exception, match="cannot be decoded"):
        client.read(dataset_id).to_arrow()


def test_iterating_a_reader_yields_batches(client: sutro.Client, dataset_id: str) -> None:
    batches = list(client.read(dataset_id))

    assert all(isinstance(batch, pa.RecordBatch) for batch in batches)
    assert sum(batch.num_rows for batch in batches) == 78


def test_pandas_and_numpy_get_an_error_that_says_how_to_read(
    client: sutro.Client, dataset_id: str
) -> None:
    reader = client.read(dataset_id)

    with pytest.raises(TypeError, match=r"\.to_pandas\(\)"):
        pd.DataFrame(reader)
    with pytest.raises(TypeError, match=r"\.to_pandas\(\)"):
        np.asarray(reader)
    assert pd.DataFrame.from_arrow(reader).equals(reader.to_pandas())


def test_columns_that_pyarrow_rejects_are_reported_with_a_library_that_reads_them(
    client: sutro.Client, tmp_path: Path
) -> None:
    data_type: pa.DataType = pa.int64()
    value: object = 1
    for _ in range(70):
        data_type, value = pa.struct([("x", data_type)]), {"x": value}
    pq.write_table(
        pa.table({"flat": [1], "deep": pa.array([value], data_type)}), tmp_path / "deep.parquet"
    )
    dataset_id = client.upload(tmp_path / "deep.parquet").dataset_id
    reader = client.read(dataset_id)

    for read in (reader.to_arrow, reader.to_pandas, lambda: list(reader)):
        with pytest.raises(
            sutro.DecodeError, match=r"nested more than 64 levels deep.*to_polars\(\)"
        ):
            read()
    assert reader.to_polars().columns == ["flat", "deep"]
    assert client.read(dataset_id, columns=["flat"]).to_arrow().num_rows == 1
    (path,) = client.download_from_dataset(dataset_id, output_path=tmp_path / "copy")
    assert pq.read_table(path).num_rows == 1


def test_a_dataset_can_have_a_display_name(client: sutro.Client) -> None:
    dataset_id = client.create_dataset("My cars, 1970 to 82 & more, über")

    (dataset,) = client.list_datasets()
    assert (dataset.dataset_id, dataset.name) == (dataset_id, "My cars, 1970 to 82 & more, über")
