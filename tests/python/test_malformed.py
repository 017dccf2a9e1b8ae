"""Broken files are accepted or rejected with a message, and never crash or stall the process.

The files are checked in a child process, so that an abort is detected as one.
"""

from __future__ import annotations

import io
import json
import random
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.processes import run_python
from helpers.raw_client import RawClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sutro

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"
needs_corpus = pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is kept elsewhere")

CHECK_ALL = """
import json, re, sys, time
from pathlib import Path
import sutro

def peak_mib():  # the child's alone: `ru_maxrss` would begin with that of its parent
    status = Path("/proc/self/status")
    found = status.exists() and re.search(r"VmHWM:\\s+(\\d+)", status.read_text())
    return int(found[1]) / 1024 if found else 0

sutro.check(sys.argv[2])
before = peak_mib()
for path in sorted(Path(sys.argv[1]).iterdir()):
    began = time.process_time()
    error = sutro.check(str(path), names=["a.parquet"], recompress=True).error
    seconds = time.process_time() - began
    kind = None if error is None else type(error).__name__
    print(json.dumps([path.name, kind, str(error or ""), seconds]))
print(json.dumps(["", None, "", peak_mib() - before]))
"""


def parquet_of(table: pa.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


PLAIN = parquet_of(
    pa.table({"number": range(500), "words": [f"row {n}" for n in range(500)]}), row_group_size=100
)


def check_all(folder: Path) -> dict[str, tuple[str | None, str]]:
    """Check each file, and return the results. No file may need much time or memory."""
    plain = folder.parent / "plain.parquet"
    plain.write_bytes(PLAIN)
    child = run_python("-c", CHECK_ALL, folder, plain, timeout=300)
    assert child.returncode == 0, f"{child.stdout[-500:]}\n{child.stderr[-2000:]}"
    *results, (_, _, _, grown) = map(json.loads, child.stdout.splitlines())
    assert len(results) == len(list(folder.iterdir()))
    assert grown < 64, "MiB"
    for name, kind, message, seconds in results:
        assert seconds < 2, f"{name} took {seconds} s of the processor"
        assert kind in {None, "InvalidParquetError"}, f"{name}: {kind}: {message}"
    return {name: (kind, message) for name, kind, message, _ in results}


def with_footer(thrift: bytes) -> bytes:
    return b"PAR1" + thrift + struct.pack("<I", len(thrift)) + b"PAR1"


def footer_of(file: bytes) -> bytes:
    (length,) = struct.unpack("<I", file[-8:-4])
    return file[-8 - length : -8]


def cut_files() -> Iterator[tuple[str, bytes]]:
    for length in range(0, len(PLAIN), 97):
        yield f"cut-{length}", PLAIN[:length]


def files_with_flipped_bits() -> Iterator[tuple[str, bytes]]:
    start = len(PLAIN) - len(footer_of(PLAIN)) - 8
    flips = random.Random(7)
    for number in range(600):
        damaged = bytearray(PLAIN)
        for _ in range(flips.choice([1, 1, 2, 8])):
            bit = flips.randrange(start * 8, len(PLAIN) * 8)
            damaged[bit // 8] ^= 1 << (bit % 8)
        yield f"flipped-{number}", bytes(damaged)


def files_with_other_footer_lengths() -> Iterator[tuple[str, bytes]]:
    for length in (0, 1, 7, 100, len(PLAIN) - 12, len(PLAIN), 2**20, 2**31 - 1, 2**31, 2**32 - 1):
        yield f"length-{length}", PLAIN[:-8] + struct.pack("<I", length) + b"PAR1"


MANY = b"\xff\xff\xff\xff\x07"
"""2^31 - 1 as a varint."""


def files_with_counts_that_lie() -> Iterator[tuple[str, bytes]]:
    yield "schema-of-2^31", with_footer(b"\x15\x02\x19\xfc" + MANY)
    yield "booleans-2^31", with_footer(b"\x15\x02\x09\x64\xf1" + MANY)
    yield "structs-in-structs", with_footer(b"\x15\x02\x0c\x64" + b"\x1c" * 100_000)
    yield "lists-in-lists", with_footer(b"\x15\x02\x09\x64" + b"\x19" * 100_000)
    footer = footer_of(PLAIN)
    for place in range(0, len(footer), 11):
        yield f"count-at-{place}", with_footer(footer[:place] + b"\xfc" + MANY + footer[place:])


def files_of_other_kinds() -> Iterator[tuple[str, bytes]]:
    yield "empty", b""
    yield "csv", b"id,text\n1,a\n" * 50
    yield "zeros", bytes(10_000)
    yield "magic-only", b"PAR1"
    yield "magic-twice", b"PAR1PAR1"
    yield "no-footer", b"PAR1" + bytes(4) + b"PAR1"
    yield "encrypted", b"PARE" + bytes(100) + b"PARE"
    yield "name-not-utf-8", PLAIN.replace(b"words", b"\xff\xfe\xc0ds")


every_kind_of_file = pytest.mark.parametrize(
    "generator",
    [
        cut_files,
        files_with_flipped_bits,
        files_with_other_footer_lengths,
        files_with_counts_that_lie,
        files_of_other_kinds,
    ],
)


@every_kind_of_file
def test_broken_files_are_rejected_with_a_message(tmp_path: Path, generator: Any) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for name, content in generator():
        (folder / name).write_bytes(content)

    results = check_all(folder)

    refused = sum(kind is not None for kind, _ in results.values())
    # A flipped bit may hit what nobody reads; all else is broken for certain.
    assert refused > len(results) // 2
    if generator is not files_with_flipped_bits:
        accepted = [name for name, (kind, _) in results.items() if kind is None]
        assert set(accepted) <= {f"length-{len(footer_of(PLAIN))}"}, accepted


@every_kind_of_file
def test_the_server_accepts_exactly_the_files_that_the_check_accepts(
    server: sutro.LocalServer, tmp_path: Path, generator: Any
) -> None:
    contents = dict(list(generator())[::7])
    folder = tmp_path / "files"
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    client = RawClient(server.api_url, server.api_key)

    for name, (kind, _) in check_all(folder).items():
        answer = client.upload(client.create_dataset(), "a.parquet", contents[name])
        assert (answer.status == 200) == (kind is None), (name, answer)
        assert answer.status in {200, 400}
        assert answer.status == 200 or answer.body["error"]


def test_unusual_but_valid_files_are_accepted(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    deep: pa.Array = pa.array([1])
    for _ in range(40):
        deep = pa.StructArray.from_arrays([deep], ["a"])
    tables = {
        "deep": pa.table({"a": deep}),
        "10,000-columns": pa.table({f"column {n}": pa.array([n]) for n in range(10_000)}),
        "names-twice": pa.table([[1], [2]], names=["a", "a"]),
        "empty-name": pa.table({"": [1]}),
        "no-rows": pa.table({"a": pa.array([], pa.int64())}),
    }
    for name, table in tables.items():
        (folder / name).write_bytes(parquet_of(table))
    # Two gigabytes of nothing between the pages and the footer, which take no disk.
    pages = len(PLAIN) - len(footer_of(PLAIN)) - 8
    with (folder / "huge").open("wb") as huge:
        huge.write(PLAIN[:pages])
        huge.seek(2**31)
        huge.write(PLAIN[pages:])

    assert all(kind is None for kind, _ in check_all(folder).values())


@needs_corpus
def test_every_valid_file_of_the_parquet_project_is_accepted(tmp_path: Path) -> None:
    source = CORPUS / "parquet-testing"
    folder = tmp_path / "files"
    folder.mkdir()
    manifest = [json.loads(line) for line in (source / "manifest.jsonl").read_text().splitlines()]
    for entry in manifest:
        (folder / entry["file"]).write_bytes((source / entry["file"]).read_bytes())

    results = check_all(folder)

    for entry in manifest:
        kind, message = results[entry["file"]]
        is_legal = entry["class"].startswith("good") or (
            entry["parquet_rs_59_metadata"] == "ok"
            and not entry["class"].startswith("encrypted")
            and not entry["class"].endswith("data-bad")
        )
        is_lzo = "lzo" in message
        assert kind is None or not is_legal or is_lzo, f"{entry}: {message}"


@needs_corpus
def test_generated_malformed_files_are_accepted_or_rejected_as_expected(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    subprocess.run([sys.executable, CORPUS / "gen_malformed.py", folder], check=True)
    lines = (folder / "manifest.jsonl").read_text().splitlines()
    (folder / "manifest.jsonl").unlink()

    results = check_all(folder)

    for entry in map(json.loads, lines):
        kind, message = results[entry["file"]]
        if entry["expect"] == "accept":
            assert kind is None, f"{entry}: {message}"
        elif entry["expect"] == "reject":
            assert kind is not None, entry
