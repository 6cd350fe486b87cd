"""Against HiGHS on the direct mixed-integer formulation: same problem, same seconds; and how both grow with its size.

    python benchmarks/allocation_scale.py [SECONDS] [SIZE ...] [--plot FILE.svg]

Problems of `large_problem` (log-normal all-or-nothing requests, three times the capacity, two floors), by size:
applications x partitions x 12 months. Each runs in a process of its own, so that its memory is its own. Rank order
stands beside, with what it lacks of the floors.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

SIZES = {100: 10, 1_000: 20, 10_000: 40, 50_000: 60, 100_000: 80}


def direct(size: int, seconds: float) -> dict[str, float]:
    """HiGHS with the floors as hard rows, all its time on one question. HiGHS has one thread here as in the project;
    its tree search gains little from a second."""
    from fabriek.allocation import highs
    from fabriek.allocation.formulation import formulate
    from fabriek.allocation.generate import large_problem
    from fabriek.allocation.problem import canonical

    formulation = formulate(canonical(large_problem(1, size, SIZES[size])))
    began = time.perf_counter()
    none_lacks = dict.fromkeys(formulation.demand, 0.0)
    answer = highs.solve(formulation, allowed_shortfall=none_lacks, relaxed=False, gap=1e-6, seconds=seconds)
    took = time.perf_counter() - began
    gap = (answer.bound - answer.value) / answer.value if answer.feasible else float("inf")
    return {"value": answer.value if answer.feasible else 0.0, "gap": gap, "seconds": took, "lacks": 0.0}


def fabriek(size: int, seconds: float) -> dict[str, float]:
    from fabriek.allocation.generate import large_problem
    from fabriek.allocation.solve import solve
    from fabriek.allocation.verify import verify

    problem = large_problem(1, size, SIZES[size])
    began = time.perf_counter()
    plan = solve(problem, seconds=seconds)
    took = time.perf_counter() - began
    faults = verify(problem, plan)
    assert not faults, faults[0]
    lacks = sum(promise.shortfall for promise in plan.promises)
    return {"value": plan.value, "gap": plan.gap, "seconds": took, "lacks": lacks}


def rank_order(size: int, _seconds: float) -> dict[str, float]:
    from fabriek.allocation.generate import large_problem
    from fabriek.allocation.greedy import by_rank

    began = time.perf_counter()
    plan = by_rank(large_problem(1, size, SIZES[size]))
    lacks = sum(promise.shortfall for promise in plan.promises)
    return {"value": plan.value, "gap": plan.gap, "seconds": time.perf_counter() - began, "lacks": lacks}


WAYS = {"direct": direct, "fabriek": fabriek, "rank order": rank_order}


def measured(way: str, size: int, seconds: float) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", way, str(size), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def known_size(word: str) -> int:
    if not word.isdecimal() or int(word) not in SIZES:
        raise argparse.ArgumentTypeError(f"give one of {', '.join(map(str, SIZES))}")
    return int(word)


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        way, size, seconds = sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
        figures = WAYS[way](size, seconds)
        figures["MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(figures))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("seconds", type=float, nargs="?", default=60.0)
    parser.add_argument("sizes", type=known_size, nargs="*", metavar="SIZE")
    parser.add_argument("--plot", metavar="FILE.svg", help="draw how time and gap grow")
    asked = parser.parse_args()
    seconds, sizes = asked.seconds, asked.sizes or list(SIZES)
    taken: dict[str, list[tuple[int, dict[str, float]]]] = {way: [] for way in WAYS}
    print(f"{seconds:g} seconds each")
    columns = f"{'value':>16}{'/ direct':>9}{'gap':>9}{'/ direct':>9}{'lacks':>12}{'s':>7}{'MiB':>7}"
    print(f"{'applications':>12} {'':<11}{columns}")
    for size in sizes:
        rows = {way: measured(way, size, seconds) for way in WAYS}
        peer = rows["direct"]
        for way, row in rows.items():
            taken[way].append((size, row))
            value = row["value"] / peer["value"] if peer["value"] else float("inf")
            gap = row["gap"] / peer["gap"] if peer["gap"] > 1e-6 else float("nan")
            print(
                f"{size:>12,} {way:<11}{row['value']:>16,.0f}{value:>9.4f}{row['gap']:>9.3%}{gap:>9.2f}"
                f"{row['lacks']:>12,.0f}{row['seconds']:>7.1f}{row['MiB']:>7.0f}",
                flush=True,
            )
    if asked.plot:
        draw(taken, seconds, asked.plot)


def draw(taken: dict[str, list[tuple[int, dict[str, float]]]], seconds: float, file: str) -> None:
    """Two plots side by side: seconds and gap by number of applications."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.rcParams.update({"svg.hashsalt": "fabriek", "font.family": "sans-serif"})
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    styles = {"direct": ("#b04a00", "s--", "HiGHS, direct formulation"), "fabriek": ("#0b5d8a", "o-", "Fabriek")}
    for way, (colour, style, label) in styles.items():
        sizes = [size for size, _row in taken[way]]
        left.plot(sizes, [max(0.01, row["seconds"]) for _size, row in taken[way]], style, color=colour, label=label)
        gaps = [(size, 100 * row["gap"]) for size, row in taken[way] if 0 < row["gap"] < float("inf")]
        right.plot(*zip(*gaps, strict=True), style, color=colour, label=label)
    for axes, title in ((left, f"Seconds ({seconds:g} allowed)"), (right, "Gap between plan and bound, %")):
        axes.set(xscale="log", xlabel="Applications", title=title)
        axes.set_yscale("log" if axes is left else "linear")
        axes.grid(alpha=0.3)
    right.legend(frameon=False)
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    main()
