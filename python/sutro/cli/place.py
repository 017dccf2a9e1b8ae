"""Options for where a server stores datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sutro.cli.options import together

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sutro.options import ServerPlace

_SECRET_OPTIONS = ("secret_access_key", "session_token", "token", "sse_customer_key_base64")


def _options_of_blobs(given: tuple[str, ...]) -> dict[str, str]:
    options = {}
    for option in given:
        name, is_given, value = option.partition("=")
        if not is_given:
            message = "must be NAME=VALUE"
            raise click.BadParameter(message)
        if name.lower().removeprefix("aws_") in _SECRET_OPTIONS:
            message = (
                f"the process list shows {name} to all users of this machine; use a variable, such "
                "as AWS_SECRET_ACCESS_KEY"
            )
            raise click.BadParameter(message)
        options[name] = value
    return options


_catalog_option = click.option(
    "--catalog",
    envvar="SUTRO_CATALOG",
    metavar="URL",
    help="Where names, order and keys are stored: sqlite:FILE or "
    "postgres://USER@HOST/DATABASE; also SUTRO_CATALOG. "
    "[default: catalog.sqlite in --data]",
)


def _data_option(text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    kind = click.Path(file_okay=False)
    return click.option("--data", type=kind, metavar="FOLDER", help=text)


def place_options(
    data: str,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make the options; `data` is the help of `--data`."""
    return together(
        _data_option(data),
        _catalog_option,
        click.option(
            "--blobs",
            envvar="SUTRO_BLOBS",
            metavar="URL",
            help="Where the bytes of files are stored: file:FOLDER or s3://BUCKET/PREFIX; also "
            "SUTRO_BLOBS. [default: blobs in --data]",
        ),
        click.option(
            "--blobs-option",
            "blobs_options",
            multiple=True,
            callback=lambda _context, _option, given: _options_of_blobs(given),
            metavar="NAME=VALUE",
            help="An option of s3://, such as endpoint, region, virtual_hosted_style_request or "
            "timeout. Default: the variables of AWS tools, such as AWS_ENDPOINT_URL and "
            "AWS_REGION. Repeatable.",
        ),
    )


def catalog_options(data: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options that name a catalog; `data` is the help of `--data`."""
    return together(_data_option(data), _catalog_option)


def server_catalog(data: str | None, catalog: str | None) -> ServerPlace:
    """Collect the options that name a catalog.

    Raises:
        click.UsageError: The options name no catalog.
    """
    if data is None and catalog is None:
        message = "Missing option '--data' or '--catalog'."
        raise click.UsageError(message)
    return _named(data, catalog)


def keys_in(file: str | Path) -> list[str]:
    """Read the API keys in a file; `-` is stdin.

    Raises:
        click.UsageError: It has none.
    """
    with click.open_file(str(file)) as opened:
        lines = [line.strip() for line in opened.read().splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        message = f"{file} contains no key"
        raise click.UsageError(message)
    return keys


def server_place(
    data: str | None, catalog: str | None, blobs: str | None, blobs_options: dict[str, str]
) -> ServerPlace:
    """Collect the options.

    Raises:
        click.UsageError: They do not name a place.
    """
    if data is None and (catalog is None or blobs is None):
        message = "Missing option '--data', or both of '--catalog' and '--blobs'."
        raise click.UsageError(message)
    place = _named(data, catalog)
    if blobs is not None:
        place["blobs"] = blobs
    if blobs_options:
        place["blobs_options"] = blobs_options
    return place


def _named(data: str | None, catalog: str | None) -> ServerPlace:
    place: ServerPlace = {}
    if data is not None:
        place["folder"] = data
    if catalog is not None:
        place["catalog"] = catalog
    return place
