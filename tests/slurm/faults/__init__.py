"""The fault harness: everything is killed, cut and stepped at every boundary of a job's life; see `__main__.py`."""
