"""Initials under a proposal; the sign-off route of a programme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.access import actions
from fabriek.access.models import Decision
from fabriek.access.signing_off import Turn, next_turn, refuse_out_of_turn, turns, versions
from fabriek.conf.errors import Refused
from fabriek.people.models import Person, Role
from fabriek.people.permissions import PERMISSIONS
from fabriek.portal.access import requires
from fabriek.portal.pages.decide.replies import acted, csv_file, page, person_of, posted
from fabriek.programmes.actions import set_sign_off
from fabriek.programmes.models import Programme
from fabriek.programmes.rules import LONGEST_ROUTE


class RemarkForm(forms.Form):
    """What stands in the minutes with somebody's initials."""

    remark = forms.CharField(
        label=gettext_lazy("Remark"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("Stands in the minutes. Whoever sends it back says why."),
    )


@requires("initial decisions", "GET", "POST")
def initial(request: HttpRequest, code: str) -> HttpResponse:
    """Give the initials whose turn it is, with a remark or without."""
    return _signed(request, code, actions.initial_decision, _("Your initials are given."))


@requires("initial decisions", "GET", "POST")
def send_back(request: HttpRequest, code: str) -> HttpResponse:
    """Don't agree: the proposal is put aside, with why."""
    return _signed(
        request,
        code,
        actions.send_back_decision,
        _("Sent back. Another proposal can be made; this one stays on record."),
    )


def _signed(
    request: HttpRequest, code: str, verb: Callable[[Person, Decision, str], Decision], done: str
) -> HttpResponse:
    found = Decision.objects.filter(code=code).prefetch_related("calls", "initials__person").first()
    if found is None:
        raise Http404
    form = RemarkForm(posted(request))
    back = reverse("portal:decision", args=[code])
    return acted(
        request,
        form,
        lambda: verb(person_of(request), found, form.cleaned_data["remark"]),
        lambda _made: (done, back),
    ) or page(
        request, "initial", form, decision=found, turn=next_turn(found), obstacle=obstacle(request, found), up=back
    )


def obstacle(request: HttpRequest, decision: Decision) -> str:
    """Why the reader can't give the next initials, interests aside; empty: they can."""
    turn = next_turn(decision)
    if turn is None:
        return _("This proposal waits for nobody's initials.")
    try:
        refuse_out_of_turn(person_of(request), decision, turn)
    except Refused as refusal:
        return str(refusal.sentence)
    return ""


def minutes(request: HttpRequest, decision: Decision) -> dict[str, Any]:
    """What the decision's page tells of its route: who, when, with which remark; whose turn it is; the versions."""
    route, turn = turns(decision), next_turn(decision)
    made = versions(decision)
    return {
        "route": route,
        "turn": turn,
        "given": sum(1 for one in route if one.initial and one.initial.agrees),
        "my_turn": not obstacle(request, decision),
        "version": next((number for number, one in enumerate(made, 1) if one.pk == decision.pk), None),
        "versions": made if len(made) > 1 else [],
    }


def minutes_csv(decision: Decision) -> HttpResponse:
    """The minutes as a file: proposal, initials and publication, with times in UTC."""
    rows = [("proposed", "", decision.proposed_by.name, decision.proposed_at.isoformat(), "")]
    rows += [_minute(turn) for turn in turns(decision)]
    if decision.published_by and decision.published_at:
        rows.append(("published", "", decision.published_by.name, decision.published_at.isoformat(), ""))
    return csv_file(f"{decision.code}-minutes", ["what", "step", "person", "when", "remark"], rows)


def _minute(turn: Turn) -> tuple[str, str, str, str, str]:
    if turn.initial is None:
        return "waits", turn.title, "", "", ""
    what = "initials" if turn.initial.agrees else "sent back"
    return what, turn.title, turn.initial.person.name, turn.initial.given_at.isoformat(), turn.initial.remark


# The route of a programme


class SignOffForm(forms.Form):
    """The steps of a route, as many as it has and room for two more, and why it changes. Empty ones are left out."""

    why = forms.CharField(label=gettext_lazy("Why"), max_length=1000, help_text=gettext_lazy("Stays on record."))

    def __init__(self, data: Any, route: list[dict[str, str]]) -> None:
        super().__init__(data)
        roles = [("", "–"), *((role, Role(role).label) for role in sorted(PERMISSIONS["initial decisions"]))]
        self.rows = min(len(route) + 2, LONGEST_ROUTE)
        for number in range(self.rows):
            step = route[number] if number < len(route) else {"title": "", "role": ""}
            self.fields[f"title_{number}"] = forms.CharField(
                label=_("Desk or function"), max_length=80, required=False, initial=step["title"]
            )
            self.fields[f"role_{number}"] = forms.ChoiceField(
                label=_("Role"), choices=roles, required=False, initial=step["role"]
            )
        self.order_fields([name for name in self.fields if name != "why"])

    def steps(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """The questions of each step."""
        return [(self[f"title_{number}"], self[f"role_{number}"]) for number in range(self.rows)]

    def clean(self) -> dict[str, Any]:
        """A step has both or neither."""
        said = super().clean() or {}
        for number in range(self.rows):
            title, role = said.get(f"title_{number}"), said.get(f"role_{number}")
            if bool(title) != bool(role):
                self.add_error(f"role_{number}" if title else f"title_{number}", _("Fill in both, or neither."))
        return said

    def route(self) -> list[dict[str, str]]:
        """The steps that were filled in."""
        said = [(self.cleaned_data[f"title_{n}"], self.cleaned_data[f"role_{n}"]) for n in range(self.rows)]
        return [{"title": title, "role": role} for title, role in said if title]


@requires("set sign-off", "GET", "POST")
def route(request: HttpRequest, code: str) -> HttpResponse:
    """Who gives initials, in turn, to a proposal of this programme's hours before it is published."""
    found = Programme.objects.filter(code=code).first()
    if found is None:
        raise Http404
    form = SignOffForm(posted(request), found.sign_off)
    up = reverse("portal:programmes")
    return acted(
        request,
        form,
        lambda: set_sign_off(person_of(request), found, form.route(), form.cleaned_data["why"]),
        lambda _made: (_("From the next proposal on, the route is this."), up),
        {"steps": "title_0"},
    ) or page(request, "sign_off", form, programme=found, up=up)
