"""Foresight: what a policy change would do, asked, simulated apart and kept."""
