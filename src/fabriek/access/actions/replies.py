"""The right to reply: an applicant answers what the reviewers say, within working days, before the decision."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from fabriek.access.errors import TooLate, WrongState
from fabriek.access.models import Application, ApplicationState, Reply
from fabriek.access.rules import answer_due
from fabriek.audit.actions import record
from fabriek.conf.amounts import number_text
from fabriek.conf.errors import Invalid, NotAllowed
from fabriek.people.models import Person

_log = logging.getLogger("fabriek.access")
LONGEST = 5_000
"""Letters of a reply."""


def open_reply(application: Application) -> None:
    """Let the applicant reply from now on, where the call says so. Called where the score is settled."""
    call = application.call
    if not call.reply_working_days or application.reply_until is not None:
        return
    until = answer_due(timezone.now(), call.reply_working_days, call.factory.country)
    Application.objects.filter(pk=application.pk).update(reply_until=until)
    application.reply_until = until
    _tell(application)


@transaction.atomic
def reply_to_reviews(actor: Person, application: Application, text: str) -> Reply:
    """Answer the reviews of one's own application, once. An empty text says that there is nothing to add.

    The same text again changes nothing. Errors: NotAllowed, WrongState, TooLate, Invalid.
    """
    now = Application.objects.select_for_update(of=("self",)).get(pk=application.pk)
    if now.applicant_id != actor.pk:
        raise NotAllowed(_("Only the applicant may reply."))
    text = text.strip()
    if len(text) > LONGEST:
        sentence = _("Use at most %(number)s characters.") % {"number": number_text(LONGEST)}
        raise Invalid(_("The reply is too long."), faults={"text": [sentence]})
    found = Reply.objects.filter(application=now).first()
    if found is not None and found.text == text:
        return found
    if found is not None:
        raise WrongState(_("You have replied already. A reply can't be changed."))
    if now.state != ApplicationState.REVIEWED or now.reply_until is None:
        raise WrongState(_("There are no reviews to reply to now."), state=now.state)
    if timezone.now() > now.reply_until:
        raise TooLate(_("A reply was possible until %(day)s.") % {"day": f"{now.reply_until:%Y-%m-%d %H:%M} UTC"})
    try:
        with transaction.atomic():
            made = Reply.objects.create(application=now, text=text, made_by=actor)
    except IntegrityError as error:
        raise WrongState(_("You have replied already. A reply can't be changed.")) from error
    record(actor, "access.reply_to_reviews", application, nothing_to_add=not text)
    return made


def _tell(application: Application) -> None:
    """Mail the applicant. A mail that can't be sent undoes nothing: the page says the same."""
    person = application.applicant
    if person.is_demo:
        return
    link = f"{settings.FABRIEK_BASE_URL}/applications/{application.code}/"

    def send() -> None:
        try:
            with translation.override(person.language):
                subject = _("You may reply to the reviews: %(title)s") % {"title": application.title}
                words = _("The reviewers of your application are done. You may reply until %(until)s UTC.") % {
                    "until": f"{application.reply_until:%Y-%m-%d %H:%M}"
                }
                send_mail(subject, f"{words}\n\n{link}", settings.DEFAULT_FROM_EMAIL, [person.email])
        except OSError:
            _log.exception("mail to %s about %s", person.email, application.code)

    transaction.on_commit(send)
