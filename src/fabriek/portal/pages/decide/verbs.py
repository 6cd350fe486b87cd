"""Audit verbs in words: what an action's name means to who reads the record."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

VERBS: dict[str, Any] = {
    "access.open_call": _("Call opened"),
    "access.close_call": _("Call closed"),
    "access.start_application": _("Application begun"),
    "access.submit": _("Application submitted"),
    "access.withdraw": _("Application withdrawn"),
    "access.find_eligible": _("Found eligible"),
    "access.find_ineligible": _("Found not eligible"),
    "access.find_feasible": _("Found technically sound"),
    "access.find_infeasible": _("Found not feasible"),
    "access.send_to_review": _("Sent to reviewers"),
    "access.submit_review": _("Review handed in"),
    "access.decline_review": _("Review declined"),
    "access.replace_reviewer": _("Another reviewer asked"),
    "access.calibrate_score": _("Score calibrated between strict and lenient reviewers"),
    "access.settle_score": _("Score settled"),
    "access.propose_decision": _("Decision proposed"),
    "access.publish_decision": _("Decision published"),
    "access.discard_decision": _("Proposal discarded"),
    "access.award": _("Application awarded"),
    "access.decide_queue": _("Queue answered"),
    "access.offer_again": _("Hours offered again"),
    "access.grant_change": _("Change of an award granted"),
    "access.reject": _("Application not awarded"),
    "access.make_objection": _("Objection made"),
    "access.answer_objection": _("Objection answered"),
    "access.reopen": _("Application reopened"),
    "operations.register_cluster": _("Cluster registered"),
    "operations.submit_job": _("Job submitted"),
    "operations.cancel_job": _("Job cancelled"),
    "operations.job_ended": _("Job ended"),
    "operations.book_usage": _("Usage booked"),
    "people.register_person": _("Person registered"),
    "people.update_profile": _("Profile changed"),
    "people.register_organisation": _("Organisation registered"),
    "people.join_organisation": _("Joined an organisation"),
    "people.give_role": _("Role given"),
    "people.withdraw_role": _("Role withdrawn"),
    "people.create_token": _("Token made"),
    "people.connect_identity": _("Identity connected"),
    "people.disconnect_identity": _("Identity disconnected"),
    "people.revoke_token": _("Token revoked"),
    "programmes.establish_programme": _("Programme established"),
    "programmes.make_promise": _("Promise made"),
    "programmes.declare_capacity": _("Capacity declared"),
    "programmes.establish_shares": _("Shares established"),
    "programmes.reallocate": _("Hours moved between programmes"),
    "projects.open_project": _("Project opened"),
    "projects.award": _("Hours awarded"),
    "projects.settle": _("Hours settled"),
    "projects.warn_unused": _("Warned of unused hours"),
    "projects.claim_return": _("Unused hours claimed"),
    "projects.cancel_return": _("Return not needed any more"),
    "projects.give_back": _("Hours given back"),
    "projects.ask_change": _("Change of an award asked"),
    "projects.refuse_change": _("Change of an award refused"),
    "projects.add_member": _("Member added"),
    "projects.remove_member": _("Member removed"),
    "register.declare_factory": _("Factory declared"),
    "register.declare_site": _("Site declared"),
    "register.declare_system": _("System declared"),
    "register.declare_partition": _("Partition declared"),
    "register.declare_availability": _("Availability declared"),
    "register.change_stage": _("Stage changed"),
    "register.plan_maintenance": _("Maintenance planned"),
    "register.cancel_maintenance": _("Maintenance cancelled"),
}


def words_of(verb: str) -> str:
    """The verb in words; one that is not listed, as its own name with spaces."""
    known = VERBS.get(verb)
    return str(known) if known else verb.partition(".")[2].replace("_", " ").capitalize() or verb
