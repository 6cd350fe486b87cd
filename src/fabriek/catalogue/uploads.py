"""Small files that an entry holds itself. They lie in Django's storage `uploads` (a folder of the platform's, or a
bucket that speaks S3), below the entry's number and by their SHA-256, so that a name is never part of a path. A bucket
that can't be reached is StorageAway, an OSError."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import IO

from django.core.files.base import File
from django.core.files.storage import Storage, storages

from fabriek.catalogue.models import Entry
from fabriek.catalogue.record import Record

MOST_FILES = 20
"""Of an entry. More is a data set, which has a storage of its own."""


def digest_of(content: File[bytes]) -> str:
    """SHA-256 of a file, read in pieces and left at its beginning."""
    digest = hashlib.sha256()
    for piece in content.chunks():
        digest.update(piece)
    content.seek(0)
    return digest.hexdigest()


def keep(entry: Entry, sha256: str, content: File[bytes]) -> None:
    """Store a file; the same content again is the same file. Errors: OSError."""
    if not is_kept(entry, sha256):
        _storage().save(_name(entry, sha256), content)


def is_kept(entry: Entry, sha256: str) -> bool:
    """Whether the entry holds a file of this digest."""
    return _storage().exists(_name(entry, sha256))


def kept(entry: Entry) -> set[str]:
    """The digests of all files that the entry holds. Errors: OSError."""
    try:
        _folders, files = _storage().listdir(str(entry.uuid))
    except FileNotFoundError:
        return set()
    return set(files)


def opened(entry: Entry, sha256: str) -> IO[bytes]:
    """The file, to be read. Errors: OSError where it isn't there."""
    return _storage().open(_name(entry, sha256), "rb")


def forget_all_but(entry: Entry, named: Iterable[str]) -> None:
    """Erase what the entry holds and no longer names."""
    for sha256 in kept(entry) - set(named):
        _storage().delete(_name(entry, sha256))


def named_in(record: Record) -> list[str]:
    """The digests of the files that a record says are kept here."""
    return [one.location for one in record.distributions if one.storage == "upload"]


def _storage() -> Storage:
    return storages["uploads"]


def _name(entry: Entry, sha256: str) -> str:
    return f"{entry.uuid}/{sha256}"
