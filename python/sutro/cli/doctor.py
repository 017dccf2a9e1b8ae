"""The command `sutro doctor`: the settings in use, and their sources."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies_environment

import click

import sutro
from sutro import settings
from sutro.cli import errors, output
from sutro.cli.options import client, examples, service_options

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command(
    epilog=examples("sutro doctor", "sutro doctor --api-url https://datasets.example.com --json")
)
@service_options
@click.pass_context
def doctor(ctx: click.Context, /, api_url: str | None) -> None:
    """Show which key, URL, proxy and certificates are in use.

    Also shows where they come from, but never the key itself. Checks that the API accepts the
    key, and exits with 0 if it does.
    """
    told: dict[str, Any] = {}
    try:
        for what, fact in _facts(api_url):
            told[what] = fact
            if not output.is_json():
                words = fact if isinstance(fact, str) else ", ".join(fact)
                click.echo(f"{what:<14}{words}")
    except sutro.SutroError as error:
        errors.show(error, told)
        ctx.exit(errors.exit_code(error))
    if output.is_json():
        output.show("", told)


def _facts(api_url: str | None) -> Iterator[tuple[str, str | list[str]]]:
    yield "sutro", sutro.__version__
    yield "python", platform.python_version()
    yield "platform", platform.platform()
    yield "proxies", _proxies() or ["none in the environment"]
    yield "certificates", _certificates()
    yield "url", settings.url(api_url)
    found = settings.find(None, api_url)
    yield "key", f"from {found.place}" if found.api_key else "not needed"
    client(found.url, found.api_key, max_retries=0).try_authentication()
    yield "connection", "works; the server accepts the key"


def _proxies() -> list[str]:
    """List proxies, without the user names and passwords in their URLs."""
    proxies = getproxies_environment()
    not_for = proxies.pop("no", None)
    told = [f"{url.rpartition('@')[2]} for {scheme}" for scheme, url in proxies.items()]
    # Requests to a server on this machine never use a proxy.
    return [*told, *([f"none for {not_for}"] if told and not_for else [])]


def _certificates() -> list[str]:
    named = settings.certificate_files()
    # The platform names the folder of the system's certificates.
    if folder := os.environ.get("SSL_CERT_DIR"):
        named["SSL_CERT_DIR"] = folder
    return ["the system's", *(f"{name}={path}" for name, path in named.items())]
