"""The base of everything that can be refused. Each error carries one sentence for its reader that says what to do."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """Something that was asked can't be done. Pages show `sentence`; the API answers RFC 9457 problem+json with it.

    slug: names the kind of problem in the API ('urn:fabriek:problem:' + slug). status: the HTTP status.
    extra: JSON values that help a program, for example {"limit": 5000}.
    """

    slug = "refused"
    status = 409

    def __init__(self, sentence: object = "", **extra: Any) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence
        self.extra = extra


class NotAllowed(Refused):
    """The person's roles don't include this, or they have an interest in it."""

    slug = "not-allowed"
    status = 403


class NotFound(Refused):
    """There is no such thing, or this person may not know of it."""

    slug = "not-found"
    status = 404


class Invalid(Refused):
    """What was sent does not hold. `faults` names each field: {"gpu_hours": ["At most 5,000 in this access mode."]}."""

    slug = "invalid"
    status = 422

    def __init__(self, sentence: object = "", faults: dict[str, list[str]] | None = None, **extra: Any) -> None:
        super().__init__(sentence, **extra)
        self.faults = faults or {}
