"""Studies and workloads: asked, simulated, cancelled, deleted and taken back; and by whom."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from tests.factories.traces import UNITS, crowded_trace, kept_workload, swf_file
from tests.factories.world import make_allocation, make_person, make_world

from fabriek.audit.models import Event
from fabriek.compute.records import UsageRecord
from fabriek.conf.apart import Fault, Step
from fabriek.conf.errors import NotAllowed, NotFound
from fabriek.conf.leases import ATTEMPTS, LEASE
from fabriek.foresight import actions, storage, working
from fabriek.foresight.actions import studies as study_actions
from fabriek.foresight.asking import Asked
from fabriek.foresight.computing import Answer
from fabriek.foresight.errors import NotComputed, StudyInvalid, StudyUnderWay, WorkloadInUse, WorkloadInvalid
from fabriek.foresight.models import Study, StudyAnswer, StudyRun, Workload
from fabriek.foresight.policies import ClassRules, StudyPolicy
from fabriek.foresight.queries import figures_of, studies, study_of, workloads
from fabriek.foresight.trace_files import unpacked
from fabriek.foresight.words import policy_words
from fabriek.operations.actions import Line, book_usage
from fabriek.operations.models import Cluster
from fabriek.people.models import Person

HALF = ClassRules(floor=50)
FLOOR = StudyPolicy(classes={"startup": HALF})
QUESTION = Asked("Half for start-ups", StudyPolicy(), FLOOR, units=UNITS, count=3)
ANSWER = Answer('{"format":"fabriek/study/1"}', 1.5)


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.FABRIEK_FOLDER = tmp_path
    return tmp_path


@pytest.fixture
def board(db: None, folder: Path) -> Person:
    return make_person("board")


class Scripted:
    """A process that says what it is told."""

    def __init__(self, *said: object) -> None:
        self.said, self.was_stopped = list(said), False

    def messages(self) -> list[object]:
        said, self.said = self.said, []
        return said

    def stop(self) -> None:
        self.was_stopped = True


def simulator_of(*scripts: Scripted) -> working.Simulator:
    waiting = list(scripts)
    return working.Simulator(start=lambda _question: waiting.pop(0))  # type: ignore[arg-type,return-value]


def asked(person: Person, **changes: Any) -> Study:
    workload = Workload.objects.first() or kept_workload(person)
    return actions.ask_study(person, workload, replace(QUESTION, **changes))


def run_of(study: Study) -> StudyRun:
    return StudyRun.objects.get(pk=study.pk)


# Asked


def test_the_board_asks_and_the_worker_keeps_what_comes_out(board: Person) -> None:
    study = asked(board)
    assert (run_of(study).state, study.units, study.code[-3:]) == ("asked", UNITS, "-01")
    script = Scripted(Step("3/8"))
    simulator = simulator_of(script)
    simulator.tick()
    assert (run_of(study).state, run_of(study).step) == ("simulating", "3/8")
    script.said = [ANSWER]
    simulator.tick()
    assert run_of(study).state == "simulated"
    assert script.was_stopped
    assert figures_of(study_of(study.code))["format"] == "fabriek/study/1"
    verbs = set(Event.objects.filter(subject=study.code).values_list("verb", flat=True))
    assert verbs == {"foresight.ask_study", "foresight.simulate_study"}


@pytest.mark.slow
def test_a_process_of_its_own_simulates_it(board: Person) -> None:
    study = asked(board)
    working.work(threading.Event(), until_idle=True)
    found = figures_of(study_of(study.code))
    assert [row["name"] for row in found["classes"]] == ["academia", "startup"]


@pytest.mark.parametrize("role", ["officer", "operator", "board"])
def test_who_may_ask(role: str, db: None, folder: Path) -> None:
    assert asked(make_person(role)).pk


@pytest.mark.parametrize("role", ["", "reviewer", "administrator"])
def test_who_may_not(role: str, board: Person) -> None:
    study, other = asked(board), make_person(role)
    for verb in (actions.cancel_study, actions.ask_study_again, actions.delete_study, actions.restore_study):
        with pytest.raises(NotAllowed):
            verb(other, study)
    with pytest.raises(NotAllowed):
        actions.ask_study(other, study.workload, QUESTION)
    with pytest.raises(NotAllowed):
        actions.send_workload(other, "Mine", swf_file(), actions.Classes())
    with pytest.raises(NotAllowed):
        actions.delete_workload(other, study.workload)


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"name": " "}, "name", "what you want to know"),
        ({"units": None}, "units", "isn't known"),
        ({"units": 10**7}, "units", "1,000,000"),
        ({"count": 1}, "count", "From 2"),
        ({"weeks": 0}, "weeks", "From 1"),
        ({"after": StudyPolicy()}, "after", "the same"),
        ({"after": StudyPolicy(classes={"nobody": ClassRules(floor=5)})}, "after", "class nobody"),
        ({"after": StudyPolicy(classes={"startup": ClassRules(floor=60), "academia": HALF})}, "after", "110 %"),
        ({"after": StudyPolicy(classes={"startup": ClassRules(floor=60, most=50)})}, "after", "above the most"),
        ({"after": StudyPolicy(backfill="conservative", by_shares=True)}, "after", "no floors, shares or limits"),
        ({"demand": {"startup": 2.0}}, "demand", "needs workloads that are drawn"),
        ({"way": "seeds", "demand": {"startup": 11.0}}, "demand", "to 10 times"),
        ({"way": "seeds", "demand": {"nobody": 2.0}}, "demand", "class nobody"),
        ({"way": "seeds", "count": 100, "weeks": 52, "demand": {"startup": 10.0}}, "count", "too many jobs"),
    ],
)  # fmt: skip
def test_what_can_not_be_asked_says_where_and_why(
    board: Person, changes: dict[str, Any], field: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fabriek.foresight.asking.MOST_SIMULATED", 100_000)
    with pytest.raises(StudyInvalid) as refused:
        asked(board, **changes)
    assert said in " ".join(refused.value.faults[field])
    assert not Study.objects.exists()


def test_today_policy_may_see_another_demand_alone(board: Person) -> None:
    study = asked(
        board, way="seeds", after=StudyPolicy(), demand={"startup": 2.0, "academia": 1.0}, demand_before=False
    )
    assert study.demand == {"startup": 2.0}
    assert working.repeats_of(study).both is False


def test_one_person_asks_so_much_at_once_and_no_more(board: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_actions, "MOST_WAITING", 2)
    asked(board), asked(board)
    with pytest.raises(StudyInvalid, match="still wait"):
        asked(board)


def test_the_machine_is_a_partition_of_the_register(folder: Path, db: None) -> None:
    world = make_world()
    each = world.partition.accelerators_per_node or 0
    study = asked(world.officer, units=None, partition=world.partition)
    assert study.units == (world.partition.nodes or 0) * each


# Cancelled, lost, failed


def test_a_cancelled_study_is_let_go_of_and_its_late_figures_are_not_kept(board: Person) -> None:
    study, script = asked(board), Scripted()
    simulator = simulator_of(script)
    simulator.tick()
    actions.cancel_study(board, study)
    assert working.keep(study, simulator.name, ANSWER) is False
    simulator.tick()
    assert script.was_stopped
    assert (run_of(study).state, StudyAnswer.objects.count()) == ("cancelled", 0)
    with pytest.raises(StudyUnderWay):
        actions.cancel_study(board, study)
    with pytest.raises(NotComputed):
        figures_of(study_of(study.code))
    actions.ask_study_again(board, study)
    assert run_of(study).state == "asked"


def test_a_study_whose_worker_was_killed_is_taken_up_again_and_after_three_times_no_more(board: Person) -> None:
    study, now = asked(board), timezone.now()
    for attempt in range(ATTEMPTS):
        assert working.LINE.claim(f"worker-{attempt}", now) == study.pk
        now += LEASE + timedelta(seconds=1)
    assert working.LINE.claim("another", now) is None
    assert (run_of(study).state, "lost 3 times" in run_of(study).fault) == ("failed", True)


def test_figures_count_only_from_who_holds_the_study(board: Person) -> None:
    study, now = asked(board), timezone.now()
    working.LINE.claim("first", now)
    assert working.LINE.claim("second", now + 2 * LEASE) == study.pk
    assert working.keep(study, "first", ANSWER) is False
    assert working.keep(study, "second", ANSWER) is True
    assert StudyAnswer.objects.count() == 1


def test_a_study_that_fails_says_why(board: Person) -> None:
    study = asked(board)
    simulator_of(Scripted(Fault("There was not enough memory."))).tick()
    assert (run_of(study).state, run_of(study).fault) == ("failed", "There was not enough memory.")


# Deleted and taken back


def test_a_deleted_study_is_out_of_the_list_and_comes_back_with_its_figures(board: Person) -> None:
    study = asked(board)
    simulator_of(Scripted(ANSWER)).tick()
    actions.delete_study(board, study)
    assert not studies().exists()
    with pytest.raises(NotFound):
        study_of(study.code)
    assert study_of(study.code, deleted=True) == study
    actions.restore_study(board, study)
    assert figures_of(study_of(study.code))
    actions.restore_study(board, study)
    assert Event.objects.filter(verb="foresight.restore_study").count() == 1


def test_deleting_what_waits_cancels_it_and_after_a_month_it_is_gone(board: Person) -> None:
    study = asked(board)
    actions.delete_study(board, study)
    assert run_of(study).state == "cancelled"
    assert actions.forget_deleted() == 0
    Study.objects.update(asked_at=timezone.now() - timedelta(days=40), deleted_at=timezone.now() - timedelta(days=31))
    assert actions.forget_deleted() == 1
    assert not Study.objects.exists()


# Workloads


def test_a_file_is_taken_in_with_the_classes_that_are_told(board: Person) -> None:
    told = actions.Classes(told={"g1": "startup"}, others="academia", by="group")
    workload = actions.send_workload(board, "Our cluster", swf_file(), told, note="March")
    assert (workload.code, workload.jobs, workload.units, workload.classes_are) == ("our-cluster", 300, 8, "told")
    assert [row["class"] for row in workload.classes] == ["academia", "startup"]
    assert sum(row["part"] for row in workload.classes) == pytest.approx(1)
    assert storage.path_of(workload.key).stat().st_mode & 0o777 == 0o600
    assert actions.send_workload(board, "Our cluster", swf_file(), told).code == "our-cluster-2"


def test_classes_may_be_made_up_and_are_called_so(board: Person) -> None:
    made_up = actions.Classes(made_up={"startup": 20, "academia": 80}, by="user")
    workload = actions.send_workload(board, "Guess", swf_file(), made_up)
    assert workload.classes_are == "made-up"
    assert {row["class"] for row in workload.classes} == {"startup", "academia"}


@pytest.mark.parametrize(
    ("content", "classes", "field"),
    [
        (b"nonsense", actions.Classes(), "file"),
        (swf_file(), actions.Classes(told={"g1": "no class.of ours"}), "classes"),
        (swf_file(), actions.Classes(told={"nobody": "startup"}), "classes"),
        (swf_file(), actions.Classes(made_up={"startup": 0}), "classes"),
        (swf_file(), actions.Classes(told={f"g{n}": f"c{n}" for n in range(20)}), "classes"),
    ],
)
def test_what_can_not_be_taken_in_leaves_nothing(
    board: Person, folder: Path, content: bytes, classes: actions.Classes, field: str
) -> None:
    with pytest.raises(WorkloadInvalid) as refused:
        actions.send_workload(board, "Mine", content, classes)
    assert field in refused.value.faults
    assert not Workload.objects.exists()
    assert not list(folder.glob("workloads/*"))


def test_a_workload_without_a_name_is_refused(board: Person) -> None:
    with pytest.raises(WorkloadInvalid):
        actions.keep_workload(board, "  ", crowded_trace(), "sent", "told")


def test_a_workload_goes_with_its_file_once_nothing_is_about_it(
    board: Person, folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    study = asked(board)
    with pytest.raises(WorkloadInUse):
        actions.delete_workload(board, study.workload)
    assert [one.about for one in workloads("-studies")] == [1]  # type: ignore[attr-defined]
    study.delete()
    with django_capture_on_commit_callbacks(execute=True):
        actions.delete_workload(board, Workload.objects.get())
    assert not list(folder.glob("workloads/*"))


def test_what_ran_here_is_a_workload_with_classes_and_programmes_and_no_names_of_people(folder: Path, db: None) -> None:
    allocation = make_allocation(make_world())
    project, cluster = allocation.project, Cluster.objects.get()

    def line(number: str, submit: int, seconds: int, accelerators: int = 2) -> UsageRecord:
        start = submit + 60
        return UsageRecord(
            number, project.code, "ada", "gpu", "COMPLETED", submit, start, start + seconds, accelerators, 1
        )

    began = int(datetime.combine(allocation.starts, time(12), UTC).timestamp())
    lines = [
        line("1", began, 600),
        line("2", began + 100, 1200),
        line("3", began + 200, 0),
        line("4", began + 300, 60, 0),
    ]
    assert book_usage(cluster, "k", [Line(n, one) for n, one in enumerate(lines, 1)], "agent").booked == 4
    corrected = replace(lines[1], end=lines[1].end - 600)
    assert book_usage(cluster, "corrected", [Line(1, corrected)], "agent").booked == 1
    officer, day = make_person("officer"), allocation.starts
    workload = actions.record_workload(officer, "Ours", allocation.partition, day, day + timedelta(days=1))
    trace = unpacked(storage.path_of(workload.key).read_bytes())
    assert trace.jobs.run.tolist() == [600, 600], "the last revision counts, once; what used nothing is left out"
    assert trace.jobs.processors.tolist() == [2, 2]
    assert (workload.classes_are, workload.left_out) == ("recorded", 2)
    assert workload.classes[0]["class"] == project.organisation_class
    assert trace.jobs.accounts == (project.programme.code,)
    assert trace.jobs.users == ("u1",)
    with pytest.raises(WorkloadInvalid, match="has been recorded"):
        actions.record_workload(officer, "Before", allocation.partition, day - timedelta(days=9), day)
    with pytest.raises(WorkloadInvalid, match="before the first"):
        actions.record_workload(officer, "Turned", allocation.partition, day, day)


# Words


def test_a_policy_is_told_in_lines() -> None:
    said = StudyPolicy(
        by_shares=True, jobs_each=2, classes={"startup": ClassRules(floor=20, share=30, most=50, urgent=True)}
    )
    lines = policy_words(said.model_dump(mode="json"))
    assert lines[0].startswith("Jobs that fit in a gap")
    assert lines[1:] == [
        "Who has used less of its share goes first",
        "Each user runs 2 jobs at once",
        "20 % is kept free for Start-up",
        "The share of Start-up is 30",
        "Start-up uses 50 % at most",
        "Jobs of Start-up may stop others' running jobs",
    ]
