"""The index follows the database: what is published is put in, what isn't any more is taken out.

Nothing has to be told: an entry that changes has a new `changed_at`, and the index knows how far it has come. So a
process that is killed in the middle leaves nothing undone that the next one doesn't find. `fabriek work` follows all
the time; a reader who comes before it follows a small step by themselves. `reconcile` compares the whole of both, which
also finds what no time tells: rows that were deleted, a database that was put back to an older day.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Max, QuerySet

from fabriek.catalogue.models import Entry, EntryState
from fabriek.catalogue.record import RecordBroken, read_record
from fabriek.catalogue.search.documents import Document, document_of
from fabriek.catalogue.search.index import Broken, Busy, Index

OVERLAP = timedelta(minutes=1)
"""On PostgreSQL a change may be seen after one that is later, as long as its transaction takes: so much is looked at
again. What takes longer is found by `reconcile`."""
STEP = 50
"""Changes that a reader follows before they are answered."""
SMALL = 1_000
"""An index of so many entries is made while the first reader waits: a second."""
BATCH = 2_000

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_log = logging.getLogger("fabriek.catalogue")
_held: dict[Path, Index] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Fed:
    """What a round did to the index."""

    put: int = 0
    removed: int = 0


def folder() -> Path:
    """Where the index is: beside the embedded database, whichever database is used."""
    return Path(settings.FABRIEK_FOLDER) / "search"


def index() -> Index:
    """This process's hold on the index. A folder that can't be read is put away and begun anew. Errors: OSError."""
    where = folder()
    with _lock:
        held = _held.get(where)
        if held is None or not held.folder.exists():
            try:
                held = Index(where)
            except Broken:
                _log.exception("the search index can't be read and is made anew")
                _throw_away(where)
                held = Index(where)
            _held[where] = held
    return held


def forget(*, broken: bool = True) -> None:
    """Let go of the index; broken: it can't be read, so that it's made anew by the next who looks."""
    with _lock:
        held = _held.pop(folder(), None)
        if broken and held is not None:
            _log.error("the search index can't be read and is made anew")
            _throw_away(folder())


def fresh() -> Index | None:
    """The index, with the last few changes followed; None: it isn't whole yet. Two queries where nothing changed."""
    held = index()
    mark = held.watermark()
    if not mark:
        if _published().count() > SMALL:
            return None
        reconcile(held)
        return held if held.watermark() else None
    # In no order, so that the database takes the index on the time and looks at nothing else.
    waiting = _changed_after(_time(mark)).order_by()[: STEP + 1].count()
    if 0 < waiting <= STEP:
        follow(held)
    return held


def reached() -> datetime | None:
    """Up to when changes are in the index; None: it isn't whole yet."""
    mark = index().watermark()
    return _time(mark) if mark else None


def follow(held: Index | None = None, *, overlap: timedelta = timedelta(0)) -> Fed | None:
    """Put in the index what changed since it was last told, at most BATCH entries in one commit. None: somebody else
    is at it, or it isn't whole and `reconcile` comes first."""
    held = held or index()
    mark = held.watermark()
    if not mark:
        return None
    changed = _changed_after(_time(mark) - overlap).order_by("changed_at", "id")
    seen = list(changed.values_list("uuid", "state", "changed_at")[:BATCH])
    put = [
        str(key) for key, state, at in seen if state == EntryState.PUBLISHED and not held.holds(str(key), _stamp(at))
    ]
    gone = [str(key) for key, state, _at in seen if state != EntryState.PUBLISHED and not held.holds(str(key), None)]
    newest = max((at for _key, _state, at in seen), default=_time(mark))
    if not put and not gone and newest <= _time(mark):
        return Fed()
    try:
        with held.writing() as writer:
            done = Fed(writer.put(_documents(put)), writer.remove(gone))
            writer.mark(max(newest, _time(mark)).isoformat())
    except Busy:
        return None
    return done


def reconcile(held: Index | None = None, *, anew: bool = False) -> Fed | None:
    """Compare all of the index with the database and mend what differs, in batches: killed in the middle, it goes on
    where it was. anew: forget what the index holds first. None: somebody else is writing."""
    held = held or index()
    newest = Entry.objects.exclude(state=EntryState.DRAFT).aggregate(at=Max("changed_at"))["at"] or _BEGINNING
    try:
        if anew:
            with held.writing() as writer:
                writer.clear()
        there = held.stamps()
        wanted = {str(key): _stamp(at) for key, at in _published().values_list("uuid", "changed_at").iterator()}
        put = [key for key, stamp in wanted.items() if there.get(key) != stamp]
        gone = [key for key in there if key not in wanted]
        for at in range(0, max(len(put), 1), BATCH):
            with held.writing(threads=2 if len(put) > BATCH else 1) as writer:
                writer.put(_documents(put[at : at + BATCH]))
                if at + BATCH >= len(put):
                    writer.remove(gone)
                    writer.mark(newest.isoformat())
    except Busy:
        return None
    held.clear_others()
    return Fed(len(put), len(gone))


def _published() -> QuerySet[Entry]:
    return Entry.objects.filter(state=EntryState.PUBLISHED)


def _changed_after(mark: datetime) -> QuerySet[Entry]:
    return Entry.objects.filter(state__in=[EntryState.PUBLISHED, EntryState.RETIRED], changed_at__gt=mark)


def _documents(keys: Iterable[str]) -> Iterator[Document]:
    keys = list(keys)
    for at in range(0, len(keys), 500):
        rows = _published().filter(uuid__in=keys[at : at + 500])
        for key, said, changed, published in rows.values_list("uuid", "record", "changed_at", "published_at"):
            try:
                record = read_record(said)
            except RecordBroken:
                # Written by another version of the platform: the rest is found all the same.
                _log.exception("entry %s can't be read and isn't found", key)
                continue
            when = int((published or changed).timestamp())
            yield document_of(record, key=str(key), stamp=_stamp(changed), published=when)


def _stamp(at: datetime) -> str:
    return str(int(at.timestamp() * 1_000_000))


def _time(mark: str) -> datetime:
    return datetime.fromisoformat(mark)


def _throw_away(where: Path) -> None:
    shutil.rmtree(where, ignore_errors=True)
