"""Verbs of events: the only place that writes them, who comes, and what they are told.

What participants do is on record by their registration's number and not by their name, so that the record forgets them
when the registration is erased.
"""

from fabriek.events.actions.feeds import renew_feed
from fabriek.events.actions.forgetting import forget_participants
from fabriek.events.actions.planning import cancel_event, change_event, discard_event, draft_event, publish_event
from fabriek.events.actions.registering import mark_attendance, register, withdraw
from fabriek.events.actions.telling import mail_notices, note_reminders

__all__ = [
    "cancel_event",
    "change_event",
    "discard_event",
    "draft_event",
    "forget_participants",
    "mail_notices",
    "mark_attendance",
    "note_reminders",
    "publish_event",
    "register",
    "renew_feed",
    "withdraw",
]
