"""The technical assessment: whether the work can be done on what is asked for, before peers look at it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.access.errors import WrongState
from fabriek.access.lifecycle import advance
from fabriek.access.models import Application, ReviewKind, TechnicalAssessment
from fabriek.conf.errors import Invalid
from fabriek.people.models import Person
from fabriek.people.permissions import require


@transaction.atomic
def assess_technically(
    actor: Person, application: Application, feasible: bool, remark: str, confidential_remark: str = ""
) -> TechnicalAssessment:
    """Record the verdict of the host's application support. Not feasible ends the application, with the remark as
    its answer. Errors: Invalid without a remark, WrongState, NotAllowed, ConflictOfInterest.
    """
    require(actor, "assess technically")
    if application.call.review != ReviewKind.PEER:
        raise WrongState(_("Under this call the reviews themselves are the technical assessment. Assign reviewers."))
    if not remark.strip():
        raise Invalid(
            _("The assessment is not complete."),
            faults={"remark": [_("Tell the applicant and the reviewers why, in a sentence or more.")]},
        )
    advance(
        actor,
        application,
        "find_feasible" if feasible else "find_infeasible",
        why=remark,
        answered_at=None if feasible else timezone.now(),
    )
    return TechnicalAssessment.objects.create(
        application=application,
        feasible=feasible,
        remark=remark.strip(),
        confidential_remark=confidential_remark.strip(),
        made_by=actor,
    )
