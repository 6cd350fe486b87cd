"""Attachments: added to a draft and taken away again by its applicant. Once submitted they are fixed, as all is."""

from __future__ import annotations

import hashlib
from uuid import uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from fabriek.access import attachments
from fabriek.access.errors import WrongState
from fabriek.access.models import Application, ApplicationState, Attachment
from fabriek.access.rules import ATTACHMENTS, attachment_faults
from fabriek.audit.actions import record
from fabriek.conf.errors import Invalid, NotAllowed
from fabriek.people.models import Person


def add_attachment(actor: Person, application: Application, name: str, content: bytes) -> Attachment:
    """Add a PDF to a draft. The same content again is the same attachment.

    Errors: NotAllowed, WrongState, Invalid (no PDF, too large, too many).
    """
    name = name.replace("\\", "/").rpartition("/")[2].strip()[-120:] or "attachment.pdf"
    faults = attachment_faults(name, content)
    if faults:
        raise Invalid(faults[0], faults={"file": faults})
    digest, key = hashlib.sha256(content).hexdigest(), uuid4()
    attachments.write(key, content)
    try:
        with transaction.atomic():
            draft = _draft(actor, application)
            found = draft.attachments.filter(sha256=digest).first()
            if found is None:
                if draft.attachments.count() >= ATTACHMENTS:
                    sentence = _("An application has at most %(number)s attachments. Remove one first.")
                    raise Invalid(sentence % {"number": ATTACHMENTS}, faults={"file": [_("There are too many.")]})
                made = draft.attachments.create(key=key, name=name, size=len(content), sha256=digest)
                record(actor, "access.add_attachment", application, name=name, sha256=digest)
                return made
    except BaseException:
        attachments.erase(key)
        raise
    attachments.erase(key)
    return found


@transaction.atomic
def remove_attachment(actor: Person, application: Application, attachment: Attachment) -> None:
    """Take a PDF away from a draft. Errors: NotAllowed, WrongState."""
    draft = _draft(actor, application)
    key = attachment.key
    if draft.attachments.filter(pk=attachment.pk).delete()[0]:
        record(actor, "access.remove_attachment", application, name=attachment.name, sha256=attachment.sha256)
        transaction.on_commit(lambda: attachments.erase(key))


def _draft(actor: Person, application: Application) -> Application:
    now = Application.objects.select_for_update(of=("self",)).get(pk=application.pk)
    if now.applicant_id != actor.pk:
        raise NotAllowed(_("Only the applicant may write this application."))
    if now.state != ApplicationState.DRAFT:
        raise WrongState(_("This application was submitted; it can't be changed any more."), state=now.state)
    return now
