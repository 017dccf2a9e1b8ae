"""`python -m sutro` is the command `sutro`."""

from sutro.cli import main

main()
