"""A check passes exactly if the server accepts the upload."""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

import sutro
from helpers.generated_verdicts import any_case
from helpers.raw_client import RawClient

if TYPE_CHECKING:
    from pathlib import Path

    from helpers.generated_verdicts import Case

# One seed is one upload.
ONE_SEED = os.environ.get("SUTRO_VERDICT_SEED")
COUNT = int(os.environ.get("SUTRO_VERDICTS", "160"))
BATCHES = 8

OF_VALUES = ("which cannot be a", "has rows without a value")
"""Mismatches that only the values of a file show. A check of files does not read values."""


def check_error(client: sutro.Client, case: Case, dataset_id: str | None) -> object:
    try:
        checked = client.check(case.source(), dataset_id, **case.options)
    except sutro.FrameError as error:  # a reader that gives no batch
        return error
    assert bool(checked) == (checked.error is None)
    return checked.error


def upload_error(client: sutro.Client, case: Case, dataset_id: str | None) -> object:
    try:
        client.upload(case.source(), dataset_id, progress=False, **case.options)
    except sutro.UploadIncompleteError as error:
        return error.__cause__
    except sutro.SutroError as error:
        return error
    return None


def verdict(client: sutro.Client, raw: RawClient, case: Case, seed: int) -> bool:
    dataset_id = None
    if case.held is not None:
        dataset_id = raw.create_dataset()
        if case.held.num_columns:
            # A name that the upload may have, too.
            name = random.Random(seed).choice(["f0.parquet", "f1.parquet", "other.parquet"])
            assert raw.upload(dataset_id, name, case.held_file()).status == 200

    refusal = check_error(client, case, dataset_id)
    error = upload_error(client, case, dataset_id)

    again = f"SUTRO_VERDICT_SEED={seed} pytest {__file__}"
    told = f"run it again: {again}\n{case}\ncheck: {refusal!r}\nupload: {error!r}"
    if case.kind == "paths" and isinstance(error, sutro.RewriteError):
        assert refusal is None, told
        assert any(words in str(error) for words in OF_VALUES), told
    else:
        assert (refusal is None) == (error is None), told
    return refusal is None


@pytest.mark.timeout(600)
@pytest.mark.parametrize("batch", range(1 if ONE_SEED else BATCHES))
@pytest.mark.filterwarnings("ignore::sutro.SutroWarning")
def test_check_and_upload_agree_on_generated_files(
    server: sutro.LocalServer, tmp_path: Path, batch: int
) -> None:
    seeds = [int(ONE_SEED)] if ONE_SEED else range(batch, COUNT, BATCHES)
    client, raw = server.client(), RawClient(server.api_url, server.api_key)
    verdicts: Counter[bool] = Counter()
    for seed in seeds:
        folder = tmp_path / str(seed)
        folder.mkdir()
        case = any_case(random.Random(seed), folder)
        verdicts[verdict(client, raw, case, seed)] += 1
    assert ONE_SEED or min(verdicts[True], verdicts[False]) >= 3, "both verdicts are tried"
