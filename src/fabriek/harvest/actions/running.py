"""A run: fetch a page, understand it, take in what it tells, note where to go on; until there is no next page."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.catalogue.actions import retire_gone, take_in
from fabriek.catalogue.errors import RecordInvalid
from fabriek.catalogue.models import Entry, EntryState
from fabriek.catalogue.record import Record
from fabriek.catalogue.rules import Name, known_by
from fabriek.catalogue.standards.reading import StandardBroken
from fabriek.harvest.errors import SourceSleeps
from fabriek.harvest.models import Remark, Run, RunState, Seen, Source
from fabriek.harvest.network import FetchFailed, Line, PlaceUnknown
from fabriek.harvest.readers import READERS, Asked, Found, Page

OVERLAP = timedelta(hours=1)
"""Asked again beyond the beginning of the last sweep: clocks differ."""
MOST_LOST = 0.5
"""A source that no longer names more than this part of what it named is broken sooner than empty."""
FEW = 10
"""Of fewer than this all may go at once."""
MOST_REMARKS = 1_000
LATER = timedelta(hours=1)
"""After a failure it is asked again that soon, or after its own hours where they are fewer."""


def run_due(line: Line | None = None, stopped: threading.Event | None = None) -> list[Run]:
    """Ask every source whose time has come, one after the other."""
    runs = []
    for source in Source.objects.filter(is_active=True, next_run__lte=timezone.now()).order_by("next_run"):
        if stopped is not None and stopped.is_set():
            break
        runs.append(run_source(source, line, stopped=stopped))
    return runs


def run_source(source: Source, line: Line | None = None, *, stopped: threading.Event | None = None) -> Run:
    """Ask a source for what changed; a sweep that was cut off goes on where it was. What the source does wrong is told
    by the run. Errors: SourceSleeps.
    """
    source.refresh_from_db()
    if not source.is_active:
        raise SourceSleeps(_("%(name)s sleeps. Wake it first.") % {"name": source.name})
    with _line(line) as used:
        try:
            run = _begin(source)
        except StandardBroken as error:
            return _failed_at_once(source, str(error))
        try:
            _sweep(source, run, used, stopped or threading.Event())
        except (FetchFailed, StandardBroken) as error:
            _fail(source, run, str(error))
    run.refresh_from_db()
    source.refresh_from_db()
    return run


@contextmanager
def _line(line: Line | None) -> Iterator[Line]:
    if line is not None:
        yield line
        return
    with Line(settings.FABRIEK_HARVEST_NETWORKS) as made:
        yield made


def _asked(source: Source) -> Asked:
    return Asked(source.address, source.part, source.since)


@transaction.atomic
def _begin(source: Source) -> Run:
    """A run, in the sweep that is under way or in a new one. Errors: StandardBroken where its part isn't known."""
    held = Source.objects.select_for_update().get(pk=source.pk)
    now = timezone.now()
    held.runs.filter(state=RunState.RUNNING).update(
        state=RunState.FAILED, why="It was cut off. The next run went on where it was.", ended_at=now
    )
    resumed = held.sweep is not None
    if not resumed:
        _begin_sweep(held)
    _copy(held, source)
    return Run.objects.create(source=held, resumed=resumed)


def _begin_sweep(held: Source) -> None:
    held.sweep, held.sweep_began = uuid.uuid4(), timezone.now()
    held.next_page = READERS[held.kind].first(_asked(held))
    held.save(update_fields=["sweep", "sweep_began", "next_page"])


def _sweep(source: Source, run: Run, line: Line, stopped: threading.Event) -> None:
    reader = READERS[source.kind]
    while source.next_page:
        if stopped.is_set():
            _end(run, RunState.FAILED, "It was stopped. The next run goes on where it was.")
            return
        try:
            page = reader.read(line.get(source.next_page, reader.accept), _asked(source))
        except (PlaceUnknown, StandardBroken):
            if not (run.resumed and run.pages == 0):
                raise
            # A token that ran out, say: from the beginning.
            run.resumed = False
            with transaction.atomic():
                _begin_sweep(source)
            continue
        if page.next == source.next_page or len(page.next) > 4_000:
            raise StandardBroken("the address of its next page leads nowhere")
        if not _write(source, run, page):
            _end(run, RunState.OVERTAKEN, "")
            return
    _complete(source, run)


@transaction.atomic
def _write(source: Source, run: Run, page: Page) -> bool:
    """A page into the catalogue, with the place of the next. False: another run was here before."""
    held = Source.objects.select_for_update().get(pk=source.pk)
    if held.sweep is None or (held.sweep, held.next_page) != (source.sweep, source.next_page):
        return False
    usable = [one for one in page.found if one.record is not None and 0 < len(one.identifier) <= 500]
    seen = {one.identifier: one for one in held.seen.filter(identifier__in=[found.identifier for found in usable])}
    doubles = known_elsewhere(held, [found.record for found in usable if found.record is not None])
    for found in page.found:
        _take(held, held.sweep, run, found, seen, doubles)
    Seen.objects.bulk_create(
        [one for one in seen.values() if one.pk is None],
        update_conflicts=True,
        unique_fields=["source", "identifier"],
        update_fields=["sweep", "gone"],
    )
    _retire(held, run, [identifier[:500] for identifier in page.gone])
    run.pages += 1
    run.passed_over += page.passed_over
    run.save()
    held.next_page = page.next
    held.save(update_fields=["next_page"])
    _copy(held, source)
    return True


