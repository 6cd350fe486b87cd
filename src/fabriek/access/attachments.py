"""Where the files of applications lie: in the platform's folder, never under the web root, by a number that says
nothing. Who may read one is asked of the application each time (`rules.may_read`)."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from django.conf import settings

from fabriek.conf import private_files


def path_of(key: UUID) -> Path:
    """The file of an attachment."""
    folder: Path = settings.FABRIEK_FOLDER / "attachments"
    return folder / f"{key}.pdf"


def write(key: UUID, content: bytes) -> None:
    """Write a file whole or not at all. Errors: OSError."""
    private_files.write(path_of(key), content)


def erase(key: UUID) -> None:
    """Take a file away; one that isn't there stays away."""
    path_of(key).unlink(missing_ok=True)
