"""What a steward does: begin an entry, describe it step by step, upload, ask, retire; and their own entries."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from fabriek.catalogue import actions, queries, uploads
from fabriek.catalogue.actions.entries import working_record
from fabriek.catalogue.differences import differences
from fabriek.catalogue.errors import ChangedMeanwhile, WrongState
from fabriek.catalogue.models import Entry, EntryKind
from fabriek.catalogue.rules import PERSONAL, PROFILES, lacks, may_edit
from fabriek.catalogue.words import label_of, record_from
from fabriek.conf.errors import Invalid, NotFound, Refused
from fabriek.portal.access import SIGNED_IN, requires
from fabriek.portal.pages.catalogue.entry_forms import StepForm
from fabriek.portal.pages.catalogue.entry_steps import Step, says_something, steps_of
from fabriek.portal.pages.decide.replies import add_refusal, person_of, see_other, show_refusal
from fabriek.recipes.queries import result_of

CHECK = "check"


class BeginForm(forms.Form):
    """What it is, before anything else is asked."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What do you want to describe?"), choices=EntryKind.choices, widget=forms.RadioSelect
    )
    title = forms.CharField(
        label=gettext_lazy("Its title"), max_length=300, help_text=gettext_lazy("As you would say it to a colleague.")
    )


class ReasonForm(forms.Form):
    """Why."""

    why = forms.CharField(label=gettext_lazy("Why?"), max_length=5_000, widget=forms.Textarea(attrs={"rows": 3}))


@requires("describe entries", "GET", "POST")
def new(request: HttpRequest) -> HttpResponse:
    """Begin an entry: its kind and title, from which its address comes."""
    form = BeginForm(request.POST if request.method == "POST" else None, initial={"kind": request.GET.get("kind", "")})
    if form.is_valid():
        said = form.cleaned_data
        try:
            made = actions.begin_entry(person_of(request), said["kind"], said["title"], get_language() or "en")
        except Refused as refusal:
            add_refusal(form, refusal)
        else:
            return see_other(step_url(made, "about"))
    return render(request, "catalogue/new.html", {"form": form}, status=422 if form.errors else 200)


@requires(SIGNED_IN, "GET", "POST")
def edit(request: HttpRequest, code: str, step: str) -> HttpResponse:
    """A page of questions about an entry; the last one shows what it lacks and what will be asked to publish."""
    entry = own_entry(request, code)
    if step == CHECK:
        return _check(request, entry)
    steps = steps_of(entry.kind)
    chosen = next((one for one in steps if one.code == step), None)
    if chosen is None:
        raise Http404
    record = working_record(entry)
    form = StepForm(chosen, entry.kind, record.as_json(), request.POST if request.method == "POST" else None)
    form.initial["read"] = record.sha256()
    if form.is_valid() and _is_saved(request, entry, form):
        if "more" in request.POST:
            return see_other(step_url(entry, step) + "#more")
        following = [one.code for one in steps[steps.index(chosen) + 1 :]] or [CHECK]
        return see_other(step_url(entry, CHECK if "later" in request.POST else following[0]))
    context = {
        **_frame(entry, steps, chosen),
        "form": form,
        "step": chosen,
        "takes_files": step == "places" and entry.kind not in PERSONAL,
        "files_full": len(uploads.named_in(record)) >= uploads.MOST_FILES,
    }
    return render(request, "catalogue/step.html", context, status=422 if form.errors else 200)


def _is_saved(request: HttpRequest, entry: Entry, form: StepForm) -> bool:
    """Whether the answers are the entry's now; otherwise the form says why not."""
    said = form.applied()
    if form.errors:
        return False
    try:
        actions.edit_entry(person_of(request), entry, record_from(said), read=form.cleaned_data["read"])
    except ChangedMeanwhile as changed:
        form.add_error(None, str(changed.sentence))
        return False
    except Invalid as refusal:
        form.add_faults(refusal.faults)
        return False
    return True


