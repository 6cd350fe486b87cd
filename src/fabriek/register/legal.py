"""What an AI factory is in law: who answers for it, by which rule, how it relates to what was there before.

What the Regulation says of every factory holds for each of them; what is known of one factory itself goes before that.
A subject of which nothing is known is told as not known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.audit.actions import record
from fabriek.conf.checking import checked
from fabriek.conf.errors import Invalid
from fabriek.people.permissions import require
from fabriek.register.models import Confidence, Factory, LegalStatement, LegalSubject
from fabriek.register.origins import faults_of_origin

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


@transaction.atomic
def declare_statement(
    actor: Any,
    factory: Factory,
    subject: str,
    text: str,
    *,
    source: str,
    basis: str = "",
    confidence: str = Confidence.HIGH,
    valid_from: date | None = None,
    valid_until: date | None = None,
) -> LegalStatement:
    """Put on record what one factory is in law on a subject, for a period [valid_from, valid_until).

    It goes before what the law says of every factory. Told again of the same subject and the same first day, it
    takes the place of what was told before, which the audit keeps. Errors: NotAllowed, Invalid.
    """
    require(actor, "declare capacity")
    # One after the other: of two at once the second corrects the first.
    factory = Factory.objects.select_for_update().get(pk=factory.pk)
    before = factory.legal_statements.filter(is_reference=False, subject=subject, valid_from=valid_from).first()
    said: dict[str, Any] = {
        "text": text.strip(),
        "basis": basis.strip(),
        "valid_until": valid_until,
        "source": source.strip(),
        "confidence": confidence,
    }
    row = LegalStatement(
        pk=before.pk if before else None, factory=factory, subject=subject, valid_from=valid_from, **said
    )
    _check(row)
    was = {name: getattr(before, name) for name in said} if before else {}
    if was == said:
        return row
    row.save()
    record(
        actor,
        "register.declare_statement",
        factory,
        on=subject,
        valid_from=_iso(valid_from),
        valid_until=_iso(valid_until),
        text=row.text,
        basis=row.basis,
        source=row.source,
        confidence=row.confidence,
        before={**was, "valid_until": _iso(was["valid_until"])} if was else None,
    )
    return row


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _check(row: LegalStatement) -> None:
    faults = {}
    if row.subject not in LegalSubject.values:
        faults["subject"] = [_("Choose one of %(subjects)s.") % {"subjects": ", ".join(LegalSubject.values)}]
    if not row.text:
        faults["text"] = [_("Say it in the words of its source.")]
    faults |= faults_of_origin(row.source, row.confidence)
    if row.valid_from and row.valid_until and row.valid_until <= row.valid_from:
        faults["valid_until"] = [_("It ends after it began: this is the first day on which it no longer holds.")]
    if faults:
        raise Invalid(_("This is no statement yet."), faults=faults)
    checked(row)


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
