"""Who may read a ticket and write in it, what may be said, and which address is a page of ours."""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext as _

from fabriek.conf.amounts import number_text
from fabriek.people.permissions import may
from fabriek.support.models import AboutKind, Ticket

ANSWERS = "answer questions"
"""The permission of who answers."""
LONGEST = 10_000
"""Letters of a question or an answer."""
LONGEST_SUBJECT = 200
LONGEST_PAGE = 500
LONGEST_ABOUT = 120
MOST_OPEN = 30
"""Questions of one person that wait for an answer."""
MOST_MESSAGES = 200
"""On one question: its page shows all."""

# A path of this platform. Browsers read '/\' as '//', and leave out tabs and line ends: none of them leads elsewhere.
_PAGE = re.compile(r"/(?![/\\])[^\s\\\x00-\x1f\x7f]*")
# Line ends and tabs aside: PostgreSQL takes no NUL, and the others have no place in a text.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def is_page(address: str) -> bool:
    """Whether the address is a path of this platform, such as '/projects/aurora/', and leads nowhere else."""
    return len(address) <= LONGEST_PAGE and _PAGE.fullmatch(address) is not None


def is_expert(person: Any, ticket: Ticket) -> bool:
    """Whether this person speaks for the experts here. Who asked doesn't answer: what they write is part of it."""
    return may(person, ANSWERS) and person.pk != ticket.asked_by_id


def may_read(person: Any, ticket: Ticket) -> bool:
    """Who asked, and who answers. The same people may write in it, close it and open it again."""
    return person.pk == ticket.asked_by_id or may(person, ANSWERS)


def text_faults(name: str, text: str, longest: int = LONGEST) -> dict[str, list[str]]:
    """What is wrong with a text, by the field's name."""
    if not text:
        return {name: [_("Write something here.")]}
    if len(text) > longest:
        return {name: [_("Use at most %(number)s characters.") % {"number": number_text(longest)}]}
    if _CONTROL.search(text):
        return {name: [_("This has characters in it that can't be shown. Type it again.")]}
    return {}


def context_faults(page: str, about_kind: str, about: str) -> dict[str, list[str]]:
    """What is wrong with where a question was asked from."""
    faults = {}
    if page and not is_page(page):
        faults["page"] = [_("Give the address of a page of this platform, from the / on.")]
    if about_kind and about_kind not in AboutKind.values:
        faults["about_kind"] = [_("Choose one of %(kinds)s.") % {"kinds": ", ".join(AboutKind.values)}]
    if bool(about_kind) != bool(about) or len(about) > LONGEST_ABOUT or _CONTROL.search(about):
        faults["about"] = [_("Give what it is about by its kind and its code, or leave out both.")]
    return faults
