"""Fair-share factors worked out by hand, and the priorities that come of them."""

from __future__ import annotations

import numpy as np
import pytest

from fabriek.simulation.fairshare import classic, fair_tree, tree_of
from fabriek.simulation.jobs import jobs_of
from fabriek.simulation.policy import FairShare, Machine, Policy, Weights
from fabriek.simulation.simulate import simulate

# root: physics (3 shares: ada, bob), life (1 share: cy). Leaves 0, 1, 2.
_TWO = tree_of([-1, 0, 0, 1, 1, 2], [1, 3, 1, 1, 1, 1], [-1, -1, -1, 0, 1, 2])


def factors(algorithm: str, tree: object, usage: list[float]) -> list[float]:
    factor = np.zeros(len(usage))
    if algorithm == "classic":
        classic(tree, np.array(usage), 1.0, factor)
    else:
        fair_tree(tree, np.array(usage), factor)
    return factor.tolist()


def test_nobody_used_anything() -> None:
    assert factors("classic", _TWO, [0, 0, 0]) == [1, 1, 1]
    assert factors("tree", _TWO, [0, 0, 0]) == [1, 1, 1]


def test_classic() -> None:
    # Use 40, 20, 40 of 100. Physics 0.6 on 0.75; ada 0.4 + (0.6 - 0.4) / 2 = 0.5 on 0.375, bob 0.2 + 0.4 / 2 = 0.4; cy
    # alone in life: 0.4 on 0.25.
    expected = [2 ** -(0.5 / 0.375), 2 ** -(0.4 / 0.375), 2 ** -(0.4 / 0.25)]
    assert factors("classic", _TWO, [40, 20, 40]) == pytest.approx(expected)


def test_fair_tree_ranks_accounts_before_users() -> None:
    # Physics 0.75 / 0.6 is above life 0.25 / 0.4: all of physics goes first, bob with less use before ada.
    assert factors("tree", _TWO, [40, 20, 40]) == pytest.approx([2 / 3, 1, 1 / 3])
    # Life used less than its share: cy goes first, whatever physics' users have.
    assert factors("tree", _TWO, [0, 90, 10]) == pytest.approx([2 / 3, 1 / 3, 1])


def test_fair_tree_goes_down_the_tree() -> None:
    # root: a (b: 0, c: 1), d: 2. Shares equal. a used 30, d 40: a first, and in it c, which used less than b.
    tree = tree_of([-1, 0, 0, 1, 1, 3, 4, 2], [1] * 8, [-1, -1, -1, -1, -1, 0, 1, 2])
    assert factors("tree", tree, [20, 10, 40]) == pytest.approx([2 / 3, 1, 1 / 3])


def test_users_that_are_level_have_the_same_rank() -> None:
    assert factors("tree", _TWO, [30, 30, 10]) == pytest.approx([2 / 3, 2 / 3, 1])


def test_accounts_that_are_level_but_for_rounding_are_level() -> None:
    # Accounts of one, two and two shares used 13, 17 and 17 of 47: of the latter two, users are ranked together. Of
    # what a third is of the 17, 6 is as much as 9 is of what a half is.
    tree = tree_of([-1, 0, 0, 0, 1, 1, 2, 2, 3, 3, 3], [1, 1, 2, 2, *[1] * 7], [-1] * 4 + list(range(7)))
    found = factors("tree", tree, [6, 7, 8, 9, 11, 0, 6])
    assert [round(7 * one) for one in found] == [2, 1, 6, 5, 3, 7, 5]


def test_priorities_that_are_equal_but_for_rounding_are_equal() -> None:
    # Ada and bob, of x, used 1 each, and cy, of y, 3: ada's effective use is 0.3 on 0.25, cy's 0.6 on 0.5. In floating
    # point ada's factor is the less by one bit. She came first.
    jobs = jobs_of(
        [0, 0, 0, 1, 2],
        [1, 1, 3, 1, 1],
        [1, 1, 1, 3, 3],
        user=[0, 1, 2, 0, 2],
        account=[0, 0, 1, 0, 1],
        users=("ada", "bob", "cy"),
        accounts=("x", "y"),
    )
    weights = Weights(age=0.0, fair_share=1.0, half_life=0, period=1, algorithm=FairShare.CLASSIC)
    assert simulate(jobs, Machine.of(3), Policy(weights=weights)).start.tolist() == [0, 0, 0, 3, 4]


@pytest.mark.parametrize("algorithm", FairShare)
def test_who_used_less_is_served_first(algorithm: FairShare) -> None:
    # Bob runs first; when the machine comes free at 100, ada's job goes before his second, though it came later.
    jobs = jobs_of(
        [0, 1, 2], [100, 10, 10], [4, 4, 4], user=[1, 1, 0], account=[0, 0, 0], users=("ada", "bob"), accounts=("x",)
    )
    weights = Weights(age=1.0, fair_share=1000.0, period=10, algorithm=algorithm)
    assert simulate(jobs, Machine.of(4), Policy(weights=weights)).start.tolist() == [0, 110, 100]


def test_use_fades_by_half_lives() -> None:
    # Ada used 400 long ago, bob 200 a moment ago: with a short memory ada goes first, with a long one bob.
    jobs = jobs_of(
        [0, 1000, 1001, 1002],
        [100, 50, 10, 10],
        [4, 4, 4, 4],
        user=[0, 1, 1, 0],
        users=("ada", "bob"),
    )

    def order(half_life: int) -> list[int]:
        weights = Weights(age=0.0, period=10, half_life=half_life)
        return simulate(jobs, Machine.of(4), Policy(weights=weights)).start.tolist()

    assert order(100) == [0, 1000, 1060, 1050]
    assert order(0) == [0, 1000, 1050, 1060]


def test_accounts_below_accounts() -> None:
    # Optics is below physics, which has a fourth; life has the rest. Both used the same: life goes first.
    jobs = jobs_of(
        [0, 0, 10, 11],
        [100, 100, 10, 10],
        [2, 2, 4, 4],
        user=[0, 1, 0, 1],
        users=("ada", "cy"),
        account=[0, 1, 0, 1],
        accounts=("optics", "life"),
    )
    weights = Weights(age=0.0, period=10, shares={"physics": 1.0, "life": 3.0}, parents={"optics": "physics"})
    assert simulate(jobs, Machine.of(4), Policy(weights=weights)).start.tolist() == [0, 0, 110, 100]
    circle = Weights(parents={"optics": "physics", "physics": "optics"})
    with pytest.raises(ValueError, match="below itself"):
        simulate(jobs, Machine.of(4), Policy(weights=circle))
