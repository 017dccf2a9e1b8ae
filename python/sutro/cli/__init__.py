"""The command `sutro`: results on stdout, everything else on stderr."""
