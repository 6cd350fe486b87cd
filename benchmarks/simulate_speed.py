"""How fast is the simulator, beside AccaSim and beside EASY in plain Python, on the same jobs in the same run?

    python benchmarks/simulate_speed.py [TRACE] [--jobs 10000] [--processors 8192] [--accasim FOLDER]

TRACE: SWF, by default RICC-2010-2 beside the repository. The first so many jobs that ran go through all three: EASY,
and FCFS for AccaSim, whose starts must be the simulator's job for job; so must plain Python's under EASY (else it ends
with 1). Then 1,000,000 jobs, the trace repeated, under each policy, each in a process of its own, for its peak of
memory. Times are of processors, one core, after compiling. FOLDER: where AccaSim 1.1.3 was installed
(`pip install --target FOLDER accasim==1.1.3`); without it that part is left out, and says so.
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
from fabriek.simulation.policy import BY_NAME, Machine
from fabriek.simulation.simulate import Schedule, simulate
from fabriek.simulation.workloads.reading import read_trace

RICC = Path(__file__).parents[2] / "shared" / "data" / "traces" / "RICC-2010-2.swf.gz"
MANY = 1_000_000


def timed(jobs: Jobs, processors: int, policy: str) -> tuple[float, Schedule]:
    """Seconds of processor time, after a run that compiles."""
    simulate(jobs.taken(np.arange(min(len(jobs), 200))), Machine.of(processors), BY_NAME[policy])
    begun = time.process_time()
    schedule = simulate(jobs, Machine.of(processors), BY_NAME[policy])
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


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trace", type=Path, nargs="?", default=RICC)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=MANY)
    parser.add_argument("--processors", type=int, default=8_192)
    parser.add_argument("--accasim", type=Path)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only:
        jobs = repeated(read_trace(asked.trace).jobs, asked.many)
        seconds, schedule = timed(jobs, asked.processors, asked.only)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": seconds, "peak": peak, "wait": wait(schedule.jobs, schedule.start)}))
        return
    read = read_trace(asked.trace).jobs
    fitting = read.taken(read.processors <= asked.processors)
    agree = side_by_side(fitting.taken(np.arange(min(len(fitting), asked.jobs))), asked.processors, asked.accasim)
    print(f"{asked.many:,} jobs, the trace repeated")
    for policy in ("fcfs", "easy", "multifactor"):
        command = [sys.executable, *sys.argv, "--only", policy]
        printed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print("  {:<12} {seconds:6.2f} s, peak {peak:,.0f} MiB, mean wait {wait:,.0f} s".format(policy, **printed))
    sys.exit(0 if agree else 1)


if __name__ == "__main__":
    main()
