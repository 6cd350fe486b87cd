"""Data of a project between sites: asked, measured, started, followed by a bar, stopped, tried again."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.conf.errors import Refused
from fabriek.operations import actions
from fabriek.operations.models import Cluster, Transfer
from fabriek.operations.speeds import estimate_of
from fabriek.operations.transfer_queries import project_clusters, transfer_of, transfers_of, way_between, ways_of
from fabriek.portal.access import SIGNED_IN, requires
from fabriek.portal.components.amounts import bytes_text
from fabriek.portal.components.transfer_lines import estimate_words, line_of
from fabriek.portal.pages.use.projects import page_of
from fabriek.projects.rules import is_member

PER_PAGE = 50


class TransferForm(forms.Form):
    """What to move, and between which sites."""

    way = forms.ChoiceField(label=gettext_lazy("From where to where"))
    path = forms.CharField(
        label=gettext_lazy("File or folder"),
        help_text=gettext_lazy("Its path in the project's folder, such as data/train. It gets the same path there."),
        max_length=1_000,
        strip=False,
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocapitalize": "none"}),
    )
    mode = forms.ChoiceField(
        label=gettext_lazy("What becomes of the original"),
        choices=[
            ("copy", gettext_lazy("It stays")),
            ("move", gettext_lazy("It is removed, once both sites' checksums are the same")),
        ],
        widget=forms.RadioSelect,
        initial="copy",
    )
    overwrite = forms.BooleanField(label=gettext_lazy("Files that are there already may be replaced"), required=False)
    uuid = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def __init__(self, *arguments: Any, ways: list[tuple[Cluster, Cluster]], **more: Any) -> None:
        super().__init__(*arguments, **more)
        field: Any = self.fields["way"]
        field.choices = [
            (
                f"{here.code} {there.code}",
                _("%(from)s (%(from_site)s) to %(to)s (%(to_site)s)")
                % {"from": here.code, "from_site": here.site.name, "to": there.code, "to_site": there.site.name},
            )
            for here, there in ways
        ]


@requires(SIGNED_IN)
def transfers(request: HttpRequest, code: str) -> HttpResponse:
    """All transfers of a project, loaded again by themselves."""
    project = page_of(request, code).project
    found = transfers_of(project, request.GET.get("sort", "")[:100])
    if request.GET.get("format") == "csv":
        return transfers_csv(project.code, found)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    lines = [line_of(one) for one in page.object_list]
    context = {
        "project": project,
        "page": page,
        "lines": lines,
        "every": 5 if any(line.active for line in lines) else 30,
        "may_ask": is_member(request.user, project),
        "lacks": [] if ways_of(project) else what_lacks(project_clusters(project)),
    }
    part = bool(request.headers.get("HX-Request"))
    return render(request, "use/transfers_now.html" if part else "use/transfers.html", context)


def what_lacks(ends: list[Cluster]) -> list[str]:
    """Why no data of a project can be moved."""
    if len(ends) < 2:
        return [_("The project has hours at one site only.")]
    return list(dict.fromkeys(way_between(one, other)[1] for one in ends for other in ends if one != other))


def transfers_csv(code: str, found: QuerySet[Transfer]) -> HttpResponse:
    """The project's transfers, one a line."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{code}-transfers.csv"'
    writer = csv.writer(response)
    names = ("uuid", "path", "mode", "state", "bytes_total", "files_total", "bytes_done", "from_digest", "to_digest")
    writer.writerow([*names, "from", "to", "asked", "started", "ended", "error", "by"])
    for one in found.iterator(chunk_size=1_000):
        moments = [moment.isoformat() if moment else "" for moment in (one.asked_at, one.started_at, one.ended_at)]
        values = [getattr(one, name) for name in names]
        writer.writerow([*values, one.from_cluster.code, one.to_cluster.code, *moments, one.error, one.asked_by.name])
    return response


@requires(SIGNED_IN, "GET", "POST")
def ask(request: HttpRequest, code: str) -> HttpResponse:
    """Ask for data to be copied or moved."""
    project = page_of(request, code).project
    if not is_member(request.user, project):
        raise Http404
    ways = ways_of(project)
    form = TransferForm(request.POST or None, ways=ways, initial={"uuid": uuid4()})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        here, there = said["way"].split(" ")
        person: Any = request.user
        try:
            made = actions.ask_transfer(
                person,
                project,
                from_cluster=here,
                to_cluster=there,
                path=said["path"],
                mode=said["mode"],
                overwrite=said["overwrite"],
                uuid=str(said["uuid"] or uuid4()),
            )
        except Refused as refusal:
            form.add_error("path" if "path" in getattr(refusal, "faults", {}) else None, str(refusal.sentence))
        else:
            return redirect("portal:transfer", made.uuid)
    lacks = [] if ways else what_lacks(project_clusters(project))
    context = {"project": project, "form": form, "ways": ways, "lacks": lacks}
    return render(request, "use/ask_transfer.html", context, status=422 if form.errors else 200)


@requires(SIGNED_IN)
def transfer(request: HttpRequest, uuid: str) -> HttpResponse:
    """A transfer; it is loaded again by itself while it goes on."""
    found = transfer_of(request.user, uuid)
    time, rests_on = estimate_words(estimate_of(found))
    context = {
        "line": line_of(found),
        "transfer": found,
        "project": found.project,
        "time": time,
        "rests_on": rests_on,
        "free": "" if found.free_bytes is None else bytes_text(found.free_bytes),
        "lasted": found.ended_at - found.started_at if found.ended_at and found.started_at else None,
        "member": is_member(request.user, found.project),
        "steps": steps_of(found),
    }
    part = bool(request.headers.get("HX-Request"))
    return render(request, "use/transfer_now.html" if part else "use/transfer.html", context)


def steps_of(found: Transfer) -> list[dict[str, Any]]:
    """Its way: what is done, what goes on, what is to come."""
    words = [
        ("asked", _("Measured"), bool(found.measured_at and found.prepared_at)),
        ("measured", _("Started"), found.state not in ("asked", "measured") and bool(found.prepared_at)),
        ("running", _("Copied"), found.state in ("checking", "removing", "done")),
        ("checking", _("Checksums the same"), found.state in ("removing", "done")),
    ]
    if found.mode == "move":
        words.append(("removing", _("Original removed"), found.state == "done"))
    now = "running" if found.state == "ready" else found.state
    return [
        {"label": label, "state": "done" if done else "current" if name == now else "to_do"}
        for name, label, done in words
    ]


def _act(request: HttpRequest, uuid: str, verb: Callable[[Any, Transfer], Transfer], words: str) -> HttpResponse:
    person: Any = request.user
    try:
        verb(person, transfer_of(person, uuid))
    except Refused as refusal:
        if refusal.status == 404:
            raise
        messages.error(request, str(refusal.sentence))
    else:
        messages.success(request, words)
    return redirect("portal:transfer", uuid)


@requires(SIGNED_IN, "POST")
def start(request: HttpRequest, uuid: str) -> HttpResponse:
    """Let it go."""
    return _act(request, uuid, actions.start_transfer, _("Started. The copying begins when the site next asks."))


@requires(SIGNED_IN, "POST")
def cancel(request: HttpRequest, uuid: str) -> HttpResponse:
    """Stop it."""
    return _act(request, uuid, actions.cancel_transfer, _("Cancelled. The site stops when it next asks."))


@requires(SIGNED_IN, "POST")
def retry(request: HttpRequest, uuid: str) -> HttpResponse:
    """Try it again."""
    return _act(request, uuid, actions.retry_transfer, _("It is tried again, from what was copied."))
