"""Where the files of applications lie: in the platform's folder, never under the web root, by a number that says
nothing. Who may read one is asked of the application each time (`rules.may_read`)."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

from django.conf import settings


def path_of(key: UUID) -> Path:
    """The file of an attachment."""
    folder: Path = settings.FABRIEK_FOLDER / "attachments"
    return folder / f"{key}.pdf"


def write(key: UUID, content: bytes) -> None:
    """Write a file whole or not at all; only the platform's own user reads it. Errors: OSError."""
    path = path_of(key)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    try:
        with partial.open("wb") as file:
            os.chmod(partial, 0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def erase(key: UUID) -> None:
    """Take a file away; one that isn't there stays away."""
    path_of(key).unlink(missing_ok=True)
