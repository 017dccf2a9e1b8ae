"""`python -m sutro` is the command `sutro`."""

from sutro.cli.commands import main

main()
