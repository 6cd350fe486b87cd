"""What a job writes, as it comes; of a job array also what a single task writes."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import gettext as _

from fabriek.compute.tail import Part
from fabriek.operations import queries
from fabriek.operations.actions import look_at_task
from fabriek.operations.models import ENDED_STATES, Job, TaskOutput
from fabriek.operations.streams import MOST, STREAMS, kept_of
from fabriek.portal.access import SIGNED_IN, requires
from fabriek.portal.components.amounts import bytes_text

NO_MORE = 286
"""htmx: show this, and ask no more."""


def streams_of(found: Job) -> list[dict[str, Any]]:
    """A job's streams, each with the place from which on more of it is asked."""
    return [
        _shown(stream, queries.output_after(found, stream, 0), _run_of(found), _address(found, stream))
        for stream in STREAMS
    ]


def _address(found: Job, stream: str) -> str:
    return reverse("portal:job_output", args=[found.uuid, stream])


def _shown(stream: str, part: Part, run: str, address: str) -> dict[str, Any]:
    return {
        "name": stream,
        "title": _("Output") if stream == "output" else _("Errors"),
        "part": part,
        "kept": bytes_text(MOST),
        "left_out": bytes_text(part.start) if part.start else "",
        "address": address,
        "more": f"{address}?{urlencode({'from': part.end, 'run': run})}",
    }


def _run_of(found: Job) -> str:
    """Names the run of a job whose output is shown: one that starts over writes anew."""
    return str(int(found.started_at.timestamp())) if found.started_at else ""


@requires(SIGNED_IN)
def job_output(request: HttpRequest, uuid: str, stream: str) -> HttpResponse:
    """What a job writes: to a page that shows it what came since, to anyone else all that is kept, as a file."""
    if stream not in STREAMS:
        raise Http404
    found = queries.job_of(request.user, uuid)
    if not request.headers.get("HX-Request"):
        return _file(found, stream, queries.output_after(found, stream, 0))
    run = request.GET.get("run", "")
    # Of another run nothing was shown yet.
    place = _place_in(request) if run in ("", _run_of(found)) else -1
    part, ended = queries.output_after(found, stream, place), found.state in ENDED_STATES
    return _what_came(part, place, ended, _shown(stream, part, _run_of(found), _address(found, stream)))


def _place_in(request: HttpRequest) -> int:
    """Up to which byte a page shows a stream; -1 where it says no such thing."""
    told = request.GET.get("from", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 19 else -1


def _file(found: Job, stream: str, part: Part, task: str = "") -> HttpResponse:
    response = HttpResponse(part.text, content_type="text/plain; charset=utf-8")
    # The scheduler's number is what an agent says it is.
    name = re.sub(r"[^\w.-]", "_", found.engine_job, flags=re.ASCII) or found.uuid
    response["Content-Disposition"] = f'attachment; filename="{found.project.code}-{name}{task}-{stream}.txt"'
    return response


def _what_came(part: Part, place: int, ended: bool, stream: dict[str, Any]) -> HttpResponse:
    """What a page adds to what it shows of a stream, and from where it asks on."""
    if not part.text and part.start == place:
        return HttpResponse(status=NO_MORE if ended else 204)
    more = render_to_string("use/job_output_more.html", {"stream": stream, "ended": ended, "out_of_band": True})
    response = HttpResponse(f"{escape(part.text)}{more.strip()}", status=NO_MORE if ended else 200)
    if part.start != place:
        response["HX-Reswap"] = "innerHTML"
    return response


# One task of an array


@requires(SIGNED_IN)
def job_task(request: HttpRequest, uuid: str) -> HttpResponse:
    """A task of an array, `?task=`. Its site is asked for what it writes, and tells it from its next round on."""
    found, task = _task_of(request, uuid)
    context = {
        "job": found,
        "project": found.project,
        "task": task,
        "number": str(task.task),
        "ended": task.ended,
        "streams": [_shown_of_task(found, task, stream) for stream in STREAMS],
    }
    live = bool(request.headers.get("HX-Request"))
    return render(request, "use/job_task_now.html" if live else "use/job_task.html", {**context, "part": live})


@requires(SIGNED_IN)
def job_task_output(request: HttpRequest, uuid: str, stream: str) -> HttpResponse:
    """What a task writes, as `job_output`."""
    if stream not in STREAMS:
        raise Http404
    found, task = _task_of(request, uuid)
    if not request.headers.get("HX-Request"):
        return _file(found, stream, kept_of(task, stream), f"_{task.task}")
    place = _place_in(request)
    part = kept_of(task, stream).after(place)
    return _what_came(part, place, task.ended, _shown_of_task(found, task, stream, part))


def _task_of(request: HttpRequest, uuid: str) -> tuple[Job, TaskOutput]:
    number = request.GET.get("task", "")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise Http404
    found = queries.job_of(request.user, uuid)
    return found, look_at_task(found, int(number))


def _shown_of_task(found: Job, task: TaskOutput, stream: str, part: Part | None = None) -> dict[str, Any]:
    address = f"{reverse('portal:job_task_output', args=[found.uuid, stream])}?task={task.task}"
    part = kept_of(task, stream) if part is None else part
    shown = _shown(stream, part, "", address)
    return {**shown, "more": f"{address}&{urlencode({'from': part.end})}"}
