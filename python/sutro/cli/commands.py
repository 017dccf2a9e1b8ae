"""The command group `sutro`, where every error is shown."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

import sutro
from sutro.cli import errors, output
from sutro.cli.completion import completion
from sutro.cli.datasets import datasets
from sutro.cli.doctor import doctor
from sutro.cli.keys import keys
from sutro.cli.login import login
from sutro.cli.options import Group, examples
from sutro.cli.serve import serve
from sutro.cli.upload import check, upload
from sutro.cli.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> None:
    """Run the command `sutro`."""
    output.prepare()
    # The core expands globs in natural order; on Windows, click has another order.
    commands(prog_name="sutro", windows_expand_args=False)


class _Commands(Group):
    """Shows errors as messages, or with `--json` as a document, without a stack trace."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        output.choose(ctx, args)
        with _errors_shown(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with _errors_shown(ctx):
            return super().invoke(ctx)


@contextmanager
def _errors_shown(ctx: click.Context) -> Iterator[None]:
    try:
        yield
    except click.exceptions.Exit:
        raise
    except BrokenPipeError:
        output.discard_stdout()
        ctx.exit(0)
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001 - the outermost handler
        errors.show(error)
        ctx.exit(errors.exit_code(error))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "sutro login",
        "sutro check data/",
        "sutro upload data/",
        "sutro upload 'data/part-*.parquet' --dataset dataset-1b2c",
        "sutro upload data/ --api-url local:./datasets",
    ),
)
@click.version_option(sutro.__version__, prog_name="sutro")
def commands() -> None:
    """Upload Parquet files to a dataset: concurrently, in order, exactly once.

    The key and the URL come from SUTRO_API_KEY and SUTRO_API_URL, or from
    ~/.sutro/config.json, which `sutro login` writes. `--api-url local:FOLDER` needs neither
    a key nor an account.

    Exit codes: 0 success, 2 wrong usage, 3 rejected by the check and nothing was sent, 4 missing
    or wrong key, 5 failure that a retry may fix, 6 partly uploaded, 7 rejected by the server, 130
    Ctrl-C, 1 any other error.
    """


for command in (login, check, upload, datasets, serve, keys, verify, doctor, completion):
    commands.add_command(command)
