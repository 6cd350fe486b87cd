"""How fast is the simulator, beside AccaSim and beside EASY in plain Python, on the same jobs in the same run?

    python benchmarks/simulate_speed.py [TRACE] [--jobs 10000] [--processors 8192] [--accasim FOLDER] [--plot FILE]

TRACE: SWF, by default RICC-2010-2 beside the repository. The first so many jobs that ran go through all three: EASY,
and FCFS for AccaSim, whose starts must be the simulator's job for job; so must plain Python's under EASY (else it ends
with 1). Then 1,000,000 jobs, the trace repeated, under each policy, and EASY on nodes of eight cores, each in a process
of its own, for its peak of memory. Times are of processors, one core, after compiling. --plot: instead, how time grows
with jobs, with the length of the queue (a smaller machine) and with nodes, as a table and a plot. FOLDER: where AccaSim
1.1.3 was installed (`pip install --target FOLDER accasim==1.1.3`); without it that part is left out, and says so.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import numpy as np
from peers.plain_easy import plain_easy

from fabriek.simulation.jobs import Jobs, held_to_estimates, jobs_of
from fabriek.simulation.policy import BY_NAME, Machine, Pool
from fabriek.simulation.simulate import Schedule, simulate
from fabriek.simulation.workloads.reading import read_trace

RICC = Path(__file__).parents[2] / "shared" / "data" / "traces" / "RICC-2010-2.swf.gz"
MANY = 1_000_000
NODES, CORES = "nodes", 8


def machine_of(processors: int, policy: str) -> Machine:
    """Any processor serves any job, or, for the policy `nodes`, those of nodes of eight cores."""
    return Machine((Pool("", processors, processors // CORES),)) if policy == NODES else Machine.of(processors)


def timed(jobs: Jobs, processors: int, policy: str) -> tuple[float, Schedule]:
    """Seconds of processor time, after a run that compiles."""
    machine, chosen = machine_of(processors, policy), BY_NAME["easy" if policy == NODES else policy]
    simulate(jobs.taken(np.arange(min(len(jobs), 200))), machine, chosen)
    begun = time.process_time()
    schedule = simulate(jobs, machine, chosen)
    return time.process_time() - begun, schedule


def repeated(jobs: Jobs, count: int) -> Jobs:
    """So many jobs: the trace again and again, each time after its last submission."""
    place = np.arange(count) % len(jobs)
    later = np.arange(count) // len(jobs) * int(jobs.submit[-1] - jobs.submit[0] + 1)
    return jobs_of(
        jobs.submit[place] + later,
        jobs.run[place],
        jobs.processors[place],
        estimate=jobs.estimate[place],
        user=jobs.user[place],
        account=jobs.account[place],
        users=jobs.users,
        accounts=jobs.accounts,
    )


def accasim(libraries: Path, jobs: Jobs, processors: int, policy: str) -> tuple[float, np.ndarray]:
    """AccaSim's seconds, and its starts."""
    with tempfile.TemporaryDirectory(prefix="fabriek-bench-") as folder:
        file = Path(folder) / "cut.swf"
        columns = zip(jobs.number, jobs.submit, jobs.run, jobs.processors, jobs.estimate, strict=True)
        file.write_text(
            "".join(f"{n} {s} -1 {r} {p} -1 -1 {p} {e} -1 1 1 1 1 1 1 -1 -1\n" for n, s, r, p, e in columns)
        )
        script = Path(__file__).parent / "peers" / "accasim_run.py"
        printed = subprocess.run(
            [sys.executable, str(script), str(file), str(processors), policy, folder],
            check=True,
            capture_output=True,
            text=True,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(libraries)},
        )
        starts = {}
        for line in (Path(folder) / "sched-cut.swf").read_text().splitlines():
            head, _nodes, times = line.split("__")
            started = datetime.fromisoformat(times.split(";")[0] + "+00:00")
            starts[int(head.split(";")[0])] = int(started.timestamp())
    return float(printed.stdout.split()[-1]), np.array([starts[int(number)] for number in jobs.number])


