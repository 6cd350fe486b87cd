"""Harvesting: what other catalogues publish, fetched, read and taken in; resumable, with a report of each run."""
