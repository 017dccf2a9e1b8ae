"""Objects of an S3 server: uploaded, and their footers checked."""

from __future__ import annotations

import dataclasses
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import obstore
from obstore.store import S3Store

from compare import children, files
from compare.cases import Case
from compare.receivers import LINKS, neutral
from helpers import s3
from helpers.source_proxy import SourceProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from compare.cases import Sample
    from compare.uploads import Places

PACKAGE = "sutro"
GET_THEN_UPLOAD = "obstore to files, then sutro"
GET_AND_UPLOAD = "obstore to files and requests, x 8"
S3FS, S3FS_POOL = "pyarrow over s3fs", "pyarrow over s3fs x 8"
UPLOADED = "32 x 16 MB"
FOOTERS = 1_000


def cases(places: Places, *, is_quick: bool) -> Iterator[Case]:
    """Upload objects, and check footers of objects."""
    if s3.program() is None:
        print(f"stores: skipped, {s3.MISSING}", file=sys.stderr)
        return
    with s3.S3Server() as server:
        yield _uploads(places, server, rounds=3 if is_quick else 7)
        yield from _footers(places, server, rounds=3 if is_quick else 5)


def _uploads(places: Places, server: s3.S3Server, rounds: int) -> Case:
    paths = files.of_shape(places.folder, UPLOADED)
    source = _put(server, "uploaded", paths)

    def by(script: str, *arguments: object) -> Callable[[], Sample]:
        def upload() -> Sample:
            with neutral(places.receiver, LINKS["loopback"]) as target:
                job = {**dataclasses.asdict(target), **source}
                return children.python(script, *arguments, job=job)

        return upload

    contenders = {
        PACKAGE: by("upload_objects_package.py"),
        GET_THEN_UPLOAD: by("upload_objects_obstore.py", "then"),
        GET_AND_UPLOAD: by("upload_objects_obstore.py", "and"),
    }
    size = sum(path.stat().st_size for path in paths)
    name = f"{UPLOADED} from S3"
    return Case("stores", name, contenders, rounds, size_bytes=size, items=len(paths))


def _footers(places: Places, server: s3.S3Server, rounds: int) -> Iterator[Case]:
    source = _put(server, "checked", files.of_columns(places.folder, FOOTERS))

    def by(script: str, *arguments: object) -> Callable[[], Sample]:
        return lambda: children.python(script, *arguments, job=source)

    def counted(script: str, *arguments: object) -> Callable[[], Sample]:
        def count() -> Sample:
            with SourceProxy(_port(server)) as proxy:
                job = {**source, "endpoint": proxy.api_url}
                sample = children.python(script, *arguments, job=job)
                return dataclasses.replace(sample, requests=len(proxy.requests))

        return count

    contenders = {
        PACKAGE: by("check_objects_package.py"),
        S3FS: by("check_objects_s3fs.py", 1),
        S3FS_POOL: by("check_objects_s3fs.py", 8),
    }
    yield Case("stores", f"{FOOTERS:,} footers in S3", contenders, rounds, items=FOOTERS)
    contenders = {
        PACKAGE: counted("check_objects_package.py"),
        S3FS: counted("check_objects_s3fs.py", 1),
    }
    name = f"{FOOTERS:,} footers in S3, through a proxy that counts requests"
    yield Case("stores", name, contenders, 1, items=FOOTERS)


def _put(server: s3.S3Server, folder: str, paths: Sequence[Path]) -> dict[str, Any]:
    """Write files to the server, and return where they are."""
    place = {
        "endpoint": server.endpoint,
        "bucket": s3.BUCKET,
        "store_key": "tests",
        "secret": s3.SECRET,
    }
    store = S3Store(
        s3.BUCKET,
        endpoint=server.endpoint,
        access_key_id=place["store_key"],
        secret_access_key=place["secret"],
        region="us-east-1",
        client_options={"allow_http": True},
    )
    keys = [f"{folder}/{path.name}" for path in paths]

    def put(key: str, path: Path) -> None:
        obstore.put(store, key, path)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, keys, paths))
    return {**place, "folder": folder, "keys": keys}


def _port(server: s3.S3Server) -> int:
    return int(server.endpoint.rpartition(":")[2])
