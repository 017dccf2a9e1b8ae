"""Many files into a server that stages them, and TLS."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from compare import files
from compare.cases import Case
from compare.receivers import Target, behind_tls, delayed, embedded
from compare.uploads import CURL, ORDERED, UNORDERED, Places, clients, contender

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from typing import TypeAlias

    Receiver: TypeAlias = Callable[[], AbstractContextManager[Target]]

GATE = "sutro, one by one"
ANSWER_AFTER = 0.05
SMALL = "10000 x 4 KB"
TLS = "TLS"


def cases(places: Places, *, is_quick: bool) -> Iterator[Case]:
    """Own service behind a delay, and many small files."""
    upload = clients(places)

    @contextmanager
    def behind_delay() -> Iterator[Target]:
        with (
            embedded(places.folder) as target,
            delayed(urlsplit(target.url).port or 0, ANSWER_AFTER) as url,
        ):
            yield dataclasses.replace(target, url=url)

    @contextmanager
    def encrypted() -> Iterator[Target]:
        with embedded(places.folder) as target, behind_tls(target) as encrypted:
            yield encrypted

    def one_by_one() -> AbstractContextManager[Target]:
        return embedded(places.folder, max_staged_files=0)

    def staging() -> AbstractContextManager[Target]:
        return embedded(places.folder)

    def case(
        name: str,
        shape: str,
        contenders: Mapping[str, tuple[str, Receiver]],
        rounds: int,
    ) -> Case:
        paths = files.of_shape(places.folder, shape)
        runs = {
            label: contender(client, upload[client], receiver, paths)
            for label, (client, receiver) in contenders.items()
        }
        size = sum(path.stat().st_size for path in paths)
        return Case("staging", name, runs, rounds, size_bytes=size, items=len(paths))

    rounds = 3 if is_quick else 5
    contenders: Mapping[str, tuple[str, Receiver]]
    for shape in ("500 x 64 KB", "32 x 16 MB"):
        contenders = {name: (name, behind_delay) for name in (ORDERED, UNORDERED, CURL)}
        yield case(f"{shape}, own service, 50 ms", shape, contenders, rounds)
    contenders = {ORDERED: (ORDERED, staging), GATE: (ORDERED, one_by_one)}
    yield case(f"{SMALL}, own service", SMALL, contenders, 3)
    for shape in ("32 x 16 MB", "500 x 64 KB"):
        contenders = {name: (name, encrypted) for name in (ORDERED, CURL)}
        yield case(f"{shape}, own service, {TLS}", shape, contenders, rounds)
