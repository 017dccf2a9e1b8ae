"""Runs calls: checks their arguments, starts jobs of the core, and waits for them."""
