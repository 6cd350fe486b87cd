"""What projects refuse."""

from __future__ import annotations

from fabriek.conf.errors import NotAllowed, Refused


class NotAMember(NotAllowed):
    """Only members of a project may use it."""

    slug = "not-a-member"


class ProjectEnded(Refused):
    """The project's period is over."""

    slug = "project-ended"


class ReportTooEarly(Refused):
    """A final report comes at the end."""

    slug = "report-too-early"


class LeadStays(Refused):
    """A project keeps its lead."""

    slug = "lead-stays"
