"""The commands `sutro keys`: API keys in the catalog of a server."""

from __future__ import annotations

from typing import Any

import click

from sutro._reports import text
from sutro._run import calls, logs
from sutro._run.driver import here
from sutro.cli.options import Group, examples, verbose_option
from sutro.cli.output import is_json, json_option, say, show, show_lines, show_table
from sutro.cli.place import catalog_options, keys_in, server_catalog

_place_options = catalog_options("Folder with the datasets of a server.")
_header = ("name", "key id", "created (UTC)")


@click.group(cls=Group)
def keys() -> None:
    """Add, list and revoke API keys in the catalog of a server.

    All servers that share the catalog accept these keys. Servers may be running.
    """


@keys.command(
    "add",
    epilog=examples(
        "sutro keys add team-a --data datasets/",
        "sutro keys add team-a --catalog postgres://sutro@db/sutro > key.txt",
        "sutro keys add team-a --data datasets/ --key-file key.txt",
    ),
)
@click.argument("name")
@click.option(
    "--key-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Add the key in this file instead of a random one; - is stdin. If NAME is new, the key "
    "keeps the datasets that were created with it.",
)
@_place_options
@verbose_option
@json_option
def _add(*, name: str, key_file: str | None, data: str | None, catalog: str | None) -> None:
    """Add a key for NAME and print it.

    The catalog stores only a hash, so the key cannot be shown again. All keys of a name see the
    same datasets. To replace a key, add another one, and then revoke the first by its id.
    """
    place = server_catalog(data, catalog)
    given = None
    if key_file is not None:
        found = keys_in(key_file)
        if len(found) != 1:
            message = f"{key_file} has {len(found)} keys; add them one by one"
            raise click.UsageError(message)
        given = found[0]
    logs.prepare(level="warning")
    added = here(calls.add_key, place, name, given)
    if given is not None:
        # The user already has this key, in the file.
        added["api_key"] = None
    show(added["api_key"] or added["key_id"], added)
    if given is None and not is_json():
        say("Note", f"the key {added['key_id']} of {name} is not shown again", "cyan")


@keys.command("list", epilog=examples("sutro keys list --data datasets/"))
@_place_options
@verbose_option
@json_option
def _list(*, data: str | None, catalog: str | None) -> None:
    """List the keys that are not revoked.

    Shows names and ids. The id of a key is the start of its SHA-256.
    """
    place = server_catalog(data, catalog)
    logs.prepare(level="warning")
    found = here(calls.list_keys, place)
    rows = [(key["name"], key["key_id"], text.moment(key["created_at"])) for key in found]
    show_table(_header, rows, _facts(found), right=(), nothing="no keys")


@keys.command(
    "revoke",
    epilog=examples(
        "sutro keys revoke team-a --data datasets/",
        "sutro keys revoke 1b2c3d4e5f60 --data datasets/",
    ),
)
@click.argument("name_or_id", metavar="NAME_OR_ID")
@_place_options
@verbose_option
@json_option
def _revoke(*, name_or_id: str, data: str | None, catalog: str | None) -> None:
    """Revoke all keys of a name, or the key with an id, and print their ids.

    Servers reject the keys within 5 seconds. The datasets stay: a new key of the same name sees
    them.
    """
    place = server_catalog(data, catalog)
    logs.prepare(level="warning")
    found = here(calls.revoke_keys, place, name_or_id)
    show_lines([key["key_id"] for key in found], _facts(found))


def _facts(found: list[dict[str, Any]]) -> dict[str, Any]:
    return {"keys": found}
