"""What access refuses."""

from __future__ import annotations

from fabriek.conf.errors import Invalid, NotAllowed, Refused


class CallClosed(Refused):
    """The call is not open, or its deadline has passed."""

    slug = "call-closed"


class OutsideLimits(Invalid):
    """A request over, or under, what the call allows."""

    slug = "outside-limits"


class Incomplete(Invalid):
    """An application that lacks what it needs to be submitted; `faults` names the fields."""

    slug = "incomplete"


class OldVersion(Refused):
    """Somebody saved a newer version meanwhile. `extra`: version, the newest."""

    slug = "old-version"


class WrongState(Refused):
    """The life cycle has no such step from where the application is. `extra`: state, step."""

    slug = "wrong-state"


class ConflictOfInterest(NotAllowed):
    """A person may not review or decide on this application. `extra`: application."""

    slug = "conflict-of-interest"


class ReviewsMissing(Refused):
    """Reviews have still to be done."""

    slug = "reviews-missing"


class NothingToDecide(Refused):
    """No application is ready."""

    slug = "nothing-to-decide"


class DecisionStale(Refused):
    """What was decided on has changed since: propose again."""

    slug = "decision-stale"


class NotEnoughReviewers(Refused):
    """An application can't get enough reviewers without a conflict of interest."""

    slug = "not-enough-reviewers"


class RepliesPending(Refused):
    """Applicants may still reply to their reviews. `extra`: applications."""

    slug = "replies-pending"


class TooLate(Refused):
    """The days within which this could be done have gone by."""

    slug = "too-late"


class ChangedMeanwhile(Refused):
    """What was worked out no longer holds when it was to be written; nothing was. Do it again."""

    slug = "changed-meanwhile"


class NotAssessed(Refused):
    """Peers review an application only once it was found technically sound. `extra`: application."""

    slug = "not-assessed"


class NotReal(Refused):
    """A what-if supposes what is not so: it can be studied, not decided on. `extra`: changes, the untrue ones."""

    slug = "not-real"


class NotSignedOff(Refused):
    """A proposal that still waits for initials. `extra`: step, role."""

    slug = "not-signed-off"


class NotYourTurn(NotAllowed):
    """Initials that somebody else has to give. `extra`: step, role."""

    slug = "not-your-turn"


class NotSolved(Refused):
    """A scenario that has no answer (yet)."""

    slug = "not-solved"


class NothingToExplain(Refused):
    """There is nothing that solving again could tell."""

    slug = "nothing-to-explain"
