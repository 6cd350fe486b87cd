"""Work on many applications at once, as it goes on: how far it is, and what came of it."""

from __future__ import annotations

from datetime import timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from fabriek.access.models import Task, TaskState
from fabriek.access.queries import task_of
from fabriek.portal.access import requires

WAITS_LONG = timedelta(seconds=30)
"""A worker looks every second: who waits longer than this waits for a worker that isn't there."""


@requires("read applications")
def show(request: HttpRequest, number: int) -> HttpResponse:
    """One task; the part that changes is asked for again until it has ended."""
    task = task_of(number)
    if task is None:
        raise Http404
    template = "decide/task_now.html" if request.headers.get("HX-Request") else "decide/task.html"
    return render(request, template, {"task": task, "call": task.call, "no_worker": _waits_long(task)})


def _waits_long(task: Task) -> bool:
    if task.state != TaskState.WAITING or timezone.now() - task.asked_at < WAITS_LONG:
        return False
    return not Task.objects.filter(state=TaskState.RUNNING).exists()
