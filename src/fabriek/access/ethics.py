"""The ethics self-assessment: its questions, what was answered, and what still has to be."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.access.models import Application

QUESTIONS = (
    ("personal-data", gettext_lazy("Do you use personal data?")),
    (
        "high-risk",
        gettext_lazy("Is your system one of high risk under the AI Act (Regulation (EU) 2024/1689, Annex III)?"),
    ),
    ("dual-use", gettext_lazy("Could your results be used for military ends?")),
    ("copyright", gettext_lazy("Do you use material that is protected by copyright?")),
)
"""Code and question, in the order in which they are asked."""

ANSWERS = (("no", gettext_lazy("No")), ("yes", gettext_lazy("Yes")))


def unanswered(application: Application) -> list[tuple[str, Any]]:
    """The questions that have neither a yes nor a no: no answer is not a no."""
    given = dict(ANSWERS)
    return [(code, question) for code, question in QUESTIONS if application.ethics.get(code) not in given]


def answers_of(application: Application) -> list[tuple[Any, Any]]:
    """The questions with their answers in words; one that was not answered says so."""
    words = dict(ANSWERS)
    return [(question, words.get(application.ethics.get(code, ""), _("not answered"))) for code, question in QUESTIONS]
