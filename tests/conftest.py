"""What every test needs to know of the database."""

from __future__ import annotations

import os
import tempfile

# Before Django's settings are read: tests never touch the data of `make run`.
os.environ.setdefault("FABRIEK_FOLDER", tempfile.mkdtemp(prefix="fabriek-tests-"))
