"""The command `sutro completion`."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from sutro.cli.options import examples

_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command(
    epilog=examples(
        'eval "$(sutro completion bash)"        # in ~/.bashrc',
        'eval "$(sutro completion zsh)"         # in ~/.zshrc, after compinit',
        "sutro completion fish > ~/.config/fish/completions/sutro.fish",
    )
)
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def completion(ctx: click.Context, /, shell: str) -> None:
    """Print a completion script for a shell.

    It completes commands, options and files.
    """
    click.echo(_SHELLS[shell](ctx.find_root().command, {}, "sutro", "_SUTRO_COMPLETE").source())
