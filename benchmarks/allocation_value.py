"""How much more does the optimiser award than rank order, and how long does it take?

On the demonstration's own call (real demand) and on random problems of 100 and 1,000 applications. Peers: rank order
(what panels do by hand), and HiGHS on the plain formulation, without floors first, exact booking or a certificate.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time

from fabriek.allocation import highs
from fabriek.allocation.formulation import formulate
from fabriek.allocation.generate import random_problem
from fabriek.allocation.greedy import by_rank
from fabriek.allocation.problem import Problem, canonical, load_problem
from fabriek.allocation.solve import solve
from fabriek.allocation.verify import verify


def plain(problem: Problem, seconds: float) -> tuple[float, float]:
    """Value and seconds of the value-only model given to HiGHS as it stands, floors as hard rows."""
    formulation = formulate(canonical(problem))
    began = time.perf_counter()
    none_lacks = dict.fromkeys(formulation.demand, 0.0)
    answer = highs.solve(formulation, allowed_shortfall=none_lacks, relaxed=False, gap=1e-4, seconds=seconds)
    return answer.value, time.perf_counter() - began


def demo_problem() -> Problem:
    """The problem that the demonstration decides."""
    os.environ["FABRIEK_FOLDER"] = tempfile.mkdtemp(prefix="fabriek-bench-")
    os.environ["DJANGO_SETTINGS_MODULE"] = "fabriek.conf.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from fabriek.access.models import Decision
    from fabriek.demo.main_job import steps

    for step in steps()[:6]:
        step.run(lambda: None)
    return load_problem(Decision.objects.get().problem.encode())


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    problems = {
        "demo call": demo_problem(),
        "100 random, no promises": random_problem(7, 100, promises=False),
        "1000 random, no promises": random_problem(7, 1000, promises=False),
        "1000 random, promises": random_problem(7, 1000),
    }
    print(f"{'problem':<26}{'rank order':>14}{'plain HiGHS':>14}{'fabriek':>14}{'/rank':>8}{'/plain':>8}  gap, seconds")
    for name, problem in problems.items():
        ranked = by_rank(problem).value
        plain_value, plain_seconds = plain(problem, seconds)
        began = time.perf_counter()
        plan = solve(problem, gap=1e-4, seconds=seconds)
        took = time.perf_counter() - began
        faults = verify(problem, plan)
        print(
            f"{name:<26}{ranked:>14,.0f}{plain_value:>14,.0f}{plan.value:>14,.0f}{plan.value / ranked:>8.3f}"
            f"{plan.value / plain_value if plain_value else 0:>8.3f}  gap {plan.gap:.4%}, {took:.1f} s "
            f"(plain {plain_seconds:.1f} s), {'verified' if not faults else faults[0]}"
        )


if __name__ == "__main__":
    main()
