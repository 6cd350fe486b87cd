"""Workloads: traces read and written, and synthetic ones that are fitted to them."""
