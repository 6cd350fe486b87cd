"""What an entry says in its reader's language, where it was translated; else in its own. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Text(NamedTuple):
    """A text, and the language that it is in (ISO 639)."""

    text: str
    language: str


class Said(NamedTuple):
    """The texts of an entry. Each is in the reader's language where there is one; what wasn't translated stays."""

    title: Text
    summary: Text
    description: Text
    original: str

    @property
    def is_translated(self) -> bool:
        """Whether the title is not in the language in which the entry was written (`original`)."""
        return self.title.language != self.original


def said_in(record: Mapping[str, Any], language: str) -> Said:
    """The texts of a record (`fabriek/entry/1`, as stored) for a reader of a language: 'nl', also 'nl-be'."""
    own = str(record.get("language", "en"))
    wanted = language.partition("-")[0]
    translated = {} if wanted == own else record.get("translations", {}).get(wanted, {})

    def text(name: str) -> Text:
        found = translated.get(name)
        return Text(found, wanted) if found else Text(str(record.get(name, "")), own)

    return Said(text("title"), text("summary"), text("description"), own)
