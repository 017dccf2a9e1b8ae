"""`target_file_size` limits the size of the files of frames."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sutro
from conftest import without_fingerprints
from helpers.datasets import ids_in, names_in, table_of
from helpers.waiting import wait_for

ROWS = 40_000
NUMBERS = np.random.default_rng(5).integers(0, 2**62, ROWS)
TABLE = pa.table({"id": range(ROWS), "number": NUMBERS})
MOST = 200_000
"""A size in bytes that splits the table into a few files."""

KINDS = {
    "pandas": TABLE.to_pandas,
    "polars": lambda: pl.DataFrame(TABLE),
    "lazy": lambda: pl.DataFrame(TABLE).lazy(),
    "pyarrow": lambda: TABLE,
    "reader": lambda: TABLE.to_reader(max_chunksize=1000),
    "duckdb": lambda: duckdb.from_arrow(TABLE),
    "list": lambda: [TABLE.slice(0, 30_000), pl.DataFrame(TABLE.slice(30_000))],
    "generator": lambda: (TABLE.slice(begin, 20_000) for begin in (0, 20_000)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_no_file_of_a_frame_is_larger_than_the_size(client: sutro.Client, kind: str) -> None:
    report = client.upload(KINDS[kind](), target_file_size=MOST)

    assert len(report) > 2
    assert all((file.size_bytes or 0) <= MOST for file in report)
    numbered = [f"part-{place:05}.parquet" for place in range(len(report))]
    assert without_fingerprints(file.name for file in report) == numbered
    assert table_of(client, report.dataset_id).to_pydict() == TABLE.to_pydict()
    assert report.notes == ()


def test_types_of_all_kinds_survive_when_row_groups_are_cut(client: sutro.Client) -> None:
    # The first rows say nothing about the last ones, so row groups turn out too large.
    long = [0] * 3000 + [50] * 1000
    rng = np.random.default_rng(3)
    frame = pl.DataFrame(
        {
            "text": [rng.bytes(length).hex() for length in long],
            "bytes": [rng.bytes(length) for length in long],
            "list": [[{"a": [length, None], "b": str(length)}] * (length // 10) for length in long],
            "category": pl.Series(["x", "y"] * 2000, dtype=pl.Categorical),
            "time": pl.Series(range(4000)).cast(pl.Datetime("us", "UTC")),
            "decimal": pl.Series([f"{n}.5" for n in range(4000)]).cast(pl.Decimal(20, 2)),
            "array": pl.Series([[n, n + 1] for n in range(4000)]).cast(pl.Array(pl.Int16, 2)),
            "nothing": pl.Series([None] * 4000, dtype=pl.Float32),
        }
    )

    report = client.upload(frame, target_file_size="30kB")

    assert len(report) > 3
    assert all((file.size_bytes or 0) <= 30_000 for file in report)
    whole = client.upload(frame)
    assert table_of(client, report.dataset_id).equals(table_of(client, whole.dataset_id))


@pytest.mark.parametrize("kind", ["pyarrow", "generator"])
def test_the_same_rows_make_the_same_files(client: sutro.Client, kind: str) -> None:
    report = client.upload(KINDS[kind](), target_file_size=MOST)

    again = client.upload(KINDS[kind](), report.dataset_id, target_file_size=MOST)

    assert {file.status for file in again} == {"skipped"}
    assert [file.name for file in again] == [file.name for file in report]


def test_each_frame_begins_a_file(client: sutro.Client) -> None:
    frames = [TABLE.slice(0, 10), TABLE.slice(10, 20_000), TABLE.slice(0, 0)]

    report = client.upload(frames, target_file_size=MOST)

    counts = [file.row_count or 0 for file in report]
    assert counts[0] == 10
    assert counts[-1] == 0
    assert sum(counts[1:-1]) == 20_000


def test_the_limit_that_comes_first_ends_a_file(client: sutro.Client) -> None:
    by_rows = client.upload(TABLE, rows_per_file=15_000, target_file_size="1GB")
    assert [file.row_count for file in by_rows] == [15_000, 15_000, 10_000]

    by_both = client.upload(TABLE, rows_per_file=15_000, target_file_size=MOST)
    assert all((file.size_bytes or 0) <= MOST for file in by_both)
    assert max(file.row_count or 0 for file in by_both) < 15_000
    assert ids_in(client, by_both.dataset_id) == list(range(ROWS))


def test_a_row_that_is_too_large_becomes_a_file_with_a_note(client: sutro.Client) -> None:
    rng = np.random.default_rng(7)
    texts = ["short"] * 50 + [rng.bytes(40_000).hex()] + ["short"] * 50
    report = client.upload(pl.DataFrame({"text": texts}), target_file_size="9kB")

    assert [file.row_count for file in report] == [50, 1, 50]
    (note,) = report.notes
    assert note.startswith("frame 0: 1 file larger than target_file_size")


def test_check_and_stage_split_frames_too(client: sutro.Client) -> None:
    dataset_id = client.create_dataset()

    checked = client.check(TABLE, dataset_id, target_file_size=MOST)
    staged = client.stage(TABLE, dataset_id, target_file_size=MOST)

    assert checked
    assert len(checked) == len(staged) > 2
    report = client.commit(staged, dataset_id)
    assert all((file.size_bytes or 0) <= MOST for file in report)
    assert ids_in(client, dataset_id) == list(range(ROWS))


def test_the_async_functions_split_frames_too(server: sutro.LocalServer) -> None:
    uploading = sutro.upload_async(
        TABLE, target_file_size=MOST, api_key=server.api_key, api_url=server.api_url
    )

    report = asyncio.run(uploading)

    assert ids_in(server.client(), report.dataset_id) == list(range(ROWS))
    assert len(report) > 2


def test_casts_apply_to_the_files_of_a_frame(client: sutro.Client) -> None:
    dataset_id = client.upload(pa.table({"id": [0.5], "number": [1]})).dataset_id
    frame = TABLE.slice(0, 30_000)

    report = client.upload(
        frame, dataset_id, target_file_size=MOST, on_mismatch="cast", ordered=True
    )

    assert len(report) > 2
    assert ids_in(client, dataset_id) == [0.5, *range(30_000)]


def test_names_and_files_in_memory_are_rejected(client: sutro.Client) -> None:
    with pytest.raises(sutro.ConfigurationError, match="names cannot be used with `target_file_"):
        client.upload({"a": TABLE}, target_file_size=MOST)
    content = pa.BufferOutputStream()
    pq.write_table(TABLE, content)
    with pytest.raises(sutro.ConfigurationError, match="open files or bytes"):
        client.upload([content.getvalue().to_pybytes()], target_file_size=MOST)
    assert client.list_datasets() == []


@pytest.mark.skipif(sys.version_info < (3, 13), reason="older versions suggest no arguments")
def test_max_file_size_leads_to_target_file_size(client: sutro.Client) -> None:
    with pytest.raises(TypeError, match="Did you mean 'target_file_size'"):
        client.upload(TABLE, max_file_size=MOST)  # type: ignore[call-arg]


UPLOAD = """
import sys
import numpy, pyarrow, sutro

