"""Factories and systems: on a map, as a list, one by one, each fact with its source."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from datetime import timedelta
from fractions import Fraction
from math import ceil
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.access.queries import open_calls
from fabriek.conf.amounts import number_text
from fabriek.conf.sorting import sorted_rows
from fabriek.events.queries import coming_of
from fabriek.operations.speeds import Measured, measured_speeds, pair
from fabriek.portal.access import EVERYBODY, requires
from fabriek.portal.components.amounts import lasting_text
from fabriek.portal.components.countries import country_name
from fabriek.portal.components.plots import Line, Map, Place
from fabriek.programmes.actions import months_from
from fabriek.register import queries
from fabriek.register.legal import Statement, statements_of
from fabriek.register.models import Antenna, Link, Partition, Site, Stage, StageChange, System, UnitConversion
from fabriek.register.rules import least_seconds_to_move


class FilterForm(forms.Form):
    """What to show of the list."""

    search = forms.CharField(label=gettext_lazy("Name, country or hosting entity"), required=False, max_length=100)
    stage = forms.ChoiceField(
        label=gettext_lazy("Stage"), required=False, choices=[("", gettext_lazy("all")), *Stage.choices]
    )


# What the shorter lists are sorted by, as they are shown: countries by the reader's language.
ANTENNA_COLUMNS: dict[str, Callable[[Antenna], Any]] = {
    "name": lambda antenna: antenna.name.casefold(),
    "country": lambda antenna: country_name(antenna.country),
    "factory": lambda antenna: min((factory.name.casefold() for factory in antenna.factories.all()), default=None),
}
PARTITION_COLUMNS: dict[str, Callable[[tuple[Partition, int | None]], Any]] = {
    "name": lambda row: row[0].name.casefold(),
    "kind": lambda row: str(row[0].get_kind_display()).casefold(),
    "nodes": lambda row: row[1],
    "accelerators": lambda row: row[0].accelerators_per_node,
    "model": lambda row: (row[0].accelerator_model or row[0].cpu_model).casefold() or None,
    "memory": lambda row: row[0].accelerator_memory_gib,
    "cores": lambda row: row[0].cores_per_node,
}


@requires(EVERYBODY)
def index(request: HttpRequest) -> HttpResponse:
    """All factories."""
    search, sort = request.GET.get("search", "")[:100], request.GET.get("sort", "")
    stage = request.GET.get("stage", "")
    factories = queries.factories_for_list(search=search, sort=sort, stage=stage)
    if request.GET.get("format") == "csv":
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="factories.csv"'
        writer = csv.writer(response)
        writer.writerow(["code", "name", "country", "stage", "hosting_entity", "selected_on", "systems", "website"])
        for f in factories:
            host = f.hosting_entity.name if f.hosting_entity else ""
            systems = " ".join(system.code for system in f.systems.all())
            writer.writerow([f.code, f.name, f.country, f.stage, host, f.selected_on or "", systems, f.website])
        return response
    context = {
        "factories": factories,
        "filters": FilterForm(initial={"search": search, "stage": stage}),
        "map": map_of_sites(),
        "antennas": sorted_rows(queries.antennas(), request.GET.get("antennas", ""), ANTENNA_COLUMNS),
    }
    return render(request, "public/factories.html", context)


def map_of_sites(only: set[int] | None = None) -> Map:
    """Sites with a place (all, or these), each leading to its system, and the links between them that hold today."""
    places = []
    for site in queries.map_sites():
        if only is not None and site.pk not in only:
            continue
        systems = list(site.systems.all())
        if not systems or site.longitude is None or site.latitude is None:
            continue
        system = systems[0]
        places.append(
            Place(
                site.longitude,
                site.latitude,
                ", ".join(s.name for s in systems),
                reverse("portal:system", args=[system.code]),
                status=system.stage,
                detail=f"{site.city}, {country_name(site.country)}" + (f" ({_('demo')})" if site.is_demo else ""),
            )
        )
    shown = [link for link in queries.links_on() if only is None or {link.from_site_id, link.to_site_id} <= only]
    lines = [line for link in shown if (line := _line(link)) is not None]
    title = _("Supercomputers of the AI factories in Europe") if only is None else _("Sites and the links between them")
    return Map(title, places, links=lines)


def _line(link: Link) -> Line | None:
    """A link on the map: between the places of its ends, if they are known, in words."""
    here, there = link.from_site, link.to_site
    if here.longitude is None or here.latitude is None or there.longitude is None or there.latitude is None:
        return None
    return Line((here.longitude, here.latitude), (there.longitude, there.latitude), _words_of(link))


def _words_of(link: Link) -> str:
    """A link in words: its ends, its network and its speed."""
    parts = [f"{link.from_site.name} – {link.to_site.name}"]
    if link.network:
        parts.append(link.network)
    if link.gigabits_per_second is not None:
        parts.append(_("%(speed)s gigabits a second") % {"speed": number_text(link.gigabits_per_second)})
    return ", ".join(parts)


TERABYTE = 10**12


def _links_of(systems: Iterable[System]) -> list[tuple[Link, Site, Site, str | None, Measured | None]]:
    """The links of these systems' sites that hold today: each with its two ends as seen from here, the least time that
    a terabyte takes, and what was measured."""
    sites = {system.site for system in systems}
    links, found = list(queries.links_on(sites=sites)), []
    speeds = measured_speeds(pair(link.from_site_id, link.to_site_id) for link in links) if links else {}
    for link in links:
        here = link.from_site if link.from_site in sites else link.to_site
        speed = link.gigabits_per_second
        least = lasting_text(timedelta(seconds=ceil(least_seconds_to_move(TERABYTE, speed)))) if speed else None
        found.append((link, here, link.other(here), least, speeds.get(pair(link.from_site_id, link.to_site_id))))
    return found


@requires(EVERYBODY)
def factory(request: HttpRequest, code: str) -> HttpResponse:
    """A factory."""
    found = queries.factory_page(code)
    if found is None:
        raise Http404
    members = list(found.members.all())
    legal = statements_of(found)
    context = {
        "factory": found,
        "legal": legal,
        "factory_theme": found.theme,
        "states": [m.name for m in members if m.kind == "state"],
        "partners": [m.name for m in members if m.kind == "partner"],
        "systems": [(system, queries.accelerators_of(system)) for system in found.systems.all()],
        "links": _links_of(found.systems.all()),
        "calls": [call for call in open_calls() if call.factory_id == found.pk],
        "coming": coming_of(factory=found),
        "sources": _sources(found.facts, rows=[*found.stages.all(), *(one for one in legal if one.known)]),
        "origins": _origins(found.facts),
    }
    return render(request, "public/factory.html", context)


@requires(EVERYBODY)
def system(request: HttpRequest, code: str) -> HttpResponse:
    """A system."""
    found = queries.system_page(code)
    if found is None:
        raise Http404
    months = months_from(timezone.now().date().replace(day=1), 6)
    partitions, links = list(found.partitions.all()), queries.links_of(found.site)
    speeds = measured_speeds(pair(found.site.pk, other.pk) for other, _link in links) if links else {}
    capacities = [(p, [queries.capacity(p, month) for month in months]) for p in partitions]
    context = {
        "system": found,
        "accelerators": queries.accelerators_of(found),
        "partitions": sorted_rows(
            [(p, queries.nodes_of(p)) for p in partitions], request.GET.get("sort", ""), PARTITION_COLUMNS
        ),
        "resized": [p for p in partitions if p.sizes.all()],
        "months": months,
        "capacities": [(p, row) for p, row in capacities if any(c.accelerator_seconds is not None for c in row)],
        "unknown": [(p, row[0].unknown) for p, row in capacities if row[0].unknown],
        "sources": _sources(
            found.facts,
            *(p.facts for p in partitions),
            rows=[*found.stages.all(), *(c for p in partitions for c in p.conversions.all())],
        ),
        "origins": _origins(found.facts),
        "links": [(other, link, speeds.get(pair(link.from_site_id, link.to_site_id))) for other, link in links],
        "conversions": [(p, c, Fraction(c.numerator, c.denominator)) for p in partitions for c in p.conversions.all()],
        "map": _map_of(found.site, [other for other, _link in links]),
    }
    return render(request, "public/system.html", context)


def _origins(facts: dict[str, Any]) -> dict[str, str]:
    """For each fact where on the page its source is told."""
    return {
        name: f"#source-{fact['source']}" for name, fact in facts.items() if isinstance(fact, dict) and "source" in fact
    }


def _map_of(site: Site, others: list[Site]) -> Map | None:
    """A site and those that it is linked to; None where nothing is known of links."""
    return map_of_sites(only={site.pk, *(other.pk for other in others)}) if others else None


def _sources(
    *facts: dict[str, Any], rows: Iterable[StageChange | UnitConversion | Statement] = ()
) -> list[tuple[str, str]]:
    """The sources that these facts and rows name, with their text. Rows that say theirs in words name none."""
    codes = {fact["source"] for part in facts for fact in part.values() if isinstance(fact, dict) and "source" in fact}
    texts = queries.sources(codes | {row.source for row in rows})
    return sorted((code, texts.get(code, code)) for code in codes | texts.keys())
