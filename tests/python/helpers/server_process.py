"""`sutro serve` in a separate process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Self

import sutro

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

API_KEY = "key-of-the-tests"


class ServerProcess:
    """Runs `sutro serve --data FOLDER` on a free port until the end of the block.

    Args:
        data: The folder of the datasets. None if options name the place.
        *options: Further arguments.
        api_key: The accepted key. None lets the server generate one.
        wrapper: A command to run the server with, such as `strace`.
    """

    def __init__(
        self,
        data: Path | None,
        *options: str,
        api_key: str | None = API_KEY,
        wrapper: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        settings = dict(environment or {})
        if api_key is not None:
            settings["SUTRO_API_KEY"] = api_key
        place = [] if data is None else ["--data", str(data)]
        command = [sys.executable, "-m", "sutro", "serve", *place, "--port", "0"]
        self.process = subprocess.Popen(
            [*wrapper, *command, *options],
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._stderr: list[str] = []
        self._reader = threading.Thread(target=self._stderr.extend, args=[self.process.stderr])
        self._reader.start()
        first = self.process.stdout.readline()
        self.api_url = first.split()[-1] if first else ""
        self.api_key = api_key or self.process.stdout.readline().split()[-1]

    @property
    def has_started(self) -> bool:
        return bool(self.api_url)

    def log(self) -> str:
        """The server's stderr so far."""
        return "".join(self._stderr)

    def client(self, **options: object) -> sutro.Client:
        return sutro.Client(self.api_key, self.api_url, **options)  # type: ignore[arg-type]

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal, and return the exit code and stderr."""
        self.process.send_signal(how)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        code = self.process.wait(timeout=60)
        self._reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code, "".join(self._stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        assert self.process.stdout is not None
        if not self.process.stdout.closed:
            self.end(signal.SIGKILL)
