"""Lines of long work that processes take up, hold and let go of: who holds something says so again and again (its
lease), and what a silent holder held is taken up once more. There may be several processes, and each may be killed at
any moment; an answer is kept only from who holds the work at that moment.

A room makes a model of `Leased`, and a `Line` of that.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.connection import wait
from typing import Any

from django.db import close_old_connections, models
from django.db.utils import OperationalError
from django.utils import timezone

from fabriek.conf.apart import Apart, Step

LEASE = timedelta(seconds=20)
RENEW = timedelta(seconds=5)
ATTEMPTS = 3
"""What was lost so often is not tried again by itself: it may be what kills its holders."""

WAITS_LONG = timedelta(seconds=20)
"""What nobody takes up for so long, while nothing of its line is held, waits for a worker that isn't there."""

ASKED, CANCELLED, FAILED = "asked", "cancelled", "failed"


class Leased(models.Model):
    """How far some work is. States: asked, the line's own for being worked at and done, cancelled, failed."""

    state = models.CharField(max_length=10, default=ASKED)
    step = models.CharField(max_length=60, blank=True, help_text="what the solver is doing")
    solver = models.CharField(max_length=40, blank=True, help_text="who holds it")
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField(default=timezone.now)
    began_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    fault = models.TextField(blank=True)

    class Meta:
        abstract = True


def constraints_of(states: type[models.TextChoices], working: str, name: str) -> list[models.BaseConstraint]:
    """Of a model of `Leased`: its state is one of these, and what is being worked at is held by somebody."""
    held = ~models.Q(solver="") & models.Q(lease_until__isnull=False)
    return [
        models.CheckConstraint(condition=models.Q(state__in=states.values), name=f"{name}_state_known"),
        models.CheckConstraint(condition=~models.Q(state=working) | held, name=f"{name}_is_held"),
    ]


@dataclass(frozen=True)
class Line:
    """The rows of one model. working, done: its names for these states; asker: the way from a row to who asked; lost:
    the sentence about what was lost too often, with one %s."""

    model: type[Leased]
    working: str
    done: str
    asker: str
    lost: str

    def _rows(self, **wanted: Any) -> models.QuerySet[Any]:
        return self.model._default_manager.filter(**wanted)

    def claim(self, solver: str, now: datetime | None = None, lease: timedelta = LEASE) -> Any:
        """Take up what waits longest, and return its key; somebody of whom nothing is being worked at comes first, so
        that one person's many questions don't hold up another's one. None: nothing waits."""
        now = now or timezone.now()
        self._back_from_the_lost(now)
        busy = set(self._rows(state=self.working).values_list(self.asker, flat=True))
        waiting = self._rows(state=ASKED).order_by("asked_at", "pk").values_list("pk", self.asker)
        for key, _person in sorted(waiting, key=lambda row: row[1] in busy):
            if self._rows(pk=key, state=ASKED).update(
                state=self.working, solver=solver, lease_until=now + lease, began_at=now, step=""
            ):
                return key
        return None

    def _back_from_the_lost(self, now: datetime) -> None:
        for run in self._rows(state=self.working, lease_until__lt=now):
            again = run.attempts + 1 < ATTEMPTS
            self._rows(pk=run.pk, state=self.working, lease_until=run.lease_until).update(
                state=ASKED if again else FAILED,
                attempts=run.attempts + 1,
                solver="",
                lease_until=None,
                step="",
                fault="" if again else self.lost % ATTEMPTS,
                ended_at=None if again else now,
            )

    def holds(self, key: Any, solver: str) -> bool:
        """Whether it is still this one's."""
        return self._rows(pk=key, state=self.working, solver=solver).exists()

    def renew(self, key: Any, solver: str, step: str, now: datetime | None = None, lease: timedelta = LEASE) -> bool:
        """Say that one still holds it, and what one does. False: it was cancelled, or given to another."""
        now = now or timezone.now()
        mine = self._rows(pk=key, state=self.working, solver=solver)
        return bool(mine.update(lease_until=now + lease, step=step[:60]))

    def end(self, key: Any, solver: str, fault: str = "") -> bool:
        """It is done, or failed where there is a fault. False: this one doesn't hold it (any more). In one transaction
        with the answer, so that there is one answer or none."""
        return bool(
            self._rows(pk=key, state=self.working, solver=solver).update(
                state=FAILED if fault else self.done,
                solver="",
                lease_until=None,
                step="",
                ended_at=timezone.now(),
                fault=fault[:2000],
            )
        )

    def hold_here(self, key: Any, lease: timedelta) -> str:
        """Hold it for working at it in this process, for as long as that may take. Returns the holder's name."""
        solver, now = f"here-{uuid.uuid4().hex[:12]}", timezone.now()
        self._rows(pk=key, state=ASKED).update(state=self.working, solver=solver, lease_until=now + lease, began_at=now)
        return solver

    def let_go(self, key: Any, solver: str) -> None:
        """Put it back: it waits for the next one."""
        self._rows(pk=key, state=self.working, solver=solver).update(state=ASKED, solver="", lease_until=None, step="")

    def cancel(self, key: Any) -> bool:
        """Stop asking. False: nobody is at it any more."""
        return bool(
            self._rows(pk=key, state__in=[ASKED, self.working]).update(
                state=CANCELLED, solver="", lease_until=None, step="", ended_at=timezone.now()
            )
        )

    def ahead_of(self, run: Leased) -> int:
        """How many wait before this one. One query."""
        return self._rows(state=ASKED, asked_at__lt=run.asked_at).exclude(pk=run.pk).count()

    def is_broken_off(self, run: Leased, now: datetime | None = None) -> bool:
        """Whether nothing comes of it by itself: it was cancelled, failed, or its holder was lost."""
        return run.state in (CANCELLED, FAILED) or self._is_lost(run, now)

    def state_now(self, run: Leased, now: datetime | None = None) -> str:
        """The state as it is: who holds it and has been silent since its lease has lost it, and it is asked again."""
        return ASKED if self._is_lost(run, now) else run.state

    def _is_lost(self, run: Leased, now: datetime | None) -> bool:
        return run.state == self.working and run.lease_until is not None and run.lease_until < (now or timezone.now())

    def is_left_waiting(self, run: Leased, now: datetime | None = None) -> bool:
        """Whether it waits for a worker that doesn't seem to be there."""
        now = now or timezone.now()
        return (
            run.state == ASKED
            and now - run.asked_at > WAITS_LONG
            and not self._rows(state=self.working, lease_until__gt=now).exists()
        )


