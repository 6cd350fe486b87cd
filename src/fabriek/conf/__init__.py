"""Conf: settings and checked configuration."""
