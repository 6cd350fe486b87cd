"""Which path of a project somebody may name. Read by the platform when it is asked, and by each agent again."""

from __future__ import annotations

import re

STAGING = ".fabriek"
"""In a project's folder: what is half copied lies here, never among the files themselves."""
MOST_BYTES = 1_000
_MOST_OF_A_NAME = 255
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_UNIX_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\$?")


class PathRefused(ValueError):
    """`code` says why: empty, absolute, climbs, controls, long, ours."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def clean_path(text: str) -> str:
    """A path below the project's folder, without doubled or closing slashes. Errors: PathRefused.

    Nothing is put right that could mean something else: a path that climbs is refused, not shortened.
    """
    if any(ord(sign) < 32 or ord(sign) == 127 or 0xD800 <= ord(sign) < 0xE000 for sign in text):
        raise PathRefused("controls")
    if text.startswith("/"):
        raise PathRefused("absolute")
    names = [name for name in text.split("/") if name]
    if not names or names == ["."]:
        raise PathRefused("empty")
    if "." in names or ".." in names:
        raise PathRefused("climbs")
    clean = "/".join(names)
    if len(clean.encode()) > MOST_BYTES or any(len(name.encode()) > _MOST_OF_A_NAME for name in names):
        raise PathRefused("long")
    if names[0] == STAGING:
        raise PathRefused("ours")
    return clean


def overlap(one: str, other: str) -> bool:
    """Whether one path is the other, or lies in it."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def is_account(text: str) -> bool:
    """Whether a project's code can stand in a path as it is."""
    return _ACCOUNT.fullmatch(text) is not None


def is_unix_name(text: str) -> bool:
    """Whether a name can stand in a command as it is."""
    return _UNIX_NAME.fullmatch(text) is not None
