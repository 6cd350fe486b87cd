"""Many applications at once: done in the request where they are few, else by a task that survives its worker."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from tests.factories.world import World, make_organisation, make_person, make_submitted, make_world

from fabriek.access import actions
from fabriek.access.actions import reviews as reviewing
from fabriek.access.actions import tasks
from fabriek.access.errors import ChangedMeanwhile
from fabriek.access.models import Application, Conflict, Review, Task
from fabriek.cli.work import work
from fabriek.conf.errors import NotAllowed
from fabriek.people.models import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Three applications, which are many here."""
    monkeypatch.setattr(tasks, "AT_ONCE", 2)
    made = make_world(reviewers=1)
    for _number in range(3):
        make_submitted(made)
    return made


def states() -> list[str]:
    return list(Application.objects.order_by("pk").values_list("state", flat=True))


def begun(world: World, verb: str) -> Task:
    found = actions.do_with_all(world.officer, world.call, verb)
    assert isinstance(found, Task)
    return found


def test_few_are_done_at_once_and_many_by_the_worker(world: World) -> None:
    task = begun(world, "check")
    assert (task.state, task.total) == ("waiting", 3)
    assert set(states()) == {"submitted"}
    ended = actions.work_once("here")
    assert ended is not None
    assert (ended.pk, ended.state, ended.done) == (task.pk, "done", 3)
    assert set(states()) == {"eligible"}
    assert actions.work_once("here") is None
    make_submitted(world)
    found = actions.do_with_all(world.officer, world.call, "check")
    assert isinstance(found, actions.Done)
    assert found.done == 1


def test_asking_again_is_the_same_task(world: World) -> None:
    assert begun(world, "check") == begun(world, "check")
    with pytest.raises(IntegrityError), transaction.atomic():
        Task.objects.create(call=world.call, verb="check", total=1, asked_by=world.officer)


def test_what_was_under_way_when_the_worker_stopped_is_taken_up_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = begun(world, "check")
    checked = actions.check_eligibility

    def stops_after_two(actor: Person, application: Application) -> Any:
        if states().count("eligible") == 2:
            raise KeyboardInterrupt
        return checked(actor, application)

    monkeypatch.setattr("fabriek.access.actions.applications.check_eligibility", stops_after_two)
    with pytest.raises(KeyboardInterrupt):
        actions.work_once("here")
    monkeypatch.undo()
    task.refresh_from_db()
    assert task.state == "running"
    assert actions.resume("another machine") == 0
    assert actions.resume("here") == 1
    ended = actions.work_once("here")
    assert ended is not None
    assert (ended.state, ended.done, ended.total) == ("done", 3, 3)
    assert set(states()) == {"eligible"}


def test_a_task_tells_why_it_failed_and_the_next_one_can_begin(world: World) -> None:
    begun(world, "check")
    actions.work_once("here")
    task = begun(world, "assign")
    failed = actions.work_once("here")
    assert failed is not None
    assert (failed.pk, failed.state) == (task.pk, "failed")
    assert "Add reviewers" in failed.sentence
    make_person("reviewer", organisation=make_organisation("academia"))
    begun(world, "assign")
    done = actions.work_once("here")
    assert done is not None
    assert (done.state, done.done) == ("done", 3)
    assert Review.objects.count() == 3


def test_refusals_are_in_the_language_of_who_asked(world: World) -> None:
    begun(world, "check")
    actions.work_once("here")
    Person.objects.filter(pk=world.officer.pk).update(language="nl")
    begun(world, "assign")
    failed = actions.work_once("here")
    assert failed is not None
    assert "Add reviewers" not in failed.sentence


def test_a_mistake_of_ours_ends_the_task_and_not_the_worker(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    task = begun(world, "check")

    def mistaken(*_more: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("fabriek.access.actions.applications.check_eligibility", mistaken)
    monkeypatch.setattr("fabriek.cli.work.PAUSE", 0)
    for module in ("fabriek.cli.work", "fabriek.conf.leases"):
        monkeypatch.setattr(f"{module}.close_old_connections", lambda: None)
    assert work(tmp_path, once=True) == 0
    task.refresh_from_db()
    assert (task.state, task.ended_at is None) == ("failed", False)


def test_a_second_worker_of_a_machine_waits_and_hears_that_it_is_to_stop(world: World, tmp_path: Path) -> None:
    task = begun(world, "check")
    stopped = threading.Event()
    with (tmp_path / "worker.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        threading.Timer(0.05, stopped.set).start()
        assert work(tmp_path, once=True, stopped=stopped) == 0
    task.refresh_from_db()
    assert task.state == "waiting"


def test_an_interest_that_came_up_while_it_was_worked_out_stops_the_assignment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = make_world(reviewers=1)
    reviewer = make_person("reviewer", organisation=make_organisation("academia"))
    application = make_submitted(world)
    actions.check_eligibility(world.officer, application)
    fit = reviewing._fit

    def meanwhile(*given: Any) -> Any:
        Conflict.objects.create(application=application, person=reviewer, why="we are married")
        return fit(*given)

    monkeypatch.setattr(reviewing, "_fit", meanwhile)
    with pytest.raises(ChangedMeanwhile):
        actions.assign_reviewers(world.officer, [application])
    application.refresh_from_db()
    assert application.state == "eligible"
    assert not Review.objects.exists()


def test_who_may_not_asks_for_nothing(world: World) -> None:
    for verb in ("check", "assign", "settle"):
        with pytest.raises(NotAllowed):
            actions.do_with_all(make_person("board"), world.call, verb)
    assert not Task.objects.exists()


def test_an_officer_sees_it_go_on(world: World) -> None:
    client = Client()
    client.force_login(world.officer)
    asked = client.post(reverse("portal:check_applications", args=[world.call.code]))
    task = Task.objects.get()
    address = reverse("portal:task", args=[task.pk])
    assert asked["Location"] == address
    page = client.get(address).content.decode()
    assert f'hx-get="{address}"' in page
    assert "0 of 3" in page
    assert "Nobody is working" not in page
    Task.objects.update(asked_at=task.asked_at.replace(year=2020))
    assert "Nobody is working" in client.get(address).content.decode()
    actions.work_once("here")
    now = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "3 of 3" in now
    assert "hx-get" not in now
    assert "<html" not in now
    assert address in client.get(reverse("portal:call_applications", args=[world.call.code])).content.decode()
    board = Client()
    board.force_login(make_person("reviewer"))
    assert board.get(address).status_code == 403
