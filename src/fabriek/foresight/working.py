"""What simulates studies: takes up what is asked, simulates each in a process of its own, keeps the figures. How one is
held, lost and taken up again is told in `conf.leases`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import transaction

from fabriek.audit.actions import record
from fabriek.conf import apart
from fabriek.conf.apart import Apart, Fault
from fabriek.conf.leases import Line, Worker, work_at
from fabriek.foresight import storage
from fabriek.foresight.computing import Answer, Question, answer
from fabriek.foresight.models import Study, StudyAnswer, StudyRun, StudyState
from fabriek.foresight.policies import StudyPolicy
from fabriek.foresight.repeats import Repeats

LINE = Line(
    StudyRun,
    working=StudyState.SIMULATING,
    done=StudyState.SIMULATED,
    asker="study__asked_by",
    lost="Its worker was lost %s times. It may need more memory than there is; ask for fewer repeats or jobs.",
)


def repeats_of(study: Study) -> Repeats:
    """How often it simulates, and on which jobs."""
    return Repeats(
        "seeds" if study.way == "seeds" else "windows", study.count, study.weeks, study.demand, study.demand_before
    )


def question_of(study: Study) -> Question:
    """What is asked of the process: all of it is in the record and its workload."""
    return Question(
        storage.path_of(study.workload.key),
        study.units,
        StudyPolicy.model_validate(study.before),
        StudyPolicy.model_validate(study.after),
        repeats_of(study),
    )


@transaction.atomic
def keep(study: Study, holder: str, said: Answer | Fault) -> bool:
    """Keep the figures, or why there are none. False: this one doesn't hold the study (any more)."""
    if not LINE.end(study.pk, holder, said.words if isinstance(said, Fault) else ""):
        return False
    if isinstance(said, Answer):
        StudyAnswer.objects.create(study=study, figures=said.text, took=said.took)
        record(None, "foresight.simulate_study", study, took=round(said.took, 1))
    else:
        record(None, "foresight.fail_study", study, why=said.words[:300])
    return True


def _start(question: Question) -> Apart:
    return apart.start(answer, question, "simulator")


class Simulator(Worker):
    """Simulates what is asked, one study at a time: each takes a core and, at most, a gigabyte."""

    def __init__(self, start: Callable[[Question], Apart] = _start) -> None:
        def begin(key: Any) -> Apart:
            return start(question_of(Study.objects.select_related("workload").get(pk=key)))

        def keep_of(key: Any, holder: str, said: Answer | Fault) -> bool:
            return keep(Study.objects.get(pk=key), holder, said)

        super().__init__(LINE, begin, keep_of, at_once=1)


def work(stopped: threading.Event, until_idle: bool = False) -> int:
    """Simulate until somebody says stop, or until nothing is asked any more. Returns how many studies ended."""
    return work_at(Simulator(), stopped, until_idle)
