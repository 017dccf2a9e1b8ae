"""What a dataset contains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import sutro


def names_in(client: sutro.Client, dataset_id: str) -> list[str]:
    """The names of the files, in dataset order."""
    return [file.file_name for file in client.list_dataset_files(dataset_id)]


def table_of(client: sutro.Client, dataset_id: str) -> pa.Table:
    return pa.table(client.read(dataset_id))


def ids_in(client: sutro.Client, dataset_id: str) -> list[int]:
    """The values of the column `id`."""
    ids: list[int] = table_of(client, dataset_id)["id"].to_pylist()
    return ids
