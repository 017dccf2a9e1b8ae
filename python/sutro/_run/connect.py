"""Connects a client."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sutro import _core
from sutro._run import forks
from sutro.errors import FolderInUseError

if TYPE_CHECKING:
    from sutro.options import ClientOptions

_FOLDER_SECONDS = 10.0
"""How long to wait, in seconds, while another process has the folder of `local:FOLDER` open."""

_FOLDER_PAUSE_SECONDS = 0.1


def connected(api_key: str | None, api_url: str, options: ClientOptions) -> _core.Client:
    """Create a client. Wait a while if another process has its folder open."""
    deadline = time.monotonic() + _FOLDER_SECONDS
    while True:
        try:
            with forks.moment:
                return _core.Client(api_key=api_key, api_url=api_url, options=options)
        except FolderInUseError:
            if time.monotonic() >= deadline:
                raise
        # Waits here instead of in the core, so that Ctrl-C ends it.
        time.sleep(_FOLDER_PAUSE_SECONDS)