def side_by_side(jobs: Jobs, processors: int, libraries: Path | None) -> bool:
    """Print the ratios; whether all agree that must."""
    print(f"{len(jobs):,} jobs on {processors:,} processors")
    seconds, mine = timed(jobs, processors, "easy")
    print(f"  simulator, EASY     {len(jobs) / seconds:>12,.0f} jobs/s   mean wait {wait(jobs, mine.start):,.0f} s")
    begun = time.process_time()
    held = held_to_estimates(jobs)
    plain = plain_easy(held.submit, held.run, held.estimate, held.processors, processors)
    took = time.process_time() - begun
    same = plain == mine.start.tolist()
    print(f"  plain Python, EASY  {len(jobs) / took:>12,.0f} jobs/s   {took / seconds:,.0f} x slower, same: {same}")
    if libraries is None:
        print("  AccaSim: left out, no --accasim FOLDER")
        return same
    took, theirs = accasim(libraries, held, processors, "easy")
    print(
        f"  AccaSim, its EASY   {len(jobs) / took:>12,.0f} jobs/s   {took / seconds:,.0f} x slower, "
        f"mean wait {wait(jobs, theirs):,.0f} s"
    )
    seconds, mine = timed(held, processors, "fcfs")
    took, theirs = accasim(libraries, held, processors, "fcfs")
    equal = bool((mine.start == theirs).all())
    print(f"  AccaSim, FCFS       {len(jobs) / took:>12,.0f} jobs/s   {took / seconds:,.0f} x slower, same: {equal}")
    return same and equal


def wait(jobs: Jobs, starts: np.ndarray) -> float:
    """Mean, in seconds."""
    return float((starts - jobs.submit).mean())


def longest_queue(schedule: Schedule) -> int:
    """Jobs that waited at once, at most."""
    instants = np.concatenate((schedule.jobs.submit, schedule.start))
    steps = np.repeat((1, -1), len(schedule.jobs))
    return int(np.cumsum(steps[np.lexsort((-steps, instants))]).max())


Points = list[tuple[int, float]]
"""How much of something, and seconds a job."""


def growth(jobs: Jobs, processors: int) -> dict[str, Points]:
    """Under EASY: by jobs, by the longest queue, by nodes."""
    found: dict[str, Points] = {"jobs": [], "longest queue": [], "nodes": []}
    for count in (10_000, 30_000, 100_000, 300_000, 1_000_000):
        found["jobs"].append((count, timed(repeated(jobs, count), processors, "easy")[0] / count))
    some = repeated(jobs, 100_000)
    for part in (1.0, 0.8, 0.7, 0.6, 0.5):
        seconds, schedule = timed(some, int(processors * part), "easy")
        found["longest queue"].append((longest_queue(schedule), seconds / len(schedule.jobs)))
    for times in (1, 2, 4, 8):
        # The same load on a larger machine: every job many times over.
        more = repeated(jobs, 20_000)
        more = more.taken(np.repeat(np.arange(len(more)), times))
        found["nodes"].append((processors * times // CORES, timed(more, processors * times, NODES)[0] / len(more)))
    return found


def plot(found: dict[str, Points], file: Path) -> None:
    """A plot for each, from 0, with a mark for each measurement."""
    import matplotlib

    matplotlib.use("svg")
    # Letters stay letters, and the same figures make the same file.
    matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "fabriek"}
    from matplotlib import pyplot

    figure, plots = pyplot.subplots(1, len(found), figsize=(12, 3.5))
    for one, (name, points) in zip(plots, found.items(), strict=True):
        amounts, micros = [x for x, _y in points], [y * 1e6 for _x, y in points]
        one.plot(amounts, micros, marker="o")
        one.set_xscale("log")
        one.set_xticks(amounts, [f"{x:,}" for x in amounts], rotation=45, ha="right")
        one.minorticks_off()
        one.set_ylim(0, 1.2 * max(micros))
        one.set_xlabel(name)
        one.set_ylabel("microseconds a job")
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trace", type=Path, nargs="?", default=RICC)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=MANY)
    parser.add_argument("--processors", type=int, default=8_192)
    parser.add_argument("--accasim", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only:
        jobs = repeated(read_trace(asked.trace).jobs, asked.many)
        seconds, schedule = timed(jobs, asked.processors, asked.only)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": seconds, "peak": peak, "wait": wait(schedule.jobs, schedule.start)}))
        return
    read = read_trace(asked.trace).jobs
    if asked.plot:
        found = growth(read, asked.processors)
        for name, points in found.items():
            for amount, seconds in points:
                print(f"  {name:<14} {amount:>10,} {seconds * 1e6:8.2f} microseconds a job")
        plot(found, asked.plot)
        return
    fitting = read.taken(read.processors <= asked.processors)
    agree = side_by_side(fitting.taken(np.arange(min(len(fitting), asked.jobs))), asked.processors, asked.accasim)
    print(f"{asked.many:,} jobs, the trace repeated")
    for policy in ("fcfs", "easy", "multifactor", NODES):
        command = [sys.executable, *sys.argv, "--only", policy]
        printed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print("  {:<12} {seconds:6.2f} s, peak {peak:,.0f} MiB, mean wait {wait:,.0f} s".format(policy, **printed))
    sys.exit(0 if agree else 1)


if __name__ == "__main__":
    main()
