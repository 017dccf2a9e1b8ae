"""The command `sutro login`."""

from __future__ import annotations

import getpass
import os
import sys

import click

import sutro
from sutro import settings
from sutro._reports import text
from sutro.cli import output
from sutro.cli.options import api_url_option, examples


@click.command(
    epilog=examples(
        "sutro login",
        "sutro login < key.txt",
        "sutro login --api-url https://datasets.example.com",
    )
)
@api_url_option
def login(api_url: str | None) -> None:
    """Ask for an API key, check it, and save it.

    The key is saved in ~/.sutro/config.json, which only you can read. A rejected key does not
    change the file. Without a terminal, the key is the first line of stdin.
    """
    url = settings.url(api_url)
    if settings.is_local(url):
        message = f"{url} needs no key"
        raise sutro.ConfigurationError(message)
    api_key = _ask(url) if text.is_terminal(sys.stdin) else _first_line()
    if not api_key:
        message = "no key was entered: type it, or pass it as the first line of stdin"
        raise sutro.ConfigurationError(message)
    # Someone waits at the terminal: report a wrong URL at once.
    sutro.Client(api_key, url, max_retries=0).try_authentication()
    path = settings.save(api_key, url)
    click.echo(f"Saved the key for {url} in {path}", err=True)
    if os.environ.get("SUTRO_API_KEY") or os.environ.get("SUTRO_API_URL"):
        output.say("Note", "SUTRO_API_KEY or SUTRO_API_URL is set and overrides it", "cyan")


def _ask(url: str) -> str:
    try:
        return getpass.getpass(f"API key for {url}: ").strip()
    except (KeyboardInterrupt, EOFError) as error:
        click.echo(err=True)
        raise KeyboardInterrupt from error


def _first_line() -> str:
    """Read the first line of stdin, which may be closed."""
    return sys.stdin.readline().strip() if sys.stdin else ""
