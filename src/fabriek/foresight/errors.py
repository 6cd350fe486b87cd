"""What foresight refuses."""

from __future__ import annotations

from fabriek.conf.errors import Invalid, Refused


class StudyInvalid(Invalid):
    """A study that can't be asked so; `faults` names the fields."""

    slug = "study-invalid"


class WorkloadInvalid(Invalid):
    """A workload that can't be read or made; `faults` names the fields."""

    slug = "workload-invalid"


class WorkloadInUse(Refused):
    """Studies are about this workload."""

    slug = "workload-in-use"


class StudyUnderWay(Refused):
    """It isn't in the state in which this may be done."""

    slug = "study-state"


class NotComputed(Refused):
    """The study has no figures yet."""

    slug = "study-not-computed"
