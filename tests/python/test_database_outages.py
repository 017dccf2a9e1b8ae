"""A database that is killed or suspended, and connections that are cut, change no answer."""

from __future__ import annotations

import os
import random
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from helpers.cutting_proxy import CuttingProxy
from helpers.load import OrderedClient, assert_stored_in_order
from helpers.raw_client import RawClient
from helpers.server_process import API_KEY
from helpers.shared_place import raw_client
from helpers.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from helpers.postgres import PostgresServer
    from helpers.s3 import S3Server
    from helpers.shared_place import SharedPlace

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals")

CLIENTS = 4
UNKNOWN = "sutro.service.refusal: storage failed: the outcome of a commit is unknown"
CUTS = 50
"""How often each of three links is cut."""
BYTES = 300_000
"""A connection of clients or of the store is cut before so many bytes: a large file may pass."""


def start_clients(
    client: RawClient, datasets: list[str], enough: threading.Event
) -> list[OrderedClient]:
    clients = [OrderedClient(client, dataset, 0, 1, enough) for dataset in datasets]
    for uploader in clients:
        uploader.start()
    return clients


def outage_is_reported_and_ends_by_itself(
    place: SharedPlace, begin: Callable[[], None], end: Callable[[], None]
) -> None:
    """Interrupt the database while clients upload."""
    with place.serve() as served:
        client = raw_client(served)
        datasets = [client.create_dataset() for _ in range(CLIENTS)]
        enough = threading.Event()
        clients = start_clients(client, datasets, enough)
        try:
            wait_for(lambda: all(uploader.stored > 5 for uploader in clients))
            begin()
            try:
                wait_for(lambda: any(uploader.refused for uploader in clients))
                answer = client.health()
                assert answer.status == 503
            finally:
                end()
            stored = [uploader.stored for uploader in clients]
            wait_for(
                lambda: all(
                    uploader.stored > before + 5
                    for uploader, before in zip(clients, stored, strict=True)
                )
            )
        finally:
            enough.set()
            for uploader in clients:
                uploader.join()
        wait_for(lambda: client.health().status == 200)
        refused = [refusal for uploader in clients for refusal in uploader.refused]
        assert all(refusal.retry_after for refusal in refused if refusal.status == 503)
        # After half a minute, the server says that it does not know whether a file was stored.
        unknown = [refusal for refusal in refused if refusal.status != 503]
        assert {refusal.status for refusal in unknown} <= {500}
        wait_for(lambda: served.log().count(UNKNOWN) == len(unknown))
        assert_stored_in_order(client, clients)


@pytest.mark.timeout(180)
def test_a_database_that_is_killed_under_load_is_reported_and_used_again_after_its_start(
    place: SharedPlace, database: PostgresServer
) -> None:
    outage_is_reported_and_ends_by_itself(place, database.kill, database.start)


@pytest.mark.timeout(180)
def test_a_database_that_is_frozen_under_load_is_reported_and_used_again_when_it_continues(
    place: SharedPlace, database: PostgresServer
) -> None:
    outage_is_reported_and_ends_by_itself(place, database.pause, database.resume)


@pytest.mark.timeout(180)
def test_connections_that_are_cut_at_any_byte_lose_and_duplicate_nothing(
    place: SharedPlace, database: PostgresServer, store: S3Server
) -> None:
    seed = os.environ.get("SUTRO_CUT_SEED") or str(random.randrange(2**32))
    print(f"run this again with SUTRO_CUT_SEED={seed}")
    with (
        CuttingProxy(database.port, f"database {seed}", 40_000) as to_database,
        CuttingProxy(int(store.endpoint.rpartition(":")[2]), f"store {seed}", BYTES) as to_store,
        place.serve(endpoint=to_store.url, database_port=to_database.port) as served,
        CuttingProxy(
            int(served.api_url.rpartition(":")[2]), f"client {seed}", 300_000
        ) as to_server,
    ):
        proxies = (to_database, to_store, to_server)
        direct = raw_client(served)
        datasets = [direct.create_dataset() for _ in range(CLIENTS)]
        enough = threading.Event()
        for proxy in proxies:
            proxy.begin()
        clients = start_clients(RawClient(to_server.url, API_KEY), datasets, enough)
        try:
            wait_for(lambda: all(proxy.cuts >= CUTS for proxy in proxies))
        finally:
            for proxy in proxies:
                proxy.end()
            enough.set()
            for uploader in clients:
                uploader.join()
        # 0: the connection of the client was cut.
        refused = [answer for uploader in clients for answer in uploader.refused if answer.status]
        assert [answer for answer in refused if answer.status != 503] == []
        assert all(answer.retry_after is not None for answer in refused)
        assert_stored_in_order(direct, clients)
        print(f"{sum(uploader.stored for uploader in clients)} uploads, cuts:")
        print([proxy.cuts for proxy in proxies])
