"""How like a trace are synthetic workloads fitted to it? Side by side: what they hold, and how long EASY lets wait.

For each way to cut and draw blocks: several seeds, as long as the trace. Told are the trace's own figure, and of the
synthetic ones the mean and, in brackets, the least and the most. Dispersion is the variance of jobs a day over their
mean: 1 were they independent.

    python benchmarks/workload_fit.py FILE PROCESSORS [--seeds 8]
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from fabriek.simulation.jobs import Jobs
from fabriek.simulation.policy import Backfill, Machine, Policy
from fabriek.simulation.simulate import simulate
from fabriek.simulation.workloads.clock import DAY, WEEK, hourly_profile
from fabriek.simulation.workloads.reading import read_trace
from fabriek.simulation.workloads.synthetic import fitted, synthesise
from fabriek.simulation.workloads.trace import Trace

WAYS = ((1, 1000), (24, 1000), (168, 1000), (24, 4), (24, 2), (24, 1), (168, 2))
"""Hours of a block, and weeks that it may come from."""

EASY = Policy(backfill=Backfill.EASY)


def figures(trace: Trace, processors: int) -> dict[str, float]:
    jobs = trace.jobs
    schedule = simulate(jobs, Machine.of(processors), EASY)
    wait = (schedule.start - schedule.jobs.submit)[schedule.ran]
    days = np.bincount(jobs.submit // DAY)
    return {
        "jobs": len(jobs),
        "load": work(jobs) / processors / float(jobs.submit[-1] - jobs.submit[0]),
        "mean log run time": float(np.log(jobs.run).mean()),
        "mean log size": float(np.log2(jobs.processors).mean()),
        "correlation of both": float(np.corrcoef(np.log(jobs.run), np.log2(jobs.processors))[0, 1]),
        "median run over estimate": float(np.median(jobs.run / jobs.estimate)),
        "dispersion a day": float(days.var() / days.mean()),
        "mean wait, hours": float(wait.mean()) / 3600,
        "95 % wait, hours": float(np.quantile(wait, 0.95)) / 3600,
    }


def work(jobs: Jobs) -> float:
    return float((jobs.run.astype(float) * jobs.processors).sum())


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("file")
    options.add_argument("processors", type=int)
    options.add_argument("--seeds", type=int, default=8)
    asked = options.parse_args()
    trace = read_trace(asked.file)
    weeks = int((trace.jobs.submit[-1] - trace.jobs.submit[0]) // WEEK)
    own, profile = figures(trace, asked.processors), np.nan_to_num(hourly_profile(trace))
    print(f"{asked.file}: {weeks} weeks, {asked.processors} processors, {asked.seeds} seeds")
    print("trace: " + ", ".join(f"{name} {value:,.2f}" for name, value in own.items()))
    for block, near in WAYS:
        fit = fitted(trace, block_hours=block)
        made = [synthesise(fit, weeks=weeks, seed=seed, near=near) for seed in range(asked.seeds)]
        told = [figures(one, asked.processors) for one in made]
        print(f"blocks of {block} h, from {'any week' if near >= weeks else f'{near} weeks on either side'}")
        for name, value in own.items():
            found = [one[name] for one in told]
            print(f"  {name:26s} {value:12,.2f}   {np.mean(found):12,.2f}  ({min(found):,.2f} to {max(found):,.2f})")
        hours = np.nan_to_num(np.mean([hourly_profile(one) for one in made], axis=0))
        print(
            f"  {'jobs an hour, correlation':26s} {1:12,.2f}   {np.corrcoef(hours, profile)[0, 1]:12,.2f}", flush=True
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
