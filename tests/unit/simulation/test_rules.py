"""Rules from a file: what it may say, and how it is refused."""

from __future__ import annotations

import pytest

from fabriek.simulation.failures import Failures, Outage
from fabriek.simulation.policy import EASY, FairShare, Held, Limit, Machine, Over, Pool
from fabriek.simulation.rules import RulesBroken, with_rules

_ALL = """
requeue = false

[partitions]
cpu = { processors = 64, nodes = 4 }
gpu = { processors = 32, nodes = 4, gpus_per_node = 4 }

[weights]
age = 5
algorithm = "classic"
shares = { physics = 2.0 }

[[limits]]
over = "qos"
name = "debug"
processors = 8
processor_minutes = 1.5

[[held]]
processors = 8
since = 0
until = 60

[[held]]
klass = "startup"
processors = 4
partition = "gpu"

[preempt]
urgent = 1

[failures]
mean_up = 1000
mean_repair = 10
shape = 0.7

[[outages]]
since = 5
until = 9
partition = "gpu"
nodes = 2
"""


def test_all_that_a_file_may_say() -> None:
    machine, policy = with_rules(_ALL, Machine.of(1, 2), EASY)
    assert machine == Machine(
        (Pool("cpu", 64, 4), Pool("gpu", 32, 4, 4)), 2, (Outage(5, 9, "gpu", nodes=2),), Failures(1000, 10, 0.7)
    )
    assert policy.weights is not None
    assert (policy.weights.age, policy.weights.algorithm) == (5.0, FairShare.CLASSIC)
    assert policy.weights.shares == {"physics": 2.0}
    assert policy.limits == (Limit(Over.QOS, "debug", processors=8, processor_minutes=1.5),)
    assert policy.held == (Held(8, None, 0, 60), Held(4, "startup", partition="gpu"))
    assert (policy.preempt, policy.requeue) == ({"urgent": 1}, False)


def test_nothing_said_changes_nothing() -> None:
    assert with_rules("", Machine.of(3), EASY) == (Machine.of(3), EASY)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[[", "it is no TOML"),
        ("priority = 1", "priority"),
        ("[weights]\nagee = 1", "weights.agee"),
        ("[weights]\nperiod = 0", "weights.period"),
        ("[weights]\ndamping = 0", "weights.damping"),
        ("[weights]\nage = inf", "weights.age"),
        ("[weights]\nage = nan", "weights.age"),
        ("[weights]\ndamping = inf", "weights.damping"),
        ("[weights]\nshares = { physics = inf }", "weights.shares.physics"),
        ('[[limits]]\nover = "node"', "limits.0.over"),
        ("[[limits]]\njobs = 1", "limits.0.over"),
        ("[[held]]\nprocessors = 0", "held.0.processors"),
        ("[partitions]\ngpu = 0", "partitions.gpu"),
        ("[partitions]\ngpu = { processors = 4 }", "partitions.gpu"),
        ('[preempt]\nurgent = "yes"', "preempt.urgent"),
        ("[failures]\nmean_up = 5", "failures.mean_repair"),
        ("[failures]\nmean_up = 5\nmean_repair = 0", "failures.mean_repair"),
        ("[failures]\nmean_up = 5\nmean_repair = 1\nshape = inf", "failures.shape"),
        ("[[outages]]\nsince = 5", "outages.0.until"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, where: str) -> None:
    with pytest.raises(RulesBroken, match=f"^{where}"):
        with_rules(text, Machine.of(3), EASY)
