"""Ledger: append-only double entry of accelerator-seconds and core-seconds."""
