"""What a factory is in law, put on record by an operator."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.portal.access import requires
from fabriek.portal.pages.decide.declaring_forms import DayField, Declaring
from fabriek.portal.pages.decide.replies import acted, page, person_of, posted
from fabriek.register.legal import declare_statement
from fabriek.register.models import Confidence, Factory, LegalSubject


class StatementForm(Declaring):
    """On which subject, in whose words, since when, and how that is known."""

    widths = {"factory": "lg", "subject": "lg", "valid_from": "sm", "valid_until": "sm", "confidence": "lg"}
    factory = forms.ModelChoiceField(
        Factory.objects.order_by("name"),
        label=gettext_lazy("Factory"),
        to_field_name="code",
        empty_label=gettext_lazy("Choose"),
    )
    subject = forms.ChoiceField(
        label=gettext_lazy("On what"), choices=[("", gettext_lazy("Choose")), *LegalSubject.choices]
    )
    text = forms.CharField(
        label=gettext_lazy("What it is"),
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("In the words of its source."),
    )
    basis = forms.CharField(
        label=gettext_lazy("Legal basis"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("The act and its article, where there is one."),
    )
    valid_from = DayField(label=gettext_lazy("Since"), required=False, help_text=gettext_lazy("Empty: always."))
    valid_until = DayField(
        label=gettext_lazy("Until"),
        required=False,
        help_text=gettext_lazy("The first day on which it no longer holds. Empty: not known yet."),
    )
    source = forms.CharField(
        label=gettext_lazy("Source"), max_length=200, help_text=gettext_lazy("Where this can be read.")
    )
    confidence = forms.ChoiceField(
        label=gettext_lazy("How sure is it?"), choices=Confidence.choices, initial=Confidence.HIGH
    )


@requires("declare capacity", "GET", "POST")
def statement(request: HttpRequest) -> HttpResponse:
    """The address names the factory and the subject: `?factory=CODE&subject=form`."""
    asked: dict[str, Any] = {name: request.GET.get(name, "") for name in ("factory", "subject")}
    form = StatementForm(posted(request), initial=asked)

    def page_of_it(_made: object) -> tuple[str, str]:
        factory = form.cleaned_data["factory"]
        told = _("%(name)s: what it is in law is on record.") % {"name": factory.name}
        return told, f"{reverse('portal:factory', args=[factory.code])}#status"

    return acted(request, form, lambda: declare_statement(person_of(request), **form.cleaned_data), page_of_it) or page(
        request,
        "declare",
        form,
        up=reverse("portal:operations"),
        up_words=_("Operations"),
        heading=_("Say what a factory is in law"),
        lead=_(
            "What you tell of one factory goes before what the law says of every factory. Tell it again of the same "
            "subject and first day to correct it: the audit keeps what was told before."
        ),
        submit=_("Put it on record"),
    )
