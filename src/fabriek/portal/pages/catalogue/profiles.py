"""Profiles on pages: one's own and what one agrees to, letters and looks, and what others may do with a profile."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from fabriek.catalogue import actions, profiles, queries
from fabriek.catalogue.actions import letters as writing_letters
from fabriek.catalogue.actions import looks as noting_looks
from fabriek.catalogue.consents import purposes_of
from fabriek.catalogue.errors import RecordInvalid
from fabriek.catalogue.models import Entry, EntryState
from fabriek.catalogue.rules import PROFILES, lacks
from fabriek.catalogue.search import terms
from fabriek.catalogue.words import label_of
from fabriek.conf.errors import NotFound, Refused
from fabriek.portal.access import EVERYBODY, SIGNED_IN, requires
from fabriek.portal.components.numbers import IntegerField
from fabriek.portal.components.plots import Column, bars
from fabriek.portal.pages.catalogue.browsing import PER_PAGE, TOLD
from fabriek.portal.pages.catalogue.writing import step_url
from fabriek.portal.pages.decide.declaring_forms import Declaring
from fabriek.portal.pages.decide.replies import acted, page, person_of, posted, see_other, show_refusal


class BeginForm(forms.Form):
    """Of whom or what."""

    kind = forms.ChoiceField(choices=[(kind, kind) for kind in sorted(PROFILES)])
    title = forms.CharField(max_length=300, required=False)
    project = forms.CharField(max_length=60, required=False)


class AgreeForm(forms.Form):
    """What the owner agrees to. Nothing is ticked that they didn't tick: silence is no consent."""

    purposes = forms.MultipleChoiceField(
        label=gettext_lazy("What do you agree to?"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, kind: str, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        asked = purposes_of(kind)
        self.fields["purposes"].choices = [(one.value, one.label) for one in asked]  # type: ignore[attr-defined]


class LetterForm(Declaring):
    """A letter."""

    text = forms.CharField(
        label=gettext_lazy("Your letter"),
        max_length=writing_letters.LONGEST,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=gettext_lazy("Who you are, what you do, and what you would like."),
    )


class HideForm(Declaring):
    """Why."""

    why = forms.CharField(
        label=gettext_lazy("Why?"),
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Its owner reads it."),
    )


class VenturesForm(forms.Form):
    """What an investor looks for."""

    sector = forms.ChoiceField(label=gettext_lazy("Sector"), required=False)
    least = IntegerField(label=gettext_lazy("Seeks at least"), required=False, min_value=0, max_value=10**15)
    most = IntegerField(label=gettext_lazy("Seeks at most"), required=False, min_value=0, max_value=10**15)


@requires(SIGNED_IN, "GET", "POST")
def mine(request: HttpRequest) -> HttpResponse:
    """What one publishes of oneself, one's teams and ventures; begin another."""
    person = person_of(request)
    form = BeginForm(posted(request))
    if form.is_valid():
        said = form.cleaned_data
        try:
            made = actions.begin_profile(
                person, said["kind"], said["title"], get_language() or "en", project=said["project"]
            )
        except Refused as refusal:
            return show_refusal(request, refusal, reverse("portal:my_profiles"))
        return see_other(step_url(made, "about"))
    found = list(profiles.profiles_of(person))
    context = {
        "profiles": found,
        "has_expert": any(one.kind == "expert" for one in found),
        "projects": profiles.projects_without_a_venture(person),
        "form": form,
    }
    return render(request, "catalogue/profiles.html", context, status=422 if form.errors else 200)


@requires(SIGNED_IN)
def my_data(request: HttpRequest) -> HttpResponse:
    """All that the catalogue keeps of its reader, as a file."""
    return JsonResponse(
        profiles.my_data(person_of(request)),
        json_dumps_params={"indent": 2, "ensure_ascii": False},
        headers={"Content-Disposition": 'attachment; filename="my-catalogue.json"'},
    )


@requires(SIGNED_IN, "GET", "POST")
def show(request: HttpRequest, code: str) -> HttpResponse:
    """One's profile: whether it is shown, what was agreed to, who looked and wrote; agree to more or less."""
    person = person_of(request)
    entry = profiles.profile_of(person, code)
    asked = profiles.agreements(entry, get_language() or "en")
    stands = [one.purpose for one in asked if one.stands]
    form = AgreeForm(entry.kind, posted(request), initial={"purposes": stands})
    if form.is_valid():
        try:
            made = actions.agree(person, entry, form.cleaned_data["purposes"])
        except RecordInvalid as refusal:
            for path, sentences in refusal.faults.items():
                form.add_error("purposes", sentences if path == "purposes" else f"{label_of(path)}: {sentences[0]}")
        except Refused as refusal:
            return show_refusal(request, refusal, reverse("portal:profile", args=[code]))
        else:
            messages.success(request, _shown(made))
            return see_other(reverse("portal:profile", args=[code]))
    context = {
        "entry": entry,
        "form": form,
        "agreements": asked,
        "hints": {one.purpose.value: one.text for one in asked},
        "asks_again": [one for one in asked if one.asks_again],
        "lacks": [(label_of(path), sentences) for path, sentences in lacks(entry.as_record()).items()],
        "letters": entry.letters.count(),
        "looks": profiles.named_looks(entry).count() if entry.kind == "venture" else None,
        "edit_url": step_url(entry, "about"),
    }
    return render(request, "catalogue/profile.html", context, status=422 if form.errors else 200)


def _shown(entry: Entry) -> str:
    if entry.state == EntryState.PUBLISHED:
        return _("Saved. Your profile is shown, for what you agreed to.")
    return _("Saved. Your profile is not shown.")


@requires(SIGNED_IN)
def letters(request: HttpRequest, code: str) -> HttpResponse:
    """What was written to the owner of a profile."""
    entry = profiles.profile_of(person_of(request), code)
    shown = Paginator(profiles.letters_to(entry), PER_PAGE).get_page(request.GET.get("page"))
    context = {"entry": entry, "page": shown, "kept": writing_letters.KEPT.days}
    return render(request, "catalogue/letters.html", context)


@requires(SIGNED_IN)
def looks(request: HttpRequest, code: str) -> HttpResponse:
    """Who looked at a venture, by week and by name."""
    entry = profiles.profile_of(person_of(request), code)
    if entry.kind != "venture":
        raise NotFound
    weeks = profiles.looks_by_week(entry)
    who = {"named": _("Signed in"), "others": _("Not signed in")}
    plot = bars(
        _("Looks by week"),
        [Column("week", _("Week from"), "date"), Column("who", _("Who")), Column("looks", _("Looks"), "number")],
        [
            {"week": week.monday, "who": label, "looks": getattr(week, name)}
            for week in weeks
            for name, label in who.items()
        ],
        x="week",
        y="looks",
        series="who",
    )
    context = {
        "entry": entry,
        "page": Paginator(profiles.named_looks(entry), PER_PAGE).get_page(request.GET.get("page")),
        "named": sum(week.named for week in weeks),
        "others": sum(week.others for week in weeks),
        "plot": plot,
        "kept": noting_looks.KEPT.days,
    }
    return render(request, "catalogue/looks.html", context)


@requires(SIGNED_IN, "GET", "POST")
def erase(request: HttpRequest, code: str) -> HttpResponse:
    """Erase a profile, once asked whether."""
    person = person_of(request)
    entry = profiles.profile_of(person, code)
    if request.method == "POST":
        actions.erase_profile(person, entry)
        messages.success(request, _("Erased."))
        return see_other(reverse("portal:my_profiles"))
    return render(request, "catalogue/erase_profile.html", {"entry": entry})


@requires(SIGNED_IN, "GET", "POST")
def write(request: HttpRequest, code: str) -> HttpResponse:
    """Write to the owner of a profile."""
    person = person_of(request)
    entry = queries.entry_of(person, code)
    if not writing_letters.may_be_written_to(entry):
        raise NotFound
    form = LetterForm(posted(request))
    back = reverse("portal:entry", args=[code])
    return acted(
        request,
        form,
        lambda: actions.write_to(person, entry, form.cleaned_data["text"]),
        lambda _sent: (_("Sent."), back),
    ) or page(
        request,
        "declare",
        form,
        up=back,
        up_words=entry.title,
        heading=_("Write to %(name)s") % {"name": entry.title},
        lead=_(
            "They get your letter by mail, with your name and your address %(email)s, so that they can answer. You "
            "don't get theirs. Letters are kept here for %(days)s days."
        )
        % {"email": person.email, "days": writing_letters.KEPT.days},
        submit=_("Send"),
    )


@requires(SIGNED_IN, "POST")
def look(request: HttpRequest, code: str) -> HttpResponse:
    """Go on to a venture, having been told that it sees who looks."""
    entry = queries.entry_of(request.user, code)
    actions.look(person_of(request), entry)
    request.session[TOLD] = True
    return see_other(reverse("portal:entry", args=[code]))


@requires("curate the catalogue", "GET", "POST")
def hide(request: HttpRequest, code: str) -> HttpResponse:
    """Take a profile out of what is shown, with a reason."""
    entry = queries.entry_of(request.user, code)
    if entry.kind not in PROFILES:
        raise NotFound
    form = HideForm(posted(request))
    return acted(
        request,
        form,
        lambda: actions.hide_profile(person_of(request), entry, form.cleaned_data["why"]),
        lambda _hidden: (_("Hidden. Its owner is told why."), reverse("portal:curate")),
    ) or page(
        request,
        "declare",
        form,
        up=reverse("portal:entry", args=[code]),
        up_words=entry.title,
        heading=_("Hide this profile?"),
        lead=_("It is shown nowhere any more, until a curator lifts this. Only its owner can change or erase it."),
        submit=_("Hide"),
        tone="danger",
    )


@requires("curate the catalogue", "POST")
def lift(request: HttpRequest, code: str) -> HttpResponse:
    """Hide it no longer."""
    try:
        made = actions.lift_profile(person_of(request), queries.entry_of(request.user, code))
    except Refused as refusal:
        return show_refusal(request, refusal, reverse("portal:curate"))
    shown = made.state == EntryState.PUBLISHED
    messages.success(request, _("It is shown again.") if shown else _("Lifted. Its owner doesn't show it now."))
    return see_other(reverse("portal:curate"))


@requires(EVERYBODY)
def ventures(request: HttpRequest) -> HttpResponse:
    """Ventures by sector and by what they seek."""
    form = VenturesForm(request.GET)
    sector = request.GET.get("sector", "")[:200].replace("\x00", "")
    valid_amounts = form.is_valid() or not {"least", "most"} & form.errors.keys()
    said = form.cleaned_data if valid_amounts else {}
    found = profiles.ventures(sector, said.get("least"), said.get("most"), request.GET.get("sort", ""))
    language = get_language() or "en"
    named = {code: terms.label_of("sector", code, language) for code, _count in found.sectors}
    chosen = {sector: named.get(sector, sector)} if sector else {}
    choices = [(code, f"{named[code]} ({count})") for code, count in found.sectors]
    form.fields["sector"].choices = [  # type: ignore[attr-defined]
        ("", _("All")),
        *choices,
        *((code, label) for code, label in chosen.items() if code not in named),
    ]
    form.errors.pop("sector", None)
    shown = Paginator(found.rows, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "catalogue/ventures.html", {"form": form, "page": shown})
