"""The addresses of these pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from fabriek.portal.pages.decide import (
    applications,
    assessments,
    audit,
    calls,
    decisions,
    objections,
    operations,
    people,
    programmes,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("decisions/", decisions.index, name="decisions"),
    path("decisions/propose/", decisions.propose, name="propose_decision"),
    path("decisions/<slug:code>/", decisions.room, name="decision"),
    path("decisions/<slug:code>/publish/", decisions.publish, name="publish_decision"),
    path("decisions/<slug:code>/discard/", decisions.discard, name="discard_decision"),
    path("decisions/<slug:code>/problem.json", decisions.problem, name="decision_problem"),
    path("decisions/<slug:code>/plan.json", decisions.plan, name="decision_plan"),
    path("desk/calls/new/", calls.new, name="open_call"),
    path("desk/calls/<slug:code>/close/", calls.close, name="close_call"),
    path("desk/calls/<slug:code>/applications/", applications.index, name="call_applications"),
    path("desk/calls/<slug:code>/applications/check/", applications.check_all, name="check_applications"),
    path("desk/calls/<slug:code>/applications/assign/", applications.assign, name="assign_reviewers"),
    path("desk/calls/<slug:code>/applications/settle/", applications.settle_all, name="settle_scores"),
    path("desk/applications/<slug:code>/", applications.judge, name="judge_application"),
    path("desk/applications/<slug:code>/eligibility/", applications.eligibility, name="check_application"),
    path("desk/applications/<slug:code>/score/", applications.score, name="settle_score"),
    path("desk/applications/<slug:code>/reviewer/", applications.replace_reviewer, name="replace_reviewer"),
    path("desk/assessments/", assessments.index, name="assessments"),
    path("desk/assessments/<slug:code>/", assessments.assess, name="assessment"),
    path("desk/objections/", objections.index, name="objections"),
    path("desk/objections/<int:number>/", objections.answer, name="answer_objection"),
    path("programmes/", programmes.index, name="programmes"),
    path("programmes/shares/", programmes.establish, name="establish_shares"),
    path("programmes/reallocate/", programmes.reallocate, name="reallocate"),
    path("operations/", operations.index, name="operations"),
    path("operations/capacity/", operations.declare, name="declare_capacity"),
    path("operations/maintenance/", operations.plan_maintenance, name="plan_maintenance"),
    path("operations/maintenance/<int:number>/cancel/", operations.cancel_maintenance, name="cancel_maintenance"),
    path("operations/usage/", operations.batches, name="usage_batches"),
    path("operations/jobs/", operations.jobs, name="waiting_jobs"),
    path("people/", people.index, name="people"),
    path("people/<int:number>/", people.person, name="person"),
    path("people/<int:number>/roles/", people.give, name="give_role"),
    path("people/<int:number>/roles/<slug:role>/withdraw/", people.withdraw, name="withdraw_role"),
    path("audit/", audit.index, name="audit"),
    path("audit/ledger/", audit.ledger, name="ledger_check"),
]
