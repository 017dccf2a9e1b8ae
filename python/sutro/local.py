"""The embedded service as a context manager."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sutro import _core
from sutro._public import public
from sutro.client import Client

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self, Unpack

    from sutro.options import ServerLimits


@public
class LocalServer:
    """Serves the datasets of a folder over HTTP, from construction until `stop()`.

    It speaks the API of the hosted service, so that `curl` and other clients can use it.

    Args:
        folder: Where the datasets are; made where needed.
        host: Address to listen at. The default is this machine only.
        port: Port to listen at; 0 takes a free one.
        api_keys: The keys that it accepts; each sees the datasets that were made with it. With
            none, one is made up, which sees all; not for a host that other machines can reach.
        allowed_hosts: Host names under which a server on this machine alone may be asked,
            besides `localhost`: those of a proxy on this machine.
        **limits: See `sutro.options.ServerLimits`, e.g. `max_file_bytes=10**9`.

    Raises:
        SutroError: The folder cannot be used (another server may have it), or the port.

    Examples:
        >>> with sutro.LocalServer("./datasets") as server:
        ...     report = server.client().upload("data/*.parquet")
        >>> len(report)
        12
    """

    __slots__ = ("_api_key", "_api_url", "_core", "_folder")

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_keys: Sequence[str] = (),
        allowed_hosts: Sequence[str] = (),
        **limits: Unpack[ServerLimits],
    ) -> None:
        self._folder = str(Path(folder).expanduser())
        core = _core.LocalServer(
            self._folder,
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
        """Where it listens, e.g. `http://127.0.0.1:41234`."""
        return self._api_url

    @property
    def api_key(self) -> str:
        """The first key that it accepts."""
        return self._api_key

    def client(self) -> Client:
        """Make a client of this server."""
        return Client(self.api_key, self.api_url)

    def stop(self) -> None:
        """Stop serving and free the folder. A second call does nothing."""
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
        return f"LocalServer({self._folder!r}, api_url={self.api_url!r})"
