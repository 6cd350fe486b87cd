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

from fabriek.access.actions import decline_review, submit_review
from fabriek.access.models import ApplicationState, Review
from fabriek.access.queries import review_desk, review_of
from fabriek.access.rules import working_days_left
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

    def __init__(self, *arguments: Any, review: Review, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.criteria = review.application.call.criteria
        for criterion in self.criteria:
            self.fields[criterion["code"]] = forms.TypedChoiceField(
                label=criterion["name"],
                help_text=_("0 is insufficient, %(most)s is excellent") % {"most": criterion["scale"]},
                choices=[(n, n) for n in range(int(criterion["scale"]) + 1)],
                coerce=int,
                widget=forms.RadioSelect,
            )

    def points(self) -> list[Any]:
        """The criteria's fields, for the page."""
        return [self[criterion["code"]] for criterion in self.criteria]


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
    return render(request, "apply/reviews.html", {"rows": rows})


def _review(request: HttpRequest, number: int) -> Review:
    person: Any = request.user
    review = review_of(person, number)
    if review is None or review.state == "declined":
        raise Http404
    return review


@requires("review", "GET", "POST")
def show(request: HttpRequest, number: int) -> HttpResponse:
    """Read the application, give points."""
    review = _review(request, number)
    initial = {**review.scores, "remark": review.remark, "confidential_remark": review.confidential_remark}
    form = ReviewForm(request.POST or None, review=review, initial=initial)
    if request.method == "POST" and form.is_valid():
        person: Any = request.user
        answers = form.cleaned_data
        scores = {criterion["code"]: answers[criterion["code"]] for criterion in form.criteria}
        try:
            submit_review(person, review, scores, answers["remark"], answers["confidential_remark"])
        except Invalid as fault:
            for field, sentences in fault.faults.items():
                form.add_error(field if field in form.fields else None, sentences)
        except Refused as refusal:
            messages.error(request, str(refusal.sentence))
            return redirect("portal:reviews")
        else:
            messages.success(request, _("Your review was handed in. You can change it until the score is settled."))
            return redirect("portal:reviews")
    context = {
        "review": review,
        "application": review.application,
        "call": review.application.call,
        "form": form,
        "open": review.application.state == ApplicationState.IN_REVIEW,
    }
    return render(request, "apply/review.html", context, status=422 if form.errors else 200)


@requires("review", "POST")
def decline(request: HttpRequest, number: int) -> HttpResponse:
    """Decline for a conflict of interest."""
    person: Any = request.user
    try:
        decline_review(person, _review(request, number), request.POST.get("why", ""))
        messages.success(request, _("Declined. The officer finds somebody else."))
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
        return redirect("portal:review", number)
    return redirect("portal:reviews")
