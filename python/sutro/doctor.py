"""The command `sutro doctor`: what is in use, and from where."""

from __future__ import annotations

import os
import platform
from urllib.request import getproxies_environment

import click

import sutro
from sutro import settings


@click.command()
@click.option("--api-url", metavar="URL", help="URL of the API, or local:FOLDER.")
def doctor(api_url: str | None) -> None:
    """Tell which key, URL, proxy and certificates are in use, and from where.

    The key itself is never shown. Asks the API whether it knows the key, and exits with 0
    if it does.
    """
    _tell("version", f"sutro {sutro.__version__}, Python {platform.python_version()}")
    _tell("platform", platform.platform())
    _tell("proxies", ", ".join(_proxies()) or "none in the environment")
    _tell("certificates", ", ".join(_certificates()))
    found = settings.find(None, api_url)
    _tell("API URL", found.url)
    _tell("API key", f"from {found.place}" if found.api_key else "none is needed")
    sutro.Client(found.api_key, found.url, max_retries=0).try_authentication()
    _tell("connection", "works, and the key is known")


def _tell(what: str, fact: str) -> None:
    click.echo(f"{what:<14}{fact}")


def _proxies() -> list[str]:
    """Without the names and passwords that a proxy's URL may hold."""
    proxies = getproxies_environment()
    not_for = proxies.pop("no", None)
    told = [f"{url.rpartition('@')[2]} for {scheme}" for scheme, url in proxies.items()]
    # A service on this machine is never asked through one.
    return [*told, *([f"none for {not_for}"] if told and not_for else [])]


def _certificates() -> list[str]:
    named = settings.certificate_files()
    # It says where those of the system are.
    if folder := os.environ.get("SSL_CERT_DIR"):
        named["SSL_CERT_DIR"] = folder
    return ["those of the system", *(f"{name}={path}" for name, path in named.items())]
