"""CLI: the command `fabriek`."""
