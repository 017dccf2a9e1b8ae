"""A place of datasets that several servers share: a database, and an S3 store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.raw_client import RawClient
from helpers.server_process import API_KEY, ServerProcess

if TYPE_CHECKING:
    from helpers.postgres import PostgresServer
    from helpers.s3 import S3Server


class SharedPlace:
    """Args:
    database: Where the catalog is, in a database of its own.
    store: Where the files are, under a prefix of its own.
    """

    def __init__(self, database: PostgresServer, store: S3Server) -> None:
        self._catalog = database.url(database.new_database())
        self._blobs = store.new_place()
        self._environment = store.environment()

    def serve(
        self, *options: str, endpoint: str | None = None, api_key: str | None = API_KEY
    ) -> ServerProcess:
        """Start a server.

        Args:
            api_key: The accepted key. None for those of the catalog.
            endpoint: Another way to the store, such as a proxy.
        """
        place = self.options()
        if endpoint is not None:
            place.append(f"--blobs-option=endpoint={endpoint}")
        environment = self._environment
        return ServerProcess(None, *place, *options, api_key=api_key, environment=environment)

    def options(self) -> list[str]:
        """The options of commands that name the place."""
        return ["--catalog", self._catalog, "--blobs", self._blobs]

    def delete_object(self, store: S3Server, key: str) -> None:
        """Delete an object behind the back of the servers."""
        store.change(self._blobs, key, "DELETE")

    def rename_object(self, store: S3Server, key: str, new_key: str) -> None:
        """Rename an object behind the back of the servers."""
        store.change(self._blobs, new_key, "POST", moved_from=key)

    def objects(self, store: S3Server) -> list[str]:
        """The keys of the objects of this place."""
        return store.keys(self._blobs)


def raw_client(served: ServerProcess) -> RawClient:
    return RawClient(served.api_url, API_KEY)