def back_in_line(run: Leased) -> None:
    """The very same question, asked anew."""
    run.state, run.solver, run.step, run.fault = ASKED, "", "", ""
    run.lease_until = run.began_at = run.ended_at = None
    run.attempts, run.asked_at = 0, timezone.now()
    run.save()


@dataclass
class Work:
    """What a worker is at."""

    key: Any
    apart: Apart
    step: str = ""
    renewed: datetime = field(default_factory=timezone.now)


class Worker:
    """Works at a line, at some things at once, each in a process of its own. `tick` is one round: take up, listen,
    keep; it never waits.

    begin: starts the work with this key. keep: keeps a message that isn't a Step (key, holder, message).
    """

    def __init__(
        self,
        line: Line,
        begin: Callable[[Any], Apart],
        keep: Callable[[Any, str, Any], bool],
        at_once: int,
    ) -> None:
        self.name = f"solver-{uuid.uuid4().hex[:12]}"
        self.at_once = at_once
        self._line, self._begin, self._keep = line, begin, keep
        self.works: list[Work] = []
        self.ended = 0
        """How many it has let go of: answered, failed or cancelled."""

    def tick(self) -> None:
        """One round. What is held is renewed before more is taken up: a round that came late must not take its own
        work for a lost one."""
        self._listen(list(self.works))
        while len(self.works) < self.at_once and (key := self._line.claim(self.name)) is not None:
            self.works.append(Work(key, self._begin(key)))
            self._listen(self.works[-1:])

    def _listen(self, works: list[Work]) -> None:
        for work in works:
            if self._is_over(work):
                work.apart.stop()
                self.works.remove(work)
                self.ended += 1

    def _is_over(self, work: Work) -> bool:
        step = work.step
        for message in work.apart.messages():
            if not isinstance(message, Step):
                self._keep(work.key, self.name, message)
                return True
            step = message.words
        now = timezone.now()
        if step == work.step and now - work.renewed < RENEW:
            # What was cancelled is let go of at once, not with the next lease.
            return not self._line.holds(work.key, self.name)
        work.step, work.renewed = step, now
        return not self._line.renew(work.key, self.name, step, now)

    def stop(self) -> None:
        """Let go of everything: it waits for the next worker."""
        for work in self.works:
            work.apart.stop()
            self._line.let_go(work.key, self.name)
        self.works.clear()


def work_at(worker: Worker, stopped: threading.Event, until_idle: bool = False, pause: float = 0.5) -> int:
    """Work until somebody says stop, or until nothing is asked any more. Returns how much ended."""
    try:
        while not stopped.is_set():
            close_old_connections()
            # A database that is busy or away for a moment loses nothing: the next round finds the same.
            with suppress(OperationalError):
                worker.tick()
                if until_idle and not worker.works:
                    break
            pipes = [one.apart.pipe for one in worker.works]
            if not pipes or not wait(pipes, timeout=pause):
                stopped.wait(0 if pipes else pause)
    finally:
        with suppress(OperationalError):
            worker.stop()
    return worker.ended
