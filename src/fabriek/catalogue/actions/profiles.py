"""What the owner of a profile does with it: agree, withdraw, erase; and what a curator may: hide it, and let it be.

A profile has no way of being published but its owner's consent: what stands agreed is what is shown, at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from fabriek.audit.actions import record as audited
from fabriek.catalogue import uploads
from fabriek.catalogue.actions.mailing import mail
from fabriek.catalogue.actions.writing import publish, refuse_lacking
from fabriek.catalogue.consents import agreed, agreed_of, purposes_of, standing, wordings
from fabriek.catalogue.errors import RecordInvalid, WrongState
from fabriek.catalogue.models import Consent, Ending, Entry, EntryState, Notice, Purpose
from fabriek.catalogue.rules import PROFILES, is_owner, owner_of
from fabriek.conf.errors import NotAllowed, NotFound
from fabriek.people.models import Person
from fabriek.people.permissions import require


def agree(actor: Person, entry: Entry, purposes: Collection[str]) -> Entry:
    """What the owner agrees to from now on: these purposes, and no others. With 'catalogue' among them the profile is
    shown, without it is gone, at once, from wherever it was.

    Each consent is kept with its words, their version and language (Regulation (EU) 2016/679, Article 7(1)); what isn't
    named any more is withdrawn, as easily as it was given (Article 7(3)). Errors: NotAllowed; RecordInvalid with what
    the profile lacks or with `purposes`; WrongState while a curator hides it.
    """
    with transaction.atomic():
        held = _owned(actor, entry)
        wanted = set(purposes)
        _refuse_purposes(held, wanted)
        if Purpose.CATALOGUE in wanted:
            if held.hidden_at is not None:
                raise WrongState(_("A curator hides this profile: %(why)s") % {"why": held.remark}, state=held.state)
            refuse_lacking(held, held.as_record())
        stands = agreed_of(held)
        given, withdrawn = sorted(wanted - stands), sorted(stands - wanted)
        # Also those that were given to other words: one row stands for each purpose.
        _end(held.consents.exclude(pk__in=standing().filter(entry=held, purpose__in=wanted)), Ending.WITHDRAWN)
        _give(actor, held, given)
        _show(held, shown=Purpose.CATALOGUE in wanted)
        if given or withdrawn:
            audited(actor, "catalogue.agree", held, given=given, withdrawn=withdrawn)
    return held


def erase_profile(actor: Person, entry: Entry) -> None:
    """Erase a profile: its record, files, letters and looks (Regulation (EU) 2016/679, Article 17).

    What stays: that its owner agreed and withdrew, with the words (Article 7(1)); and of a profile that was shown its
    code, which names nobody, so that the index and harvesters learn that it is gone. Errors: NotAllowed.
    """
    with transaction.atomic():
        held = _owned(actor, entry)
        _end(held.consents.all(), Ending.ERASED)
        audited(actor, "catalogue.erase_profile", held)
        was_shown = bool(held.published)
        for rows in (held.places, held.ties, held.letters, held.looks):
            rows.all().delete()
        Notice.objects.filter(entry=held).delete()
        transaction.on_commit(lambda: uploads.forget_all_but(held, ()), robust=True)
        if not was_shown:
            held.delete()
            return
        blank = Entry(
            pk=held.pk, uuid=held.uuid, code=held.code, kind=held.kind, state=EntryState.RETIRED, record={},
            language=held.language, created_at=held.created_at, published=held.published,
        )  # fmt: skip
        blank.save(force_update=True)


def hide_profile(actor: Person, entry: Entry, why: str) -> Entry:
    """Take a profile out of what is shown, with a reason that its owner reads. Errors: NotAllowed, RecordInvalid
    without a reason, WrongState where it isn't shown."""
    require(actor, "curate the catalogue")
    why = why.strip()
    if not why:
        raise RecordInvalid(_("Say why."), faults={"why": [_("Say why. Its owner reads it.")]})
    with transaction.atomic():
        held = _held(entry)
        if held.state != EntryState.PUBLISHED:
            raise WrongState(_("This profile is not shown."), state=held.state)
        _show(held, shown=False)
        held.hidden_at, held.remark = timezone.now(), why
        held.save(update_fields=["hidden_at", "remark"])
        audited(actor, "catalogue.hide_profile", held, why=why)
        mail(owner_of(held), partial(_hidden, held.code, why))
    return held


