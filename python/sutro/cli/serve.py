"""The command `sutro serve`."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click
from click.core import ParameterSource

import sutro
from sutro import _core
from sutro._run import logs
from sutro.cli import output
from sutro.cli.options import examples, verbose_option
from sutro.cli.place import keys_in, place_options, server_place

if TYPE_CHECKING:
    from collections.abc import Callable

    from sutro.options import ServerLimits

_LOG_SECONDS = 0.2
"""Seconds between two reads of the log of the running server."""


_LOOPBACK = ("127.0.0.1", "::1", "localhost")


_DEFAULTS = _core.defaults()


def _limit(
    option: str, kind: click.ParamType[int] | click.ParamType[float], text: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    name = option.removeprefix("--").replace("-", "_")
    default = _shown(name, _DEFAULTS[name])
    return click.option(option, type=kind, metavar="N", help=f"{text} [default: {default}]")


def _shown(name: str, default: float) -> str:
    """Show bytes in the largest unit that divides them, counts in groups, and plain seconds."""
    if name.endswith("_bytes"):
        for power, unit in ((40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")):
            if default % 2**power == 0:
                return f"{int(default) >> power} {unit}"
    return f"{default:,}" if name.startswith("max_") else f"{default:g}"


_count = click.IntRange(min=1)
_seconds = click.FloatRange(min=0, min_open=True)


@click.command(
    epilog=examples(
        "sutro serve --data datasets/",
        "sutro serve --data datasets/ --host 0.0.0.0 --api-key-file keys.txt -v",
    )
)
@place_options("Folder with the datasets, created if needed. Only one server can use a folder.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 uses a free one.",
)
@click.option(
    "--api-key",
    "api_keys",
    multiple=True,
    envvar="SUTRO_API_KEY",
    metavar="KEY",
    help="A key to accept; also SUTRO_API_KEY. Repeatable. The process list shows it to all users "
    "of the machine: prefer --api-key-file or the variable.",
)
@click.option(
    "--api-key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A file of keys to accept, one per line; lines that start with # are ignored.",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Another host name to accept, if a proxy on this machine forwards requests. Repeatable.",
)
@_limit("--max-file-bytes", _count, "Size of the largest file; then 413.")
@_limit("--max-json-bytes", _count, "Size of the largest JSON request; then 413.")
@_limit("--max-datasets", _count, "Number of datasets per key; then 403.")
@_limit("--max-uploads", _count, "Number of concurrent uploads; then 503 with Retry-After.")
@_limit(
    "--stage-expiry",
    _seconds,
    "Seconds after which a staged file is deleted if it was not committed.",
)
@_limit(
    "--max-staged-files",
    click.IntRange(min=0),
    "Number of staged files per key; then 413. 0: do not announce staging.",
)
@_limit("--max-staged-bytes", _count, "Size of a key's staged files; then 413.")
@_limit(
    "--upload-expiry",
    _seconds,
    "Seconds that an upload may take if instances share the files; then 408.",
)
@_limit("--catalog-connections", _count, "Number of connections to PostgreSQL.")
@_limit(
    "--max-unauthenticated",
    _count,
    "Number of connections that have not sent a key; a further one closes the oldest.",
)
@_limit("--head-timeout", _seconds, "Seconds to wait for the head of a request.")
@_limit("--body-timeout", _seconds, "Seconds to wait for the next byte of a body; then 408.")
@verbose_option
def serve(
    *,
    data: str | None,
    catalog: str | None,
    blobs: str | None,
    blobs_options: dict[str, str],
    host: str,
    port: int,
    api_keys: tuple[str, ...],
    api_key_file: Path | None,
    allowed_hosts: tuple[str, ...],
    **limits: Unpack[ServerLimits],
) -> None:
    """Serve datasets over HTTP.

    A key sees only the datasets that were created with it. In addition to the keys in these
    options, the server accepts those that `sutro keys` adds to its catalog. If there are no keys at
    all, the server generates one for this run, and only this machine can reach it.

    The server shows the datasets at /, and has /health, /metrics (Prometheus) and /openapi.json.
    It logs warnings and errors to stderr, and with -v every request. For the official SDK,
    release 0.1.60, append /legacy to the URL.

    Ctrl-C and SIGTERM let running uploads finish for up to 5 seconds, then exit with 0.
    """
    server_place(data, catalog, blobs, blobs_options)
    keys = [*api_keys, *(keys_in(api_key_file) if api_key_file else [])]
    source = click.get_current_context().get_parameter_source("api_keys")
    if source is ParameterSource.COMMANDLINE and host not in _LOOPBACK:
        message = (
            "the process list shows --api-key to other users of this machine; use --api-key-file "
            "or SUTRO_API_KEY instead"
        )
        output.say("Warning", message, "yellow")
    given = {name: value for name, value in limits.items() if value is not None}
    # SIGTERM raises KeyboardInterrupt like Ctrl-C: both shut the server down gracefully.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # An operator must see why the server rejects requests, without any option.
    logs.prepare(level="warning")
    server = sutro.LocalServer(
        data,
        catalog=catalog,
        blobs=blobs,
        blobs_options=blobs_options,
        host=host,
        port=port,
        api_keys=keys,
        allowed_hosts=allowed_hosts,
        **given,  # type: ignore[arg-type]
    )
    with suppress(KeyboardInterrupt), server:
        _introduce(server, data or "datasets", host, has_keys=bool(keys))
        while True:
            logs.forward()
            time.sleep(_LOG_SECONDS)
    logs.forward()


def _introduce(server: sutro.LocalServer, data: str, host: str, *, has_keys: bool) -> None:
    click.echo(f"Serving {data} at {server.api_url}")
    if not has_keys and _has_only_catalog_keys(server):
        click.echo("Accepted API keys: those of the catalog (sutro keys)")
    elif not has_keys:
        click.echo(f"API key, generated for this run: {server.api_key}")
        click.echo(f"Datasets in a browser: {server.api_url}/#key={server.api_key}")
    if host in _LOOPBACK:
        click.echo(
            "Only this machine can reach it; use --host 0.0.0.0 and --api-key-file to accept "
            "requests from other machines.",
            err=True,
        )


def _has_only_catalog_keys(server: sutro.LocalServer) -> bool:
    try:
        return not server.api_key
    except sutro.ConfigurationError:
        return True
