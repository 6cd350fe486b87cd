"""Promises: floors, baselines, shares and caps, measured when decided, queued and used."""
