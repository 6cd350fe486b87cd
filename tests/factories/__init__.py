"""Worlds for tests, made with the same actions as in life."""
