"""Which arguments of an upload apply to the frame of an engine."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

import sutro
from sutro._run.arguments import Upload
from sutro.engines.options import options_of

FRAME = pa.table({"id": [1]})
REGION = {"region": "eu-west-1"}


def upload(storage_options: dict[str, str]) -> Upload:
    return Upload(
        FRAME,
        "dataset",
        ordered=True,
        names=None,
        hive=None,
        recursive=False,
        exclude=(),
        rows_per_file=None,
        on_mismatch="error",
        recompress=False,
        storage_options=storage_options,
        dry_run=False,
    )


@pytest.mark.parametrize("staging", [None, "shared", Path("shared")])
def test_options_of_a_store_are_refused_where_there_is_no_store(staging: object) -> None:
    given = upload(REGION)
    with pytest.raises(sutro.ConfigurationError) as refused:
        options_of(given, staging)
    with pytest.raises(sutro.ConfigurationError) as refused_for_other_frames:
        sutro.Client("key", "http://127.0.0.1:9").upload(FRAME, storage_options=REGION)
    assert str(refused.value) == str(refused_for_other_frames.value)
    assert "`storage_options` only apply to files" in str(refused.value)


def test_no_options_of_a_store_are_not_refused() -> None:
    assert options_of(upload({}), None).staging is None


def test_options_of_a_store_are_passed_on_for_a_place_in_it() -> None:
    options = options_of(upload(REGION), "s3://bucket/staging")
    assert (options.staging, options.storage_options) == ("s3://bucket/staging", REGION)
