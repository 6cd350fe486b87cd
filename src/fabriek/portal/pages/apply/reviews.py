"""The review desk: what is to be reviewed, and one review beside its application."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.access.actions import decline_review, save_review, submit_review
from fabriek.access.models import ApplicationState, Review, ReviewState
from fabriek.access.queries import review_desk, review_of
from fabriek.access.rules import as_written, working_days_left
from fabriek.access.words import criterion_name
from fabriek.conf.errors import Invalid, Refused
from fabriek.portal.access import requires


class ReviewForm(forms.Form):
    """Points for each criterion of the call, and remarks."""

    remark = forms.CharField(
        label=gettext_lazy("To the applicant"),
        help_text=gettext_lazy("They read this once it is decided."),
        widget=forms.Textarea(attrs={"rows": 5}),
        max_length=20_000,
    )
    confidential_remark = forms.CharField(
        label=gettext_lazy("To the officers only"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=20_000,
    )

    def __init__(self, *arguments: Any, review: Review, is_draft: bool = False, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.criteria = review.application.call.criteria
        if review.application.call.reply_working_days:
            self.fields["remark"].help_text = _("They read this before it is decided, and may reply to it.")
        for criterion in self.criteria:
            self.fields[criterion["code"]] = forms.TypedChoiceField(
                label=criterion_name(criterion),
                help_text=_("0 is insufficient, %(most)s is excellent") % {"most": criterion["scale"]},
                choices=[(n, n) for n in range(int(criterion["scale"]) + 1)],
                coerce=int,
                widget=forms.RadioSelect,
            )

        # A draft may leave anything out.
        for field in self.fields.values() if is_draft else ():
            field.required = False
        # As on the page, also in the list of what is wrong.
        self.order_fields([*(criterion["code"] for criterion in self.criteria), "remark", "confidential_remark"])

    def scores(self) -> dict[str, int]:
        """The points that were given."""
        given = {criterion["code"]: self.cleaned_data[criterion["code"]] for criterion in self.criteria}
        return {code: points for code, points in given.items() if points != ""}

    def points(self) -> list[Any]:
        """The criteria's fields, for the page."""
        return [self[criterion["code"]] for criterion in self.criteria]


class DeclineForm(forms.Form):
    """Why one can't judge."""

    why = forms.CharField(
        label=gettext_lazy("Which interest?"),
        max_length=300,
        error_messages={"required": gettext_lazy("Say which interest you have.")},
    )


@requires("review")
def index(request: HttpRequest) -> HttpResponse:
    """One's reviews."""
    person: Any = request.user
    now = timezone.now()
    rows = []
    for review in review_desk(person, request.GET.get("sort", "")):
        due = review.application.answer_due
        left = working_days_left(now, due, review.application.call.factory.country) if due else None
        rows.append((review, left))
    todo = sum(
        review.state == ReviewState.ASSIGNED and review.application.state == ApplicationState.IN_REVIEW
        for review, _left in rows
    )
    return render(request, "apply/reviews.html", {"rows": rows, "todo": todo})


def _review(request: HttpRequest, number: int) -> Review:
    person: Any = request.user
    review = review_of(person, number)
    if review is None or review.state == "declined":
        raise Http404
    return review


@requires("review", "GET", "POST")
def show(request: HttpRequest, number: int) -> HttpResponse:
    """Read the application, give points."""
    return _page(request, _review(request, number))


def _page(request: HttpRequest, review: Review, decline_form: DeclineForm | None = None) -> HttpResponse:
    is_review = request.method == "POST" and decline_form is None
    written = as_written(review)
    initial = {**written["scores"], "remark": written["remark"], "confidential_remark": written["confidential_remark"]}
    form = ReviewForm(request.POST if is_review else None, review=review, initial=initial)
    if is_review and form.is_valid():
        person: Any = request.user
        answers = form.cleaned_data
        try:
            submit_review(person, review, form.scores(), answers["remark"], answers["confidential_remark"])
        except Invalid as fault:
            for field, sentences in fault.faults.items():
                form.add_error(field if field in form.fields else None, sentences)
        except Refused as refusal:
            # Whatever was written stays on the page: somebody may want to copy it.
            form.add_error(None, str(refusal.sentence))
        else:
            messages.success(request, _("Your review was handed in. You can change it until the score is settled."))
            return redirect("portal:reviews")
    application, call = review.application, review.application.call
    due = application.answer_due
    names = {criterion["code"]: criterion_name(criterion) for criterion in call.criteria}
    context = {
        "review": review,
        "application": application,
        "call": call,
        "form": form,
        "decline_form": decline_form or DeclineForm(),
        "open": application.state == ApplicationState.IN_REVIEW or bool(form.errors),
        "days_left": working_days_left(timezone.now(), due, call.factory.country) if due else None,
        "points": [(names.get(code, code), points) for code, points in review.scores.items()],
    }
    is_faulty = bool(form.errors or (decline_form and decline_form.errors))
    return render(request, "apply/review.html", context, status=422 if is_faulty else 200)


@requires("review", "POST")
def save(request: HttpRequest, number: int) -> HttpResponse:
    """What the page saves by itself, as far as it goes. The answer carries the new version for the next time."""
    person: Any = request.user
    review = _review(request, number)
    form = ReviewForm(request.POST, review=review, is_draft=True)
    seen = request.POST.get("version", "")
    version = int(seen) if seen.isdecimal() and len(seen) < 10 else review.version
    if not form.is_valid():
        first = next(iter(form.errors.values()))[0]
        return render(request, "apply/version.html", {"version": version, "sentence": first}, status=422)
    said = form.cleaned_data
    try:
        saved = save_review(
            person,
            review,
            version,
            scores=form.scores(),
            remark=said["remark"],
            confidential_remark=said["confidential_remark"],
        )
    except Refused as refusal:
        return render(request, "apply/version.html", {"version": version, "sentence": refusal.sentence}, status=409)
    return render(request, "apply/version.html", {"version": saved.version})


@requires("review", "POST")
def decline(request: HttpRequest, number: int) -> HttpResponse:
    """Decline for a conflict of interest."""
    person: Any = request.user
    review = _review(request, number)
    form = DeclineForm(request.POST)
    if form.is_valid():
        try:
            decline_review(person, review, form.cleaned_data["why"])
        except Refused as refusal:
            form.add_error("why", str(refusal.sentence))
    if form.errors:
        return _page(request, review, form)
    messages.success(request, _("Declined. The officer finds somebody else."))
    return redirect("portal:reviews")
