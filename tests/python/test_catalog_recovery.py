"""A failed write of the catalog disables writes until the server has checked the catalog."""

from __future__ import annotations

import signal
import sys
import urllib.request
from typing import TYPE_CHECKING

import pytest

from conftest import parquet_bytes
from helpers.assertions import assert_no_loss
from helpers.raw_client import RawClient
from helpers.server_process import API_KEY, ServerProcess
from helpers.strace import injected, needs_strace
from helpers.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's tools"),
    needs_strace,
]

FILES = {f"part-{number}.parquet": parquet_bytes(200 * number + 1) for number in range(3)}

FAULTS = {
    "a sync of the catalog": ("catalog.sqlite", "fsync,fdatasync:error=EIO"),
    "a write of the catalog": ("catalog.sqlite", "pwrite64:error=EIO"),
    "a sync of the journal": ("catalog.sqlite-journal", "fsync,fdatasync:error=EIO"),
    "a write of the journal": ("catalog.sqlite-journal", "pwrite64:error=EIO"),
    # The third sync of a thread in a transaction, which is the commit.
    "the end of the journal": ("catalog.sqlite-journal", "fsync,fdatasync:error=EIO:when=3+"),
}


def is_writable(served: ServerProcess) -> bool:
    """The value that `/metrics` reports."""
    with urllib.request.urlopen(f"{served.api_url}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    [value] = (line.split()[1] for line in lines if line.startswith("sutro_catalog_writable "))
    return bool(int(value))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_failed_catalog_write_disables_writes_until_the_server_has_checked_the_catalog(
    tmp_path: Path, fault: str
) -> None:
    data = tmp_path / "served"
    file, injection = FAULTS[fault]
    before, failed, after = FILES.items()
    with ServerProcess(data) as served:
        client = RawClient(served.api_url, API_KEY)
        dataset_id = client.create_dataset()
        assert client.upload(dataset_id, *before).status == 200
        assert (client.health().status, is_writable(served)) == (200, True)

        with injected(served, injection, path=data / file):
            assert client.upload(dataset_id, *failed).status == 500
            for answer in (
                client.upload(dataset_id, *after),
                client.post("create-dataset"),
                client.health(),
            ):
                assert answer.status == 503
                assert answer.retry_after is not None
                assert "catalog" in answer.body["error"]
            assert not is_writable(served)
            wait_for(lambda: "takes no writes until it was checked" in served.log())
            # It tries, and fails.
            wait_for(lambda: "still takes no writes" in served.log())
            assert client.health().status == 503

        wait_for(lambda: client.health().status == 200)
        assert is_writable(served)
        wait_for(lambda: "takes writes again" in served.log())
        assert client.upload(dataset_id, *after).status == 200
        assert client.post("create-dataset").status == 200
        # What failed may be there all the same. Whoever asks is told, and can send it again.
        listed = client.post("list-dataset-files", dataset_id=dataset_id).body["files"]
        sent = {str(file["file_name"]) for file in listed}
        if failed[0] not in sent:
            assert client.upload(dataset_id, *failed).status == 200
        served.end(signal.SIGKILL)

    order = [before, failed, after] if failed[0] in sent else [before, after, failed]
    assert_no_loss(data, dataset_id, dict(order), list(FILES), max_unacknowledged=0)
