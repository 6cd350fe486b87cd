"""Audit: who did what, when and why. Append-only."""
