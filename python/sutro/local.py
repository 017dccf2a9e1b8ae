"""The embedded server as a context manager."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sutro import _core
from sutro._public import public
from sutro.client import Client
from sutro.errors import ConfigurationError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self, Unpack

    from sutro.options import ServerLimits, ServerPlace


@public
class LocalServer:
    """Serves the datasets of a folder over HTTP, from its construction until `stop()`.

    It serves the same API as the hosted server, so `curl` and other clients can use it.

    Args:
        folder: The folder with the datasets. It is created if needed.
        catalog: Where names, order and keys are stored: `sqlite:FILE`, or the
            URL of a PostgreSQL database, which several servers can share. Default:
            `catalog.sqlite` in `folder`.
        blobs: Where the bytes of files are stored: `file:FOLDER`, or `s3://BUCKET/PREFIX` in a
            store that several servers can share. Default: `blobs` in `folder`.
        blobs_options: Options of the store, such as `{"endpoint": "http://127.0.0.1:9000"}`. They
            take precedence over the variables of AWS tools.
        host: Address to listen on. Default: only reachable from this machine.
        port: Port to listen on. Default: a free port.
        api_keys: The accepted keys, in addition to those in the catalog (`sutro keys`). A key
            sees the datasets that were created with it. If there are no keys, the server generates
            one, which sees all datasets; this is not allowed if other machines can reach `host`.
        allowed_hosts: Host names accepted by a server on a loopback address, in addition to
            `localhost`: those of a proxy on this machine.
        **limits: Limits such as `max_file_bytes=10**9`; see `sutro.options.ServerLimits`.

    Raises:
        ConfigurationError: An argument is invalid.
        SutroError: The folder or the port cannot be used. Another server may have it open.

    Examples:
        >>> with sutro.LocalServer("./datasets") as server:
        ...     report = server.client().upload("data/*.parquet")
        >>> len(report)
        12
    """

    __slots__ = ("_api_key", "_api_url", "_core", "_place")

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        catalog: str | None = None,
        blobs: str | None = None,
        blobs_options: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        api_keys: Sequence[str] = (),
        allowed_hosts: Sequence[str] = (),
        **limits: Unpack[ServerLimits],
    ) -> None:
        place: ServerPlace = {}
        if folder is not None:
            place["folder"] = str(Path(folder).expanduser())
        if catalog is not None:
            place["catalog"] = catalog
        if blobs is not None:
            place["blobs"] = blobs
        if blobs_options:
            place["blobs_options"] = dict(blobs_options)
        # The URL of a catalog may contain a password.
        self._place = place.get("folder") or blobs or ""
        core = _core.LocalServer(
            place,
            host=host,
            port=port,
            api_keys=list(api_keys),
            allowed_hosts=list(allowed_hosts),
            limits=limits,
        )
        self._api_url, self._api_key = core.api_url, core.api_key
        self._core: _core.LocalServer | None = core

    @property
    def api_url(self) -> str:
        """The URL, e.g. `http://127.0.0.1:41234`."""
        return self._api_url

    @property
    def api_key(self) -> str:
        """The first accepted key.

        Raises:
            ConfigurationError: The server accepts only keys of its catalog, which stores hashes.
        """
        if self._api_key is None:
            message = "this server accepts only the keys of its catalog; pass one as api_keys"
            raise ConfigurationError(message)
        return self._api_key

    def client(self) -> Client:
        """Create a client of this server."""
        return Client(self.api_key, self.api_url)

    def stop(self) -> None:
        """Stop serving and release the folder. A second call does nothing."""
        core, self._core = self._core, None
        if core is not None:
            core.stop()
            # `core` ends here, and with it the lock on the folder.

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"LocalServer({self._place!r}, api_url={self.api_url!r})"
