"""Checks, frames, the service's disk, the import, and async calls."""

from __future__ import annotations

import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING

from compare import children, files
from compare.cases import Case, Sample
from compare.receivers import LINKS, embedded, empty_folder, neutral
from compare.uploads import ORDERED, SDK, Places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

PACKAGE, PYARROW, PYARROW_POOL, POLARS = "sutro", "pyarrow", "pyarrow x 8", "polars"
TO_PARQUET = "to_parquet, requests"
COPY = "cp, sync"
ALONE = "import sutro alone"
STANDARD = "its standard modules"
SYNC, ASYNC = "sync", "async"
SMALL_CALLS = 100


def checks(places: Places) -> Iterator[Case]:
    """The footers of many files, read and compared."""
    for count in (1_000, 5_000):
        paths = files.of_columns(places.folder, count)

        def by(
            script: str, *arguments: object, paths: Sequence[Path] = paths
        ) -> Callable[[], Sample]:
            def check() -> Sample:
                files.read(paths)
                job = {"paths": [str(path) for path in paths]}
                return children.python(script, *arguments, job=job)

            return check

        contenders = {
            PACKAGE: by("check_package.py"),
            PYARROW: by("check_pyarrow.py", 1),
            PYARROW_POOL: by("check_pyarrow.py", 8),
            POLARS: by("check_polars.py"),
        }
        yield Case("checks", f"{count:,} footers", contenders, 5, items=count)


def frames(places: Places) -> Iterator[Case]:
    """From a pandas frame to a committed file."""

    def by(script: str) -> Callable[[], Sample]:
        def upload() -> Sample:
            with neutral(places.receiver, LINKS["loopback"]) as target:
                return children.python(script, job=vars(target))

        return upload

    contenders = {PACKAGE: by("frame_package.py"), TO_PARQUET: by("frame_pandas.py")}
    yield Case("frames", "2 M rows of pandas", contenders, 3)


def service(places: Places) -> Iterator[Case]:
    """Durable bytes on one disk: the service against a plain copy."""
    for shape in ("8 x 256 MB", "32 x 16 MB"):
        paths = files.of_shape(places.folder, shape)

        def upload(paths: Sequence[Path] = paths) -> Sample:
            files.read(paths)
            with embedded(places.folder) as target:
                job = {**vars(target), "paths": [str(path) for path in paths]}
                return children.python("upload_package.py", "ordered", job=job)

        def copy(paths: Sequence[Path] = paths) -> Sample:
            files.read(paths)
            with empty_folder(places.folder) as folder:
                begun = time.perf_counter()
                subprocess.run(["cp", *paths, folder], check=True)
                copies = [folder / path.name for path in paths]
                subprocess.run(["sync", *copies, folder], check=True)
                return Sample(time.perf_counter() - begun)

        size = sum(path.stat().st_size for path in paths)
        contenders: dict[str, Callable[[], Sample]] = {ORDERED: upload, COPY: copy}
        yield Case("service", shape, contenders, 5, size_bytes=size, items=len(paths))


def imports(places: Places) -> Iterator[Case]:
    """`import sutro`: this package, the SDK, and the standard modules that this package needs."""
    contenders = {
        PACKAGE: lambda: children.python("import_sutro.py"),
        SDK: lambda: children.python("import_sutro.py", interpreter=places.sdk_python),
    }
    yield Case("import", "import sutro", contenders, 9)
    for name, code in ((ALONE, "import sutro"), ("sutro.upload", "import sutro; sutro.upload")):
        standard = children.standard_imports(code)
        by_code: dict[str, Callable[[], Sample]] = {
            PACKAGE: partial(children.imports, code),
            STANDARD: partial(children.imports, standard),
        }
        yield Case("import", name, by_code, 45)


def async_calls(places: Places) -> Iterator[Case]:
    """Small calls, and their async twins."""

    def by(mode: str) -> Callable[[], Sample]:
        def call() -> Sample:
            with embedded(places.folder) as target:
                return children.python("small_calls.py", mode, job=vars(target))

        return call

    contenders = {mode: by(mode) for mode in (SYNC, ASYNC)}
    yield Case("async", f"{SMALL_CALLS} small calls", contenders, 9, items=SMALL_CALLS)
