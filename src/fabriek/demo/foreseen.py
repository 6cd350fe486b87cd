"""A study for the demonstration: what a floor for start-ups would do to everybody's waits, on jobs that really ran.

The jobs are those of two weeks of October 2017 in Microsoft's Philly trace (Jeon et al., 'Analysis of Large-Scale
Multi-Tenant GPU Clusters for DNN Training Workloads', USENIX ATC 2019), in the form that petuum/adaptdl derived
(CC-BY-4.0). Whose they were is invented: each virtual cluster is the organisation that applies in the demonstration.
Made again by

    python -m fabriek.demo.foreseen philly-2017.csv.gz > src/fabriek/demo/data/jobs.csv.gz
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from dataclasses import replace
from importlib import resources
from pathlib import Path

from fabriek.demo.applicants import ORGANISATIONS
from fabriek.demo.world import World
from fabriek.foresight.actions import ask_study, keep_workload
from fabriek.foresight.asking import Asked
from fabriek.foresight.models import ClassesAre, Study, Way, Workload, WorkloadOrigin
from fabriek.foresight.policies import ClassRules, StudyPolicy
from fabriek.simulation.workloads.classes import with_classes
from fabriek.simulation.workloads.reading import trace_in
from fabriek.simulation.workloads.trace import Trace

FIRST, LAST = "2017-10-16", "2017-10-30"
UNITS = 640
"""GPUs: so many that jobs wait for hours at busy times, and not for days."""

ORIGIN = (
    "Two weeks of Microsoft's Philly trace, 2017 (CC-BY-4.0, petuum/adaptdl's table); whose jobs they were is made up"
)
QUESTION = "What would a twentieth of the machine for start-ups cost the others?"
COLUMNS = ("timestamp", "duration", "num_gpus", "cluster")


def ask_the_study(world: World) -> str:
    """Keep the jobs as a workload and ask the study, once. The worker simulates it when the platform serves."""
    board = world.people["board"]
    if not Study.objects.filter(is_demo=True).exists():
        workload = Workload.objects.filter(is_demo=True).first() or keep_workload(
            board,
            "GPU jobs of two weeks",
            _trace(),
            WorkloadOrigin.EXAMPLE,
            ClassesAre.MADE_UP,
            note=ORIGIN,
            is_demo=True,
        )
        tried = StudyPolicy(classes={"startup": ClassRules(floor=5)})
        asked = Asked(QUESTION, StudyPolicy(), tried, units=UNITS, way=Way.SEEDS, count=8, weeks=2, why="demonstration")
        ask_study(board, workload, asked, is_demo=True)
    study = Study.objects.filter(is_demo=True).latest("asked_at")
    words = "simulated" if hasattr(study, "answer") else "for the worker to simulate"
    return f"a study of {study.workload.jobs:,} jobs, {words}"


def _trace() -> Trace:
    content = gzip.decompress(resources.files("fabriek.demo").joinpath("data/jobs.csv.gz").read_bytes())
    trace = trace_in(content)
    klass_of = {cluster: said[0] for cluster, said in ORGANISATIONS.items()}
    return replace(trace, jobs=with_classes(trace.jobs, klass_of), processors=UNITS)


def derive(content: str) -> bytes:
    """The table of the chosen days, packed: the same bytes for the same trace."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(csv.DictReader(io.StringIO(content)), key=lambda row: row["timestamp"]):
        if FIRST <= row["timestamp"] < LAST:
            writer.writerow((row["timestamp"], round(float(row["duration"])), row["num_gpus"], row["cluster"]))
    return gzip.compress(out.getvalue().encode(), 9, mtime=0)


if __name__ == "__main__":
    sys.stdout.buffer.write(derive(gzip.decompress(Path(sys.argv[1]).read_bytes()).decode()))