api_key, api_url, dataset_id, waits = sys.argv[1:]

def frames():
    for frame in range(4):
        if frame == 2 and waits == "waits":
            sys.stdin.read()
        numbers = numpy.random.default_rng(frame).integers(0, 2**62, 100_000)
        yield pyarrow.table({"id": range(frame * 100_000, (frame + 1) * 100_000), "x": numbers})

client = sutro.Client(api_key, api_url)
report = client.upload(frames(), dataset_id, target_file_size="300kB", progress=False)
print(*[file.status for file in report])
"""


def test_a_killed_upload_of_a_generator_sends_only_what_is_missing(
    server: sutro.LocalServer, client: sutro.Client
) -> None:
    dataset_id = client.create_dataset()
    command = [sys.executable, "-c", UPLOAD, server.api_key, server.api_url, dataset_id]
    with subprocess.Popen([*command, "waits"], stdin=subprocess.PIPE) as process:
        wait_for(lambda: len(names_in(client, dataset_id)) >= 2)
        process.kill()
    before = client.list_dataset_files(dataset_id)

    done = subprocess.run([*command, "goes on"], check=True, capture_output=True, text=True)

    after = client.list_dataset_files(dataset_id)
    assert after[: len(before)] == before
    # What the killed process had sent may have been committed after the listing.
    skipped = done.stdout.split().count("skipped")
    assert 2 <= len(before) <= skipped < len(after)
    missing = len(after) - skipped
    assert done.stdout.split() == ["skipped"] * skipped + ["uploaded"] * missing
    assert ids_in(client, dataset_id) == list(range(400_000))
    assert all((file.size_bytes or 0) <= 300_000 for file in after)
