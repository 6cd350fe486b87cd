"""What operations refuse."""

from __future__ import annotations

from fabriek.conf.errors import Invalid, NotAllowed, NotFound, Refused


class UnknownCluster(NotFound):
    """No cluster of this name is registered."""

    slug = "unknown-cluster"


class NotThisCluster(NotAllowed):
    """The token belongs to the agent of another cluster."""

    slug = "not-this-cluster"


class ClusterRefused(Invalid):
    """Partitions that can't be the cluster's: none, at another site, or another cluster's."""

    slug = "cluster-refused"


class DriftGone(NotFound):
    """What was changed by hand is as it should be again."""

    slug = "drift-gone"


class DriftNeedsReason(Invalid):
    """Letting a change by hand be takes a reason."""

    slug = "drift-needs-reason"


class JobRefused(Refused):
    """The job can't run: beyond the budget, outside the project's period, or not for this partition."""

    slug = "job-refused"


class ScriptInvalid(Invalid):
    """The batch script can't be read."""

    slug = "script-invalid"


class BatchKeyReused(Refused):
    """A batch with this key was received before, with other records."""

    slug = "batch-key-reused"


class TransferRefused(Refused):
    """It can't be moved: no way between the two sites, or something else is under way there."""

    slug = "transfer-refused"


class TransferInvalid(Invalid):
    """The path or the sites make no sense."""

    slug = "transfer-invalid"


class TransferMoved(Refused):
    """It isn't in the state any more in which this can be done."""

    slug = "transfer-moved"
