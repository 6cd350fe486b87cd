"""The questions of who asks, answers, hands over and closes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fabriek.portal.pages.decide.declaring_forms import Declaring
from fabriek.register.models import Factory
from fabriek.support.models import Ticket, TicketState
from fabriek.support.rules import LONGEST, LONGEST_SUBJECT


def _factory(label: Any, **more: Any) -> forms.ModelChoiceField:
    return forms.ModelChoiceField(
        **{
            "label": label,
            "queryset": Factory.objects.order_by("name"),
            "to_field_name": "code",
            "empty_label": _("Choose"),
            **more,
        }
    )


def _text(label: Any, rows: int = 6, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=LONGEST, widget=forms.Textarea(attrs={"rows": rows}), **more)


class AskForm(Declaring):
    """A question, and where it was asked from."""

    widths = {"factory": "lg"}
    factory = _factory(_("Which factory's experts?"))
    subject = forms.CharField(
        label=_("What is it about?"), max_length=LONGEST_SUBJECT, help_text=_("In a line, as in a mail.")
    )
    text = _text(_("Your question"), help_text=_("What you want to do, what you tried, and what you saw."))
    carries = forms.BooleanField(label=_("Tell them the page that you come from"), required=False, initial=True)

    def __init__(self, page: str, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        if page:
            self.fields["carries"].help_text = page
        else:
            del self.fields["carries"]


class AnswerForm(Declaring):
    """What is said on a question."""

    text = _text(_("Your answer"))


class HandOverForm(Declaring):
    """To whom, and why."""

    widths = {"factory": "lg"}
    factory = _factory(_("To which factory's experts?"))
    why = _text(_("Why?"), rows=3, help_text=_("Who asked and the experts there read it."))

    def __init__(self, ticket: Ticket, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["factory"].queryset = Factory.objects.exclude(pk=ticket.factory_id).order_by("name")  # type: ignore[attr-defined]


class CloseForm(Declaring):
    """A last word."""

    why = _text(_("A last word"), rows=3, required=False, help_text=_("Stands in the thread."))


class ReopenForm(Declaring):
    """What is still to be answered."""

    why = _text(_("What is still to be answered?"), rows=3)


class AddressForm(Declaring):
    """Where a factory's experts are mailed."""

    email = forms.EmailField(
        label=_("Mail address"),
        required=False,
        help_text=_("Of a team rather than of a person. Empty: nobody is mailed."),
    )


class DeskFilter(forms.Form):
    """Which questions the desk shows."""

    state = forms.ChoiceField(label=_("State"), required=False, choices=[*TicketState.choices, ("all", _("All"))])
    factory = _factory(_("Factory"), required=False, empty_label=_("All"))
