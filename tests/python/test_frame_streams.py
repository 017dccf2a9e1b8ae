"""One-shot streams are read once, and released if an upload fails."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import sutro
from conftest import write_parquet
from helpers.streams import StreamWrapper

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator
    from pathlib import Path

TABLE = pa.table({"a": [1, 2]})


def generator() -> Iterator[pa.Table]:
    yield TABLE
    yield TABLE


ONCE: dict[str, Callable[[], Any]] = {
    "reader": TABLE.to_reader,
    "scanner's reader": lambda: ds.dataset(TABLE).scanner().to_reader(),
    "polars batches": lambda: pl.DataFrame(TABLE).lazy().collect_batches(),
    "duckdb reader": lambda: duckdb.arrow(TABLE).to_arrow_reader(),
    "generator": generator,
    "list": lambda: [TABLE.to_reader()],
    "dict": lambda: {"day": TABLE.to_reader()},
}


def row_count_of(report: sutro.UploadReport | sutro.CheckReport) -> int:
    return sum(file.row_count for file in report)


@pytest.mark.parametrize("kind", ONCE)
def test_a_stream_consumed_by_a_check_is_rejected(client: sutro.Client, kind: str) -> None:
    source = ONCE[kind]()
    check = client.check(source)
    assert row_count_of(check) in {2, 4}
    assert "create it again" in str(check)

    with pytest.raises(sutro.SutroError, match="read"):
        client.upload(source)

    assert client.list_datasets() == []


@pytest.mark.parametrize("kind", ONCE)
def test_a_stream_consumed_by_a_dry_run_is_rejected(client: sutro.Client, kind: str) -> None:
    source = ONCE[kind]()
    report = client.upload(source, dry_run=True)
    assert any("create it again" in note for note in report.notes)

    with pytest.raises(sutro.SutroError, match="read"):
        client.upload(source)


@pytest.mark.parametrize("kind", ONCE)
def test_a_consumed_stream_is_not_uploaded_again(client: sutro.Client, kind: str) -> None:
    source = ONCE[kind]()
    report = client.upload(source)
    assert row_count_of(report) in {2, 4}

    with pytest.raises(sutro.SutroError, match="read"):
        client.upload(source, report.dataset_id)


FAILING: dict[str, tuple[Callable[[sutro.Client, Any], object], str]] = {
    "no such dataset": (
        lambda client, source: client.upload(source, "dataset-typo"),
        "dataset-typo not found",
    ),
    "no such dataset, checked": (
        lambda client, source: client.check(source, "dataset-typo"),
        "dataset-typo not found",
    ),
    "wrong key": (
        lambda client, source: sutro.Client("wrong", client.api_url).upload(source),
        "does not accept the API key",
    ),
    "no server": (
        lambda _, source: sutro.Client("key", "http://127.0.0.1:9", max_retries=0).upload(source),
        "cannot reach",
    ),
    "concurrency": (lambda client, source: client.upload(source, concurrency=0), "concurrency"),
    "on_mismatch": (
        lambda client, source: client.upload(source, on_mismatch="other"),  # type: ignore[arg-type]
        "on_mismatch",
    ),
    "rows_per_file": (
        lambda client, source: client.upload(source, rows_per_file=0),
        "rows_per_file",
    ),
    "recursive": (lambda client, source: client.upload(source, recursive=True), "recursive"),
    "names": (lambda client, source: client.upload(source, names="x"), "names"),
    "id": (lambda client, source: client.upload(source, 7), "dataset_id"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("kind", ONCE)
@pytest.mark.parametrize("failure", FAILING)
def test_a_call_that_fails_before_sending_does_not_consume_the_stream(
    client: sutro.Client, kind: str, failure: str
) -> None:
    source = ONCE[kind]()

    call, words = FAILING[failure]
    with pytest.raises((sutro.SutroError, TypeError), match=words):
        call(client, source)

    assert row_count_of(client.upload(source)) == (4 if kind == "generator" else 2)


def test_a_stream_with_rejected_types_can_be_cast(client: sutro.Client) -> None:
    reader = pa.table({"a": pa.array([1], pa.duration("s"))}).to_reader()
    with pytest.raises(sutro.FrameError, match="Duration"):
        client.upload(reader)

    assert row_count_of(client.upload(reader.cast(pa.schema({"a": pa.int64()})))) == 1


def test_a_stream_consumed_elsewhere_is_rejected(client: sutro.Client) -> None:
    reader = TABLE.to_reader()
    reader.read_all()

    with pytest.raises(sutro.FrameError, match="yields nothing: it was already read"):
        client.upload(reader)

    assert client.list_datasets() == []


def test_a_consumed_stream_behind_a_wrapper_is_rejected(client: sutro.Client) -> None:
    checked, sent = StreamWrapper(TABLE), StreamWrapper(TABLE)
    client.check(checked)
    client.upload(sent)

    for frame in (checked, sent):
        with pytest.raises(sutro.FrameError, match="StreamWrapper yielded rows"):
            client.upload(frame)


def test_a_stream_listed_twice_is_rejected(client: sutro.Client) -> None:
    reader = TABLE.to_reader()

    with pytest.raises(sutro.FrameError, match="frame 1 is the same stream as frame 0"):
        client.upload([reader, reader])

    assert client.list_datasets() == []


def test_rereadable_frames_can_be_uploaded_twice(client: sutro.Client) -> None:
    relation = duckdb.sql("select 1 as a")
    for frame in (
        TABLE,
        pl.DataFrame(TABLE),
        pd.DataFrame({"a": [1]}),
        relation,
        ds.dataset(TABLE),
    ):
        assert client.check(frame)
        assert client.upload(frame)
        assert row_count_of(client.upload(frame)) > 0


def test_a_frame_without_rows_is_noted_in_the_report(client: sutro.Client) -> None:
    frames = {"some": TABLE, "none": TABLE.slice(0, 0)}

    assert client.upload(frames).notes == ("none has no rows",)
    assert client.check(frames).notes == ("none has no rows",)


def test_an_unseekable_open_file_is_read_once(client: sutro.Client, tmp_path: Path) -> None:
    content = write_parquet(tmp_path / "file.parquet").read_bytes()
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert client.upload(pipe, names=["a"])[0].size_bytes == len(content)
        with pytest.raises(sutro.FrameError, match="was already read"):
            client.upload(pipe, names=["a"])


@pytest.mark.parametrize(
    ("opened", "message"),
    [
        (lambda path: path.open(encoding="latin-1"), "mode 'rb'"),
        (lambda path: _closed(path.open("rb")), "closed"),
    ],
)
def test_an_unreadable_open_file_is_reported_clearly(
    client: sutro.Client, tmp_path: Path, opened: Callable[[Path], Any], message: str
) -> None:
    file = opened(write_parquet(tmp_path / "file.parquet"))

    with pytest.raises(sutro.FrameError, match=message):
        client.upload(file)
    file.close()


def _closed(file: io.BufferedReader) -> io.BufferedReader:
    file.close()
    return file


def test_a_duckdb_connection_is_released_after_a_failed_upload(client: sutro.Client) -> None:
    connection = duckdb.connect()
    relation = connection.sql("select interval 1 day as length")

    with pytest.raises(sutro.FrameError, match="epoch") as kept:
        client.upload(relation)

    # As IPython does, the exception is kept, with all frames of its traceback.
    assert kept.value.__traceback__ is not None
    assert connection.sql("select 1").fetchall() == [(1,)]
    assert connection.execute("select 2").fetchall() == [(2,)]


def test_a_duckdb_connection_is_released_after_a_stream_error(client: sutro.Client) -> None:
    connection = duckdb.connect()
    relation = connection.sql(
        "select case when range = 300000 then error('broke') else range end as a from range(400000)"
    )

    with pytest.raises(sutro.FrameError, match="broke") as kept:
        client.upload(relation)

    assert kept.value.frame == "frame 0"
    assert connection.sql("select 1").fetchall() == [(1,)]


def test_a_duckdb_connection_is_released_after_a_rejection_by_the_server(
    client: sutro.Client,
) -> None:
    dataset_id = client.upload(pa.table({"other": ["x"]})).dataset_id
    connection = duckdb.connect()
    relation = connection.sql("select range as a from range(3000000)")

    with pytest.raises(sutro.SutroError) as kept:
        client.upload(relation, dataset_id, names=["b"])

    assert kept.value is not None
    assert connection.sql("select 1").fetchall() == [(1,)]


FOREIGN = {
    "mixed": (pd.DataFrame({"ok": [1, 2], "bad": [1, "x"]}), "column 'bad' holds int and str"),
    "complex": (pd.DataFrame({"bad": [1j]}), "column 'bad' holds complex128"),
    "object": (pd.DataFrame({"bad": [object()]}), "column 'bad' holds object"),
    "polars int128": (
        pl.DataFrame({"bad": [1]}).cast(pl.Int128),
        "column 'bad' has the type Int128",
    ),
    "nested int128": (
        pl.DataFrame({"bad": [[{"x": 1}]]}).cast(pl.List(pl.Struct({"x": pl.Int128}))),
        "column 'bad' has the type Int128",
    ),
}


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("many", [False, True])
def test_errors_of_other_libraries_become_one_error_that_names_the_column(
    client: sutro.Client, kind: str, *, many: bool
) -> None:
    frame, message = FOREIGN[kind]

    with pytest.raises(sutro.FrameError, match=message) as raised:
        client.upload([frame, frame] if many else frame)

    assert raised.value.column == "bad"
    assert client.list_datasets() == []


def test_an_error_in_a_python_stream_is_a_frame_error(client: sutro.Client) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from TABLE.to_batches()
        message = "the database went away"
        raise ValueError(message)

    reader = pa.RecordBatchReader.from_batches(TABLE.schema, batches())

    with pytest.raises(sutro.FrameError, match="the database went away"):
        client.upload(reader)


def test_the_cause_of_an_error_is_kept(client: sutro.Client) -> None:
    class Broken:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            raise RuntimeError("no connection")  # noqa: EM101

    with pytest.raises(sutro.FrameError, match="no connection") as raised:
        client.upload(Broken())

    assert isinstance(raised.value.__cause__, RuntimeError)


def test_the_files_written_from_a_stream_contain_its_rows(
    client: sutro.Client, tmp_path: Path
) -> None:
    report = client.upload(TABLE.to_reader())

    (path,) = client.download_from_dataset(report.dataset_id, output_path=tmp_path)

    assert pq.read_table(path).equals(TABLE)
