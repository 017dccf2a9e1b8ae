"""The command `sutro`: results on stdout, everything else on stderr."""

from sutro.cli.commands import main
from sutro.cli.errors import EXIT_CODES

__all__ = ["EXIT_CODES", "main"]
