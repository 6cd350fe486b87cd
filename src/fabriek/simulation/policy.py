"""What a simulation is asked: the machine, and the policy by which jobs are started on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from annotated_types import Ge, Gt

from fabriek.simulation.failures import Count, Failures, Outage, Seconds
from fabriek.simulation.sites import Routing

Weight = Annotated[float, Ge(0)]
# For pydantic, where rules come from a file: what isn't known, or is no finite number, is refused.
_STRICT = {"extra": "forbid", "allow_inf_nan": False}


class Backfill(StrEnum):
    """Who may overtake: nobody; whoever doesn't delay the first in the queue; whoever delays nobody before them."""

    NONE = "none"
    EASY = "easy"
    CONSERVATIVE = "conservative"


class FairShare(StrEnum):
    """Slurm's two algorithms: 2^(-usage / share / damping), and the rank in the fair tree."""

    CLASSIC = "classic"
    TREE = "tree"


@dataclass(frozen=True, slots=True)
class Weights:
    """Slurm's multifactor priority: the sum of factors between 0 and 1, each times its weight (PriorityWeight…).

    Worked out every `period` seconds from the first job's submission on (PriorityCalcPeriod), and by the last working
    out for a job that is submitted in between; its age is then below 0 until the next. Equal priorities, and such as
    differ by no more than their rounding: who was submitted earlier, then the order of the file. Names that a mapping
    lacks have factor 0; shares, 1.
    """

    __pydantic_config__ = _STRICT

    age: Weight = 1_000.0
    fair_share: Weight = 10_000.0
    size: Weight = 0.0
    partition: Weight = 0.0
    qos: Weight = 0.0
    most_age: Seconds = 7 * 86_400
    """Seconds after which a job's age counts in full (PriorityMaxAge)."""
    half_life: Annotated[int, Ge(0)] = 7 * 86_400
    """Seconds in which what was used comes to count half (PriorityDecayHalfLife); 0: it never fades."""
    period: Seconds = 300
    algorithm: FairShare = FairShare.TREE
    damping: Annotated[float, Gt(0)] = 1.0
    small_first: bool = False
    """The size factor is 1 less the job's part of the machine, instead of that part (PriorityFavorSmall)."""
    shares: Mapping[str, Weight] = field(default_factory=dict)
    """Raw shares of accounts."""
    user_shares: Mapping[str, Weight] = field(default_factory=dict)
    """Raw shares of users, the same within each of their accounts."""
    parents: Mapping[str, str] = field(default_factory=dict)
    """Account to the account that it is below; others are at the top. Parents may be accounts without jobs."""
    partition_factors: Mapping[str, Weight] = field(default_factory=dict)
    qos_factors: Mapping[str, Weight] = field(default_factory=dict)


class Over(StrEnum):
    """What a limit is for: all jobs of one name together."""

    USER = "user"
    ACCOUNT = "account"
    KLASS = "klass"
    QOS = "qos"


@dataclass(frozen=True, slots=True)
class Limit:
    """What jobs of one name may have at once or in all. None: no limit.

    A job that would break one waits, and holds up nobody. `name` "" holds each name of its kind to the limit by itself
    (MaxJobsPerUser); a name, that one (GrpTRES of an account or QOS).
    """

    __pydantic_config__ = _STRICT

    over: Over
    name: str = ""
    processors: Count | None = None
    """At once (GrpTRES)."""
    jobs: Count | None = None
    """At once (MaxJobs, GrpJobs)."""
    processor_minutes: Weight | None = None
    """In all (GrpTRESMins). Running jobs count with their estimates, ended ones with what they used."""


@dataclass(frozen=True, slots=True)
class Held:
    """Processors that only one class may use, from an instant until another: a guaranteed floor where it is for ever,
    an advance reservation where it isn't. `klass` None: nobody may use them, as in maintenance.

    What a class runs counts towards its own floor first. A job starts only if it leaves alone what is held until the
    end of its estimate.

    Of a partition with nodes, certain nodes are held, as many as have so many processors: from `first_node` on; without
    it, for a class the first that no other class has at that time, for nobody the last of the partition.
    """

    __pydantic_config__ = _STRICT

    processors: Count
    klass: str | None = None
    since: int | None = None
    until: int | None = None
    partition: str = ""
    first_node: Annotated[int, Ge(0)] | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    """Processors that serve the jobs of one partition: any of them any job, or, where there are `nodes`, in equal parts
    on each of these, with so many GPUs each.

    On nodes, a job that fits on one gets the fullest on which it fits; a larger one gets whole nodes.
    """

    name: str
    processors: int
    nodes: int = 0
    gpus_per_node: int = 0

    @property
    def node_cores(self) -> int:
        """Processors of each node."""
        return self.processors // self.nodes


@dataclass(frozen=True, slots=True)
class Machine:
    """Pools that jobs run in. One pool serves all jobs, whatever their partition; of several, each those of its name,
    or, with `routing`, those that are sent there.

    With `cores_per_node` > 1 processors come in whole nodes: a job has its processors divided by it, rounded up, and
    pools count nodes. `outages` and `failures` nobody expects: when they come, jobs are stopped.
    """

    pools: tuple[Pool, ...]
    cores_per_node: int = 1
    outages: tuple[Outage, ...] = ()
    failures: Failures | None = None
    routing: Routing | None = None

    @property
    def placed(self) -> bool:
        """Whether jobs are put on nodes."""
        return any(pool.nodes for pool in self.pools)

    @classmethod
    def of(cls, nodes: int, cores_per_node: int = 1) -> Machine:
        """One pool."""
        return cls((Pool("", nodes),), cores_per_node)


@dataclass(frozen=True, slots=True)
class Policy:
    """By which rules jobs are started. Without `weights` the queue is in the order of submission."""

    backfill: Backfill = Backfill.EASY
    weights: Weights | None = None
    limits: tuple[Limit, ...] = ()
    held: tuple[Held, ...] = ()
    preempt: Mapping[str, int] = field(default_factory=dict)
    """QOS to its tier (others: 0): the first in the queue stops running jobs of lower tiers, the latest started first,
    where that makes room at once; who isn't in the way after all runs on. They wait again in their old place, and start
    from nought."""
    kill_at_limit: bool = False
    requeue: bool = True
    """Who runs on a node that fails waits again, in its old place and from nought; else it's lost (JobRequeue)."""


FCFS = Policy(Backfill.NONE)
EASY = Policy(Backfill.EASY)
CONSERVATIVE = Policy(Backfill.CONSERVATIVE)
MULTIFACTOR = Policy(Backfill.EASY, Weights())
BY_NAME = {"fcfs": FCFS, "easy": EASY, "conservative": CONSERVATIVE, "multifactor": MULTIFACTOR}
