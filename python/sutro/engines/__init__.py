"""Engines that compute data on many machines: Ray, Dask, Spark and Daft.

The tasks of an engine stage their partitions, and the driver commits them in order. An engine is
imported when it is used for the first time; so is its module here.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sutro._run import forks
from sutro._sources.classes import is_a
from sutro.engines.options import options_of
from sutro.errors import ConfigurationError, UploadInterrupted

if TYPE_CHECKING:
    from types import ModuleType

    from sutro._reports.upload import UploadReport
    from sutro._run.arguments import Upload
    from sutro._run.driver import Driver

_FRAMES = {
    "dask": (("dask", "DataFrame", "FrameBase", "_Frame"), ("dask_expr", "FrameBase")),
    "ray": (("ray", "Dataset"),),
    "spark": (("pyspark", "DataFrame"),),
    "daft": (("daft", "DataFrame"),),
}
"""The frames of each engine, by library and classes; no engine is imported to tell."""


def engine_of(source: object) -> str | None:
    """Name the engine whose frame a source is; `None` for everything else."""
    found = (name for name, kinds in _FRAMES.items() if any(is_a(source, *kind) for kind in kinds))
    return next(found, None)


def load(name: str) -> ModuleType:
    """Import the module of an engine.

    Raises:
        ImportError: The engine is not installed.
    """
    with forks.moment:
        try:
            module: ModuleType = __import__(f"sutro.engines.{name}", fromlist=[name])
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith("sutro"):
                raise
            message = f"sutro.{name} needs {error.name}: pip install 'sutro[{name}]'"
            raise ImportError(message, name=error.name) from error
    return module


async def upload(driver: Driver, client: Any, given: Upload, staging: object) -> UploadReport:
    """Run the job of an engine, and commit what its tasks have staged.

    Raises:
        ConfigurationError: An argument does not apply, or the server does not stage files.
        UploadInterrupted: Ctrl-C.
        SutroError: Anything else of this package; the engine's own errors stay as they are.
    """
    name = engine_of(given.source) or ""
    options = options_of(given, staging)
    source: Any = given.source
    work = partial(load(name).upload, client, source, given.dataset_id, options)
    try:
        return await driver.in_background(work)
    except UploadInterrupted:
        raise
    except KeyboardInterrupt as interrupt:
        message = (
            "interrupted: nothing was committed. The server deletes the staged files when they "
            "expire. Run the same upload again to compute and send them again"
        )
        raise UploadInterrupted(message) from interrupt


def refuse_staging(staging: object) -> None:
    """Reject `staging` for anything but the frame of an engine.

    Raises:
        ConfigurationError: There is one.
    """
    if staging is not None:
        message = "`staging` only applies to frames of Ray, Dask, Spark and Daft"
        raise ConfigurationError(message)