def _take(held: Source, sweep: uuid.UUID, run: Run, found: Found, seen: dict[str, Seen], doubles: set[Name]) -> None:
    if found.record is None or not 0 < len(found.identifier) <= 500:
        run.broken += 1
        _remark(run, found, found.remarks or ("its identifier is longer than 500 characters",), is_fault=True)
        return
    if doubles & known_by(found.record):
        run.double += 1
        return
    before = seen.get(found.identifier)
    try:
        taken = take_in(
            found.record, held.code, found.identifier, demo=held.is_demo, returned=before is not None and before.gone
        )
    except RecordInvalid as error:
        run.broken += 1
        _remark(run, found, tuple(f"{name}: {faults[0]}" for name, faults in error.faults.items()), is_fault=True)
        return
    setattr(run, taken, getattr(run, taken) + 1)
    seen[found.identifier] = Seen(source=held, identifier=found.identifier, sweep=sweep)
    if taken in ("added", "changed"):
        _remark(run, found, found.remarks, is_fault=False)


def known_elsewhere(held: Source, records: list[Record]) -> set[Name]:
    """Which of these names an entry has that is not this source's: it is not told of twice. Two queries."""
    names = set().union(*map(known_by, records))
    others = Entry.objects.exclude(origin=held.code).exclude(state=EntryState.RETIRED)
    columns = {"address": "identifier", "hub": "places__on_hub"}
    return {
        (whose, name)
        for whose, column in columns.items()
        for name in others.filter(**{f"{column}__in": [name for kind, name in names if kind == whose]}).values_list(
            column, flat=True
        )
    }


def _remark(run: Run, found: Found, texts: tuple[str, ...], *, is_fault: bool) -> None:
    if not texts:
        return
    room = MOST_REMARKS - run.remarks.count()
    Remark.objects.bulk_create(
        Remark(run=run, identifier=found.identifier[:500], text=text[:1_000], is_fault=is_fault)
        for text in texts[: max(room, 0)]
    )


def _retire(held: Source, run: Run, identifiers: list[str]) -> None:
    retired = retire_gone(held.code, identifiers)
    held.seen.filter(identifier__in=retired).update(gone=True)
    run.gone += len(retired)


@transaction.atomic
def _complete(source: Source, run: Run) -> None:
    held = Source.objects.select_for_update().get(pk=source.pk)
    if held.sweep is None or held.sweep != source.sweep:
        _end(run, RunState.OVERTAKEN, "")
        return
    if READERS[held.kind].whole:
        lost = list(held.seen.filter(gone=False).exclude(sweep=held.sweep).values_list("identifier", flat=True))
        there = held.seen.filter(gone=False).count()
        if len(lost) >= FEW and len(lost) > MOST_LOST * there and not held.accepts_losses:
            _drop_sweep(held, timezone.now() + _later(held))
            _end(
                run,
                RunState.FAILED,
                f"It no longer names {len(lost)} of {there} things. Nothing was retired: look whether it is ill, "
                "and have it asked again accepting losses if they are gone.",
            )
            return
        for start in range(0, len(lost), 500):
            _retire(held, run, lost[start : start + 500])
    began = held.sweep_began or timezone.now()
    held.since, held.accepts_losses = began - OVERLAP, False
    _drop_sweep(held, began + timedelta(hours=held.every_hours))
    _end(run, RunState.COMPLETED, "")


def _drop_sweep(held: Source, next_run: datetime) -> None:
    held.sweep, held.sweep_began, held.next_page, held.next_run = None, None, "", next_run
    held.save(update_fields=["since", "sweep", "sweep_began", "next_page", "next_run", "accepts_losses"])


def _later(source: Source) -> timedelta:
    return min(LATER, timedelta(hours=source.every_hours))


@transaction.atomic
def _fail(source: Source, run: Run, why: str) -> None:
    """The sweep stays where it is: the next run goes on there."""
    Source.objects.filter(pk=source.pk).update(next_run=timezone.now() + _later(source))
    _end(run, RunState.FAILED, why)


@transaction.atomic
def _failed_at_once(source: Source, why: str) -> Run:
    run = Run.objects.create(source=source)
    _fail(source, run, why)
    return run


def _end(run: Run, state: RunState, why: str) -> None:
    run.state, run.why, run.ended_at = state, why[:2_000], timezone.now()
    run.save()


def _copy(held: Source, source: Source) -> None:
    """What the caller's source is to know of the row that was written."""
    for name in ("since", "sweep", "sweep_began", "next_page", "next_run"):
        setattr(source, name, getattr(held, name))