def _check(request: HttpRequest, entry: Entry) -> HttpResponse:
    if request.method == "POST":
        raise Http404
    record, steps = working_record(entry), steps_of(entry.kind)
    faults = lacks(record)
    tasks = []
    for one in steps:
        lacking = [sentence for name in one.fields for sentence in faults.get(name, [])]
        state = "incomplete" if lacking else "done" if says_something(record, one.fields) else "to_do"
        tasks.append({"label": one.title, "url": step_url(entry, one.code), "state": state, "hint": " ".join(lacking)})
    changes = differences(entry.as_record(), record) if entry.proposed is not None else []
    context = {
        **_frame(entry, steps, None),
        "tasks": tasks,
        "lacks": faults,
        "changes": [(label_of(one.path), one) for one in changes],
        "may_ask": not faults and entry.asked_at is None and (not entry.published or entry.proposed is not None),
    }
    return render(request, "catalogue/check.html", context)


def _frame(entry: Entry, steps: list[Step], current: Step | None) -> dict[str, Any]:
    shown = [{"label": one.title, "url": step_url(entry, one.code)} for one in steps]
    is_profile = entry.kind in PROFILES
    end = _("Check and agree") if is_profile else _("Check and ask")
    shown.append({"label": end, "url": step_url(entry, CHECK)})
    return {
        "entry": entry,
        "is_profile": is_profile,
        "steps": shown,
        "steps_end": end,
        "current": steps.index(current) + 1 if current else len(shown),
    }


def step_url(entry: Entry, step: str) -> str:
    """The address of a step of an entry."""
    return reverse("portal:edit_entry", args=[entry.code, step])


def own_entry(request: HttpRequest, code: str) -> Entry:
    """An entry that the reader may change. Errors: NotFound."""
    entry = queries.entry_of(request.user, code)
    if not may_edit(request.user, entry):
        raise NotFound
    return entry


@requires(SIGNED_IN, "POST")
def upload(request: HttpRequest, code: str) -> HttpResponse:
    """Keep a small file with an entry."""
    entry = own_entry(request, code)
    file = request.FILES.get("file")
    back = step_url(entry, "places")
    if file is None:
        messages.error(request, _("Choose a file first."))
        return see_other(back)
    try:
        actions.upload_file(
            person_of(request), entry, file, name=str(file.name), media_type=str(file.content_type or "")
        )
    except Refused as refusal:
        return show_refusal(request, refusal, back)
    messages.success(request, _("Kept, with its SHA-256."))
    return see_other(back)


@requires(SIGNED_IN, "POST")
def ask(request: HttpRequest, code: str) -> HttpResponse:
    """Ask a curator to publish it."""
    entry = own_entry(request, code)
    try:
        actions.ask_to_publish(person_of(request), entry)
    except Refused as refusal:
        return show_refusal(request, refusal, step_url(entry, CHECK))
    messages.success(request, _("Asked. A curator looks at it and publishes it, or tells you what to mend."))
    return see_other(reverse("portal:entry", args=[code]))


@requires(SIGNED_IN, "GET", "POST")
def retire(request: HttpRequest, code: str) -> HttpResponse:
    """Take it out of what is found, with a reason."""
    entry = own_entry(request, code)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            actions.retire_entry(person_of(request), entry, form.cleaned_data["why"])
        except Refused as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("Retired. It is found no more."))
            return see_other(reverse("portal:my_entries"))
    context = {"entry": entry, "form": form}
    return render(request, "catalogue/retire.html", context, status=422 if form.errors else 200)


@requires("describe entries")
def mine(request: HttpRequest) -> HttpResponse:
    """What one describes oneself."""
    found = queries.entries_of(request.user, request.GET.get("sort", ""))
    page = Paginator(found, 25).get_page(request.GET.get("page"))
    return render(request, "catalogue/mine.html", {"page": page})


@requires("describe entries", "POST")
def from_result(request: HttpRequest, uuid: str) -> HttpResponse:
    """A draft about what a job made; where there is one already, that one."""
    person = person_of(request)
    try:
        made = actions.draft_from_result(person, result_of(person, str(uuid)))
    except WrongState as refusal:
        if code := refusal.extra.get("code"):
            return see_other(reverse("portal:entry", args=[code]))
        return show_refusal(request, refusal, reverse("portal:result", args=[uuid]))
    except NotFound:
        raise
    except Refused as refusal:
        return show_refusal(request, refusal, reverse("portal:result", args=[uuid]))
    messages.success(request, _("Drafted, with what the job reported. Say what it is for, and ask to publish it."))
    return see_other(step_url(made, "about"))