def lift_profile(actor: Person, entry: Entry) -> Entry:
    """Hide it no longer. Where its owner still agrees it is shown again. Errors: NotAllowed, WrongState."""
    require(actor, "curate the catalogue")
    with transaction.atomic():
        held = _held(entry)
        if held.hidden_at is None:
            raise WrongState(_("Nobody hides this profile."), state=held.state)
        held.hidden_at, held.remark = None, ""
        held.save(update_fields=["hidden_at", "remark"])
        _show(held, shown=Purpose.CATALOGUE in agreed_of(held))
        audited(actor, "catalogue.lift_profile", held)
    return held


def ask_again() -> int:
    """End the consents to words that changed since, and mail the owners, who may agree to the new ones. How many
    profiles. What a profile may no longer be used for it is used for no more; one that may no longer be shown isn't.

    Such consents don't stand anyway (`consents.standing`); this takes the profiles out and tells.
    """
    old = Consent.objects.filter(withdrawn_at=None).exclude(pk__in=standing().values("pk"))
    unshown = Entry.objects.filter(kind__in=PROFILES, state=EntryState.PUBLISHED).exclude(
        pk__in=agreed(Purpose.CATALOGUE)
    )
    asked = 0
    for key in Entry.objects.filter(Q(pk__in=old.values("entry")) | Q(pk__in=unshown)).values_list("pk", flat=True):
        with transaction.atomic():
            held = Entry.objects.select_for_update().get(pk=key)
            ended = _end(held.consents.filter(pk__in=old), Ending.REWORDED)
            _show(held, shown=held.state == EntryState.PUBLISHED and Purpose.CATALOGUE in agreed_of(held))
            audited(None, "catalogue.ask_again", held, ended=ended)
            mail(owner_of(held), partial(_reworded, held.code))
        asked += 1
    return asked


def _owned(actor: Person, entry: Entry) -> Entry:
    held = _held(entry)
    if not is_owner(actor, held):
        raise NotAllowed(_("Only its owner decides about a profile."))
    return held


def _held(entry: Entry) -> Entry:
    """The profile as it is now, locked."""
    held = Entry.objects.select_for_update(of=("self",)).select_related("project").get(pk=entry.pk)
    if held.kind not in PROFILES:
        raise NotFound(_("This entry is no profile: a curator publishes it."))
    return held


def _refuse_purposes(entry: Entry, wanted: set[str]) -> None:
    asked = {str(one) for one in purposes_of(entry.kind)}
    if wanted - asked:
        sentence = _("Choose among %(purposes)s.") % {"purposes": ", ".join(sorted(asked))}
    elif wanted and Purpose.CATALOGUE not in wanted:
        sentence = _("The others need that it is shown in the catalogue. Agree to that too, or to none.")
    else:
        return
    raise RecordInvalid(_("Mend the fields that are named."), faults={"purposes": [sentence]})


def _give(actor: Person, entry: Entry, purposes: Iterable[str]) -> None:
    reader = (get_language() or "en").partition("-")[0]
    for purpose in purposes:
        wording = wordings()[purpose]
        text, language = wording.shown(reader)
        Consent.objects.create(
            person=actor, entry=entry, purpose=purpose, version=wording.version, language=language, text=text
        )


def _end(consents: QuerySet[Consent], ending: Ending) -> list[str]:
    """End those of them that have no end yet. Which purposes."""
    rows = consents.filter(withdrawn_at=None).order_by()
    ended = sorted(rows.values_list("purpose", flat=True))
    rows.update(withdrawn_at=timezone.now(), ending=ending)
    return ended


def _show(entry: Entry, *, shown: bool) -> None:
    """Make it shown or not. Its time changes either way, so that the index and harvesters come to look."""
    if shown and entry.state != EntryState.PUBLISHED:
        publish(entry)
        return
    if not shown and entry.state == EntryState.PUBLISHED:
        entry.state = EntryState.RETIRED
    entry.changed_at = timezone.now()
    entry.save(update_fields=["state", "changed_at"])


def _hidden(code: str, why: str) -> tuple[str, str]:
    told = _("Your profile is not shown any more. A curator of the catalogue hides it, and says why:")
    return _("Your profile is hidden"), f"{told}\n\n{why}\n\n{address_of(code)}"


def _reworded(code: str) -> tuple[str, str]:
    told = _(
        "The words that you agreed to for your profile have changed. What they were asked for is not done any more "
        "until you read the new ones and agree again:"
    )
    return _("Do you still agree?"), f"{told}\n\n{address_of(code)}"


def address_of(code: str) -> str:
    """Where the owner of a profile decides about it."""
    return f"{settings.FABRIEK_BASE_URL}/catalogue/profiles/{code}/"
