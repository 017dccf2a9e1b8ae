"""Files of the right size: packed on the way, against other ways to send the same rows."""

from __future__ import annotations

import shutil
import tempfile
from typing import TYPE_CHECKING

import sutro
from compare import children, files
from compare.cases import Case
from compare.receivers import LINKS, neutral
from compare.uploads import (
    CURL,
    ORDERED,
    PACK_BYTES,
    PACKED,
    REWRITTEN,
    Places,
    clients,
    contender,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from compare.cases import Sample
    from compare.receivers import Target

PACKS = "sutro, the packs as files"
SLOW = "500 x 64 KB, 50 ms"


def cases(places: Places, *, is_quick: bool) -> Iterator[Case]:
    """Packing where responses take a moment, on loopback, and against a rewrite."""
    upload = clients(places)
    rounds = 3 if is_quick else 7

    def case(
        name: str,
        link: str,
        contenders: Mapping[str, tuple[Callable[[Target, Sequence[Path]], Sample], Sequence[Path]]],
    ) -> Case:
        def receiver() -> AbstractContextManager[Target]:
            return neutral(places.receiver, LINKS[link])

        runs = {
            label: contender(label, client, receiver, paths)
            for label, (client, paths) in contenders.items()
        }
        _, paths = contenders[PACKED]
        size = sum(path.stat().st_size for path in paths)
        return Case("packing", name, runs, rounds, size_bytes=size, items=len(paths))

    paths = files.of_shape(places.folder, "500 x 64 KB")
    both = {PACKED: (upload[PACKED], paths), CURL: (upload[CURL], paths)}
    yield case(SLOW, "50 ms", both)
    for shape in ("32 x 16 MB", "500 x 64 KB"):
        paths = files.of_shape(places.folder, shape)
        packs = _packs_of(places, shape, paths)
        plain = {
            PACKED: (upload[PACKED], paths),
            ORDERED: (upload[ORDERED], paths),
            PACKS: (upload[ORDERED], packs),
        }
        yield case(f"{shape}, loopback", "loopback", plain)
    tables = files.of_rows(places.folder, 40)
    for name, paths in (
        ("40 x 50,000 rows", tables),
        ("500 x 64 KB", files.of_shape(places.folder, "500 x 64 KB")),
    ):
        rewrite = {PACKED: (upload[PACKED], paths), REWRITTEN: (_rewrite, paths)}
        yield case(f"{name}, against a rewrite", "loopback", rewrite)


def _rewrite(target: Target, paths: Sequence[Path]) -> Sample:
    job = {**vars(target), "paths": [str(path) for path in paths]}
    return children.python("pack_pyarrow.py", job=job)


def _packs_of(places: Places, shape: str, paths: Sequence[Path]) -> list[Path]:
    """Return what packing sends, as files."""
    folder = places.folder / f"{shape.replace(' ', '')}-packed"
    if not folder.exists():
        with (
            tempfile.TemporaryDirectory(dir=places.folder, prefix="packs-") as making,
            tempfile.TemporaryDirectory(dir=places.folder, prefix="service-") as data,
            sutro.LocalServer(data) as server,
        ):
            client = server.client()
            report = client.upload(list(paths), target_file_size=PACK_BYTES, progress=False)
            client.download_from_dataset(report.dataset_id, output_path=making)
            shutil.copytree(making, folder)
    return sorted(folder.glob("*.parquet"))
