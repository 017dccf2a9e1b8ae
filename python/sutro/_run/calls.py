"""All calls of the API except uploads: check the arguments, then start a job of the core.

The first argument of each call is the driver that waits.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sutro import _core, settings
from sutro._run import values

# Not for type checkers only: the core makes such objects, perhaps when no file can be opened.
from sutro.datasets import Dataset, DatasetFile  # noqa: TC001

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sutro._run.driver import Driver
    from sutro._run.rows import Rows
    from sutro.options import ServerPlace
    from sutro.sources import StorageOptions

_T = TypeVar("_T")


async def create_dataset(driver: Driver, client: _core.Client, name: str | None) -> str:
    """Create an empty dataset and return its id."""
    name = None if name is None else values.text("name", name)
    return await driver.result_of(lambda: client.create_dataset(name))


async def try_authentication(driver: Driver, client: _core.Client) -> None:
    """Raise if the server does not accept the key."""
    await driver.result_of(client.try_authentication)


async def delete_dataset(driver: Driver, client: _core.Client, dataset_id: str) -> None:
    """Delete a dataset with all of its files."""
    dataset_id = values.dataset_id(dataset_id)
    await driver.result_of(lambda: client.delete_dataset(dataset_id))


async def delete_dataset_file(
    driver: Driver, client: _core.Client, dataset_id: str, file_name: str
) -> None:
    """Delete a file of a dataset."""
    dataset_id = values.dataset_id(dataset_id)
    file_name = values.text("file_name", file_name)
    await driver.result_of(lambda: client.delete_dataset_file(dataset_id, file_name))


async def list_datasets(driver: Driver, client: _core.Client) -> list[Dataset]:
    """List the datasets of the key."""
    return await driver.result_of(client.list_datasets)


async def list_dataset_files(
    driver: Driver, client: _core.Client, dataset_id: str
) -> list[DatasetFile]:
    """List a dataset page by page: the core holds one page at a time."""
    dataset_id = values.dataset_id(dataset_id)
    files, after = await driver.result_of(partial(client.list_dataset_files, dataset_id))
    while after is not None:
        ask = partial(client.list_dataset_files, dataset_id, after)
        page, after = await driver.result_of(ask)
        files += page
    return files


async def verify(driver: Driver, place: ServerPlace, upload_expiry: float) -> dict[str, Any]:
    """Compare the bytes of a server's place with its catalog."""
    return await driver.result_of(lambda: _core.verify(place, upload_expiry))


async def add_key(
    driver: Driver, place: ServerPlace, name: str, api_key: str | None
) -> dict[str, Any]:
    """Add a key to the catalog of a server's place."""
    return await driver.result_of(lambda: _core.add_key(place, name, api_key))


async def list_keys(driver: Driver, place: ServerPlace) -> list[dict[str, Any]]:
    """List the keys in the catalog of a server's place."""
    return await driver.result_of(lambda: _core.list_keys(place))


async def revoke_keys(driver: Driver, place: ServerPlace, name_or_id: str) -> list[dict[str, Any]]:
    """Revoke keys in the catalog of a server's place."""
    return await driver.result_of(lambda: _core.revoke_keys(place, name_or_id))


async def open_rows(
    driver: Driver,
    client: _core.Client,
    dataset_id: str,
    columns: list[str] | None,
    files: list[str] | None,
) -> Rows:
    """Download the first file of a dataset, and return the rows of all files as a stream."""
    return await driver.result_of(lambda: client.read(dataset_id, columns, files))


async def next_of(driver: Driver, batches: Iterator[_T]) -> _T | None:
    """Return the next batch, or None. The library that reads it blocks during a download."""
    return await driver.in_background(partial(next, batches, None))


async def download_from_dataset(
    driver: Driver,
    client: _core.Client,
    dataset_id: str,
    files: str | Sequence[str] | None,
    output_path: str | os.PathLike[str] | None,
    *,
    concurrency: int | None,
    overwrite: bool,
    storage_options: StorageOptions | None,
) -> list[Path] | list[str]:
    """Download files and return their paths, or the URLs of their objects."""
    dataset_id = values.dataset_id(dataset_id)
    names = None if files is None else values.text_or_texts("files", files)
    output = "." if output_path is None else values.path_or_url("output_path", output_path)
    at_once = settings.concurrency(concurrency)
    replace = values.flag("overwrite", overwrite)
    stored = values.storage_options(storage_options)
    return await driver.result_of(
        lambda: client.download_from_dataset(dataset_id, names, output, stored, at_once, replace)
    )
