"""The errors of `sutro.errors`, grouped by where they come from."""
