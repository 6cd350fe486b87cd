"""The verbs of access, by subject."""

from fabriek.access.actions.applications import (
    check_all,
    check_eligibility,
    save_draft,
    start_application,
    submit_application,
    withdraw_application,
)
from fabriek.access.actions.assessments import assess_technically
from fabriek.access.actions.attachments import add_attachment, remove_attachment
from fabriek.access.actions.calls import close_call, is_open, open_call
from fabriek.access.actions.continuous import QueueRun, decide_queue, decide_queues
from fabriek.access.actions.decisions import choose_scenario, discard_decision, propose_decision, publish_decision
from fabriek.access.actions.explaining import (
    Explainer,
    answer_here,
    ask_prices,
    ask_why,
    resume_inquiries,
)
from fabriek.access.actions.objections import answer_objection, make_objection
from fabriek.access.actions.replies import reply_to_reviews
from fabriek.access.actions.reviews import (
    assign_reviewers,
    decline_review,
    replace_reviewer,
    save_review,
    settle_all,
    settle_consensus,
    submit_review,
)
from fabriek.access.actions.rolling import grant_change, offer_again, would_be_granted
from fabriek.access.actions.scenarios import ask_again, ask_scenario, cancel_scenario
from fabriek.access.actions.signing_off import initial_decision, send_back_decision
from fabriek.access.actions.tasks import Done, do_with_all, give_up, resume, work_once

__all__ = [
    "Done",
    "Explainer",
    "QueueRun",
    "add_attachment",
    "answer_here",
    "answer_objection",
    "ask_again",
    "ask_prices",
    "ask_scenario",
    "ask_why",
    "assess_technically",
    "assign_reviewers",
    "cancel_scenario",
    "check_all",
    "check_eligibility",
    "choose_scenario",
    "close_call",
    "decide_queue",
    "decide_queues",
    "decline_review",
    "discard_decision",
    "do_with_all",
    "give_up",
    "grant_change",
    "initial_decision",
    "is_open",
    "make_objection",
    "offer_again",
    "open_call",
    "propose_decision",
    "publish_decision",
    "remove_attachment",
    "replace_reviewer",
    "reply_to_reviews",
    "resume",
    "resume_inquiries",
    "save_draft",
    "save_review",
    "send_back_decision",
    "settle_all",
    "settle_consensus",
    "start_application",
    "submit_application",
    "submit_review",
    "withdraw_application",
    "work_once",
    "would_be_granted",
]
