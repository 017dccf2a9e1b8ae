"""A place of datasets that several servers share: a database, and an S3 store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sutro
from helpers.raw_client import RawClient
from helpers.s3 import SECRET
from helpers.server_process import API_KEY, ServerProcess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from helpers.postgres import PostgresServer
    from helpers.s3 import S3Server


class SharedPlace:
    """Args:
    database: Where the catalog is, in a database of its own.
    store: Where the files are, under a prefix of its own.
    """

    def __init__(self, database: PostgresServer, store: S3Server) -> None:
        self._database = database
        self._name = database.new_database()
        self._store = store
        self._blobs = store.new_place()

    def serve(
        self,
        *options: str,
        endpoint: str | None = None,
        database_port: int | None = None,
        api_key: str | None = API_KEY,
        wrapper: Sequence[str] = (),
    ) -> ServerProcess:
        """Start a server.

        Args:
            api_key: The accepted key. None for those of the catalog.
            endpoint: Another way to the store, such as a proxy.
            database_port: The port of a proxy before the database.
            wrapper: A command to run the server with.
        """
        place = self.options(database_port)
        if endpoint is not None:
            place.append(f"--blobs-option=endpoint={endpoint}")
        environment = self._store.environment()
        return ServerProcess(
            None, *place, *options, api_key=api_key, wrapper=wrapper, environment=environment
        )

    def local_server(self) -> sutro.LocalServer:
        """A server in this process."""
        options = {
            "endpoint": self._store.endpoint,
            "access_key_id": "tests",
            "secret_access_key": SECRET,
        }
        catalog = self._database.url(self._name)
        return sutro.LocalServer(catalog=catalog, blobs=self._blobs, blobs_options=options)

    def options(self, database_port: int | None = None) -> list[str]:
        """The options of commands that name the place."""
        catalog = self._database.url(self._name, database_port)
        return ["--catalog", catalog, "--blobs", self._blobs]

    def query(self, sql: str) -> list[list[str]]:
        """Read or change the catalog behind the back of the servers."""
        return self._database.query(sql, self._name)

    def delete_object(self, key: str) -> None:
        """Delete an object behind the back of the servers."""
        self._store.change(self._blobs, key, "DELETE")

    def rename_object(self, key: str, new_key: str) -> None:
        """Rename an object behind the back of the servers."""
        self._store.change(self._blobs, new_key, "POST", moved_from=key)

    def objects(self) -> list[str]:
        """The keys of the objects of this place."""
        return self._store.keys(self._blobs)


def raw_client(served: ServerProcess) -> RawClient:
    assert served.has_started, served.log()
    return RawClient(served.api_url, API_KEY)
