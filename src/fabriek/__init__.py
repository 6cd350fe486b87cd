"""Fabriek: the open operating platform of an AI Factory."""

__version__ = "0.1.0"
