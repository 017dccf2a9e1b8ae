"""Clients that upload the same files to the same receiver."""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from compare import children, files
from compare.cases import Case, ContenderError, Sample
from compare.receivers import LINKS, Link, Target, embedded, neutral

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

ORDERED, UNORDERED = "sutro, ordered", "sutro, unordered"
PACKED = "sutro, packed"
PACK_BYTES = "256MB"
SDK, REQUESTS, AIOHTTP, CURL = "SDK 0.1.60", "requests x 8", "aiohttp x 8", "curl x 8"
REWRITTEN = "pyarrow, requests"
RENAMED = (PACKED, REWRITTEN)
"""They send other files than they were given."""
OWN = (ORDERED, UNORDERED)
ALL = (*OWN, SDK, REQUESTS, AIOHTTP, CURL)
CONCURRENT = (*OWN, REQUESTS, AIOHTTP, CURL)


@dataclass(frozen=True)
class Places:
    """Where things are on this machine."""

    folder: Path
    """Takes files and datasets."""
    receiver: Path
    sdk_python: str


@dataclass(frozen=True)
class Plan:
    """One row of the comparison."""

    shape: str
    link: str
    clients: Sequence[str]
    rounds: int
    is_quick: bool = False
    """Whether `--quick` has it."""


# Rounds are few where seconds are long: on a capped link all rounds take the same time.
NEUTRAL = (
    Plan("32 x 16 MB", "loopback", ALL, 9, is_quick=True),
    Plan("8 x 256 MB", "loopback", ALL, 5, is_quick=True),
    Plan("1 x 2 GB", "loopback", ALL, 3),
    Plan("500 x 64 KB", "loopback", ALL, 5, is_quick=True),
    Plan("1 GB + 100 x 4 MB", "loopback", ALL, 3),
    Plan("32 x 16 MB", "20 MB/s", ALL, 3, is_quick=True),
    Plan("500 x 64 KB", "20 MB/s", OWN, 5, is_quick=True),
    Plan("8 x 256 MB", "20 MB/s", OWN, 2),
    Plan("1 GB + 100 x 4 MB", "20 MB/s", OWN, 1),
    Plan("1 x 2 GB", "20 MB/s", OWN, 1),
    Plan("32 x 16 MB", "50 MB/s", CONCURRENT, 5, is_quick=True),
    Plan("500 x 64 KB", "50 MB/s", OWN, 5, is_quick=True),
    Plan("8 x 256 MB", "50 MB/s", OWN, 3),
    Plan("1 GB + 100 x 4 MB", "50 MB/s", OWN, 1),
    Plan("1 x 2 GB", "50 MB/s", OWN, 1),
    Plan("32 x 16 MB", "50 ms", ALL, 3, is_quick=True),
    Plan("32 x 16 MB", "200 ms", ALL, 3),
    Plan("500 x 64 KB", "50 ms", OWN, 1),
    Plan("8 x 256 MB", "50 ms", OWN, 3),
    Plan("8 x 256 MB", "200 ms", OWN, 3),
    Plan("32 x 16 MB", "20 MB/s, 50 ms", OWN, 3, is_quick=True),
    Plan("32 x 16 MB", "20 MB/s, 200 ms", OWN, 3),
)
EMBEDDED = (
    Plan("32 x 16 MB", "loopback", ALL, 3, is_quick=True),
    Plan("8 x 256 MB", "loopback", CONCURRENT, 3),
    Plan("500 x 64 KB", "loopback", CONCURRENT, 3),
)


def cases(places: Places, group: str) -> Iterator[tuple[Plan, Case]]:
    """All cases of a group, "neutral receiver" or "embedded service"."""
    for plan in NEUTRAL if group == "neutral receiver" else EMBEDDED:
        link = LINKS[plan.link]
        paths = files.of_shape(places.folder, plan.shape)

        def receiver(link: Link = link) -> AbstractContextManager[Target]:
            if group == "neutral receiver":
                return neutral(places.receiver, link)
            return embedded(places.folder)

        uploads = clients(places)
        contenders = {
            client: contender(client, uploads[client], receiver, paths) for client in plan.clients
        }
        size = sum(path.stat().st_size for path in paths)
        name = f"{plan.shape}, {plan.link}"
        yield plan, Case(group, name, contenders, plan.rounds, size_bytes=size, items=len(paths))


def contender(
    client: str,
    upload: Callable[[Target, Sequence[Path]], Sample],
    receiver: Callable[[], AbstractContextManager[Target]],
    paths: Sequence[Path],
) -> Callable[[], Sample]:
    """Return one run: the files in memory, a fresh receiver, and a look at what came."""

    def contend() -> Sample:
        files.read(paths)
        with receiver() as target:
            sample = upload(target, paths)
            came, sent = target.file_names(), [path.name for path in paths]
            if client not in RENAMED and sorted(came) != sorted(sent):
                raise ContenderError(client, f"{len(came)} of {len(sent)} files came")
            return dataclasses.replace(sample, in_order=came == sent)

    return contend


def clients(places: Places) -> dict[str, Callable[[Target, Sequence[Path]], Sample]]:
    """Return what uploads files to a target, by the names of clients."""

    def by(
        script: str, *arguments: str, **interpreter: str
    ) -> Callable[[Target, Sequence[Path]], Sample]:
        def upload(target: Target, paths: Sequence[Path]) -> Sample:
            job = {**dataclasses.asdict(target), "paths": [str(path) for path in paths]}
            return children.python(script, *arguments, job=job, **interpreter)

        return upload

    return {
        ORDERED: by("upload_package.py", "ordered"),
        UNORDERED: by("upload_package.py", "unordered"),
        PACKED: by("upload_package.py", "packed", PACK_BYTES),
        SDK: by("upload_sdk.py", interpreter=places.sdk_python),
        REQUESTS: by("upload_requests.py"),
        AIOHTTP: by("upload_aiohttp.py"),
        CURL: _by_curl,
    }


def _by_curl(target: Target, paths: Sequence[Path]) -> Sample:
    requests = [
        f'url = "{target.url}/upload-to-dataset"\n'
        f'header = "Authorization: Key {target.key}"\n'
        f'form = "dataset_id={target.dataset_id}"\n'
        f'form = "file=@{path}"\n'
        "fail\nsilent\nshow-error\n" + (f'cacert = "{target.ca_file}"\n' if target.ca_file else "")
        for path in paths
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".curlrc") as config:
        config.write("next\n".join(requests))
        config.flush()
        return children.curl(
            ["--no-progress-meter", "--parallel", "--parallel-max", "8", "--config", config.name]
        )
