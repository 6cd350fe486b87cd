"""What programmes refuse."""

from __future__ import annotations

from fabriek.conf.errors import Invalid, Refused


class ShareTableRefused(Invalid):
    """A table of shares that doesn't add up. `extra`: row (the one that is off), sum, difference."""

    slug = "share-table-refused"


class AlreadyGiven(Refused):
    """Hours can't be taken from a programme that has awarded them."""

    slug = "already-given"


class ReallocationRefused(Invalid):
    """A reallocation that moves nothing, or within one programme, or without a reason."""

    slug = "reallocation-refused"


class UndoneAlready(Refused):
    """Hours that were moved back can't be moved back again."""

    slug = "undone-already"


class ProgrammeRefused(Invalid):
    """A programme that can't have its place in the tree."""

    slug = "programme-refused"


class PromiseRefused(Invalid):
    """A promise that promises nothing that can be measured."""

    slug = "promise-refused"
