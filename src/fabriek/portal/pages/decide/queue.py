"""The queue of a continuous call: what is free, what is kept for whom, what each would be answered, and deciding."""

from __future__ import annotations

from collections import Counter

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from fabriek.access import actions
from fabriek.access.continuous import QueuePage, queue_page
from fabriek.access.models import Call
from fabriek.access.queries import call_of
from fabriek.access.queue_words import queue_words
from fabriek.allocation.continuous import Verdict
from fabriek.conf.errors import Refused
from fabriek.people.permissions import may
from fabriek.portal.access import requires
from fabriek.portal.pages.decide.replies import page, person_of, see_other, show_refusal


def _call(code: str) -> Call:
    call = call_of(code)
    if call is None or not call.continuous:
        raise Http404
    return call


@requires("read applications")
def show(request: HttpRequest, code: str) -> HttpResponse:
    """The queue as it stands, and what the rule would answer now."""
    found = queue_page(_call(code))
    lines = [(row, queue_words(row.answer.reason, row.detail) if row.answer else "") for row in found.rows]
    return page(
        request,
        "queue",
        call=found.call,
        queue=found,
        others=[call for call in found.pool if call.pk != found.call.pk],
        lines=lines,
        outcomes=_outcomes(found),
        certainty=found.situation.rule.certainty,
        may_decide=may(request.user, "decide"),
    )


def _outcomes(found: QueuePage) -> dict[str, int]:
    """How many would be awarded, not awarded, and wait on, if the queue were answered now."""
    verdicts = Counter(row.verdict for row in found.rows)
    return {
        "granted": verdicts[Verdict.GRANT],
        "refused": verdicts[Verdict.REFUSE],
        "waiting": verdicts[Verdict.WAIT],
    }


@requires("decide", "GET", "POST")
def decide(request: HttpRequest, code: str) -> HttpResponse:
    """Answer what can be answered now, after asking."""
    call, back = _call(code), reverse("portal:call_queue", args=[code])
    if request.method != "POST":
        return page(request, "decide_queue", call=call, back=back, outcomes=_outcomes(queue_page(call)))
    try:
        run = actions.decide_queue(person_of(request), call)
    except Refused as refusal:
        return show_refusal(request, refusal, back)
    messages.success(
        request,
        _("%(granted)s awarded, %(refused)s not awarded, %(waiting)s wait.")
        % {"granted": len(run.granted), "refused": len(run.refused), "waiting": len(run.waiting)},
    )
    if run.left:
        messages.warning(
            request,
            _("%(number)s are left to another officer: you have an interest in them.") % {"number": len(run.left)},
        )
    return see_other(back)
