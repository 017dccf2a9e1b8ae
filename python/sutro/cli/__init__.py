"""The command `sutro`: results on stdout, everything else on stderr."""

from sutro.cli.commands import main

__all__ = ["main"]
