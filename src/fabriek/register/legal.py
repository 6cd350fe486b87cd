"""What an AI factory is in law: who answers for it, by which rule, how it relates to what was there before.

What the Regulation says of every factory holds for each of them; what is known of one factory itself goes before that.
A subject of which nothing is known is told as not known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.register.models import Factory, LegalStatement, LegalSubject

SENTENCES = {
    "no-person": gettext_lazy(
        "It is no person in law. The Regulation calls an AI factory an entity, centralised or distributed, that offers "
        "services, and makes it no legal entity."
    ),
    "pillar": gettext_lazy(
        "The AI factory pillar of the EuroHPC Joint Undertaking: it acquires and upgrades machines for AI, and gives "
        "fair access, support, programming facilities and training around them."
    ),
    "hosting-entity": gettext_lazy(
        "The hosting entity: the legal entity that hosts and operates the machine, and the party to a contract."
    ),
    "governing-board": gettext_lazy(
        "The Governing Board of the Joint Undertaking sets special conditions for machines for AI, with a dedicated "
        "access for start-ups and SMEs."
    ),
    "union-by-cost": gettext_lazy(
        "The Union's part of the hours follows its part of the cost, at most half. The rest is the hosting state's, or "
        "is divided among the states of the consortium."
    ),
    "fifth": gettext_lazy("At most a fifth of the Union's hours on each machine, at market prices."),
    "beside": gettext_lazy(
        "An extra pillar beside those that there were, which go on: administration, infrastructure, federation of "
        "services, technology, application, usage and skills, international cooperation."
    ),
}
"""What a statement says, by its code. Statements of one factory say it in their own words."""


@dataclass(frozen=True)
class Statement:
    """What is known of one subject. `sentence` empty: nothing is."""

    subject: str
    label: str
    says: str = ""
    sentence: str = ""
    basis: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    source: str = ""
    confidence: str = ""

    @property
    def known(self) -> bool:
        """Whether anything is known."""
        return bool(self.sentence)


def statements_of(factory: Factory | None = None, on: date | None = None) -> list[Statement]:
    """What a factory is in law on a day (default: today), a statement for each subject; None: what the law says of
    every factory, where it says something. One query.
    """
    on = on or date.today()
    found = (
        LegalStatement.objects.filter(Q(factory=factory) | Q(factory=None))
        .filter(Q(valid_from=None) | Q(valid_from__lte=on))
        .filter(Q(valid_until=None) | Q(valid_until__gt=on))
    )
    by_subject = _by_subject(found)
    if factory is None:
        return [_statement(by_subject[subject]) for subject in LegalSubject if subject in by_subject]
    return [
        _statement(by_subject[subject], factory) if subject in by_subject else Statement(subject, str(subject.label))
        for subject in LegalSubject
    ]


def _by_subject(rows: Iterable[LegalStatement]) -> dict[str, LegalStatement]:
    """The row of each subject that counts: of the factory itself before what holds for all, the later before the
    earlier."""
    chosen: dict[str, LegalStatement] = {}
    for row in sorted(rows, key=lambda row: (row.factory_id is not None, row.valid_from or date.min)):
        chosen[row.subject] = row
    return chosen


def _statement(row: LegalStatement, factory: Factory | None = None) -> Statement:
    sentence = row.text or str(SENTENCES[row.says])
    if row.says == "hosting-entity" and factory is not None:
        host = factory.hosting_entity
        sentence = (
            _("%(host)s, the hosting entity: the legal entity that hosts and operates the machine.")
            % {"host": host.name}
            if host is not None
            else _("The hosting entity, and which that is is not known to this register.")
        )
    return Statement(
        subject=row.subject,
        label=row.get_subject_display(),
        says=row.says,
        sentence=sentence,
        basis=row.basis,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        source=row.source,
        confidence=row.confidence,
    )
