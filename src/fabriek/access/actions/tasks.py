"""Work on many applications of a call: done in the request where they are few, by the worker where they are many.

Every verb here can be done again from where it stopped: what is through is no longer in the state that it begins from.
So a task survives the worker: `resume` puts what a machine was at back in the queue.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from fabriek.access.actions.applications import check_all
from fabriek.access.actions.reviews import assign_reviewers, settle_all
from fabriek.access.models import Application, ApplicationState, Call, Review, Task, TaskState, TaskVerb
from fabriek.access.queries import applications_of, to_be_reviewed, to_be_settled
from fabriek.conf.errors import Refused
from fabriek.people.models import Person
from fabriek.people.permissions import require

AT_ONCE = 100
"""So many applications are through in a second or two: nobody has to wait for the worker."""

_KEPT = 1_000
"""Sentences of refusals that a task keeps."""

_PERMISSIONS = {
    TaskVerb.CHECK: "check eligibility",
    TaskVerb.ASSIGN: "assign reviewers",
    TaskVerb.SETTLE: "assign reviewers",
}


@dataclass(frozen=True)
class Done:
    """What was done at once: of how many, the sentences of those that were refused, the reviews that were made."""

    done: int
    refused: list[str] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)


def do_with_all(actor: Person, call: Call, verb: str) -> Done | Task:
    """Do this with every application of a call that is ready for it: at once where they are few, else by a task.

    A task of the same call and verb that goes on is the same task. Errors: NotAllowed; those of the verb, where it is
    done at once.
    """
    verb = TaskVerb(verb)
    require(actor, _PERMISSIONS[verb])
    going = Task.objects.filter(call=call, verb=verb, ended_at__isnull=True).first()
    if going is not None:
        return going
    ready = _ready(call, verb)
    if len(ready) <= AT_ONCE:
        return _do(actor, verb, ready)
    try:
        with transaction.atomic():
            return Task.objects.create(call=call, verb=verb, total=len(ready), asked_by=actor)
    except IntegrityError:
        # Somebody else asked for the same at this very moment.
        return Task.objects.get(call=call, verb=verb, ended_at__isnull=True)


def _ready(call: Call, verb: str) -> list[Application]:
    if verb == TaskVerb.CHECK:
        return list(applications_of([call], ApplicationState.SUBMITTED))
    if verb == TaskVerb.SETTLE:
        return to_be_settled(call)
    return list(to_be_reviewed(call).select_related("call", "organisation", "applicant").order_by("code"))


def _do(
    actor: Person,
    verb: str,
    ready: list[Application],
    through: Callable[[int], None] = lambda _done: None,
    stage: Callable[[str], None] = lambda _stage: None,
) -> Done:
    if verb == TaskVerb.ASSIGN:
        made = assign_reviewers(actor, ready, stage)
        return Done(len(ready), reviews=made)
    act = check_all if verb == TaskVerb.CHECK else settle_all
    done, refused = act(actor, ready, through)
    return Done(done, [str(refusal.sentence) for refusal in refused])


def resume(worker: str) -> int:
    """Put back in the queue what this machine was at when it stopped. How many."""
    return Task.objects.filter(state=TaskState.RUNNING, worker=worker).update(state=TaskState.WAITING, stage="")


def work_once(worker: str) -> Task | None:
    """Take the task that waits longest and do it to the end; None: none waits."""
    waiting = Task.objects.filter(state=TaskState.WAITING).order_by("id").first()
    if waiting is None:
        return None
    # The condition on the state is what lets one worker have it, on every database.
    taken = Task.objects.filter(pk=waiting.pk, state=TaskState.WAITING).update(
        state=TaskState.RUNNING, worker=worker, started_at=waiting.started_at or timezone.now()
    )
    return _work(Task.objects.select_related("call__factory", "asked_by").get(pk=waiting.pk)) if taken else None


def _work(task: Task) -> Task:
    ready = _ready(task.call, task.verb)
    before = task.total - len(ready) if len(ready) < task.total else 0
    last = [0.0]

    def through(done: int) -> None:
        # Twice a second is as much as anybody sees.
        if time.monotonic() - last[0] >= 0.5:
            last[0] = time.monotonic()
            _tell(task, done=min(before + done, task.total))

    try:
        with override(task.asked_by.language):
            found = _do(task.asked_by, task.verb, ready, through, lambda stage: _tell(task, stage=stage))
    except Refused as refusal:
        _tell(task, state=TaskState.FAILED, sentence=str(refusal.sentence), ended_at=timezone.now(), stage="")
    else:
        _tell(
            task,
            state=TaskState.DONE,
            total=max(task.total, before + len(ready)),
            done=before + found.done,
            refused=found.refused[:_KEPT],
            ended_at=timezone.now(),
            stage="",
        )
    return task


def give_up(task: Task) -> None:
    """A task that met a mistake of ours: it doesn't stand in the way of the next one."""
    words = _("Something failed on our side. It is logged; what was done until then stays. Try again.")
    _tell(task, state=TaskState.FAILED, sentence=words, ended_at=timezone.now(), stage="")


def _tell(task: Task, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(task, name, value)
    Task.objects.filter(pk=task.pk).update(**changes)
