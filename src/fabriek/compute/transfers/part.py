"""The agent's part in moving data: asks what is to be done, does it beside its rounds, tells how far it is.

Why nothing is half done: every step can be carried out again, so an agent that was killed begins its step anew, and
rsync goes on from what it had. What the platform names no more is stopped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fabriek.compute.engine import Engine
from fabriek.compute.transfers.children import Stopped
from fabriek.compute.transfers.settings import TransferSettings, read_transfers
from fabriek.compute.transfers.tasks import Task
from fabriek.compute.wire import TransferAbility, TransferOrder, TransferOrders, TransferReport

Call = Callable[..., Any]
Key = tuple[str, int, str]
# What reads or writes whole files; the rest is short and never waits for it.
_HEAVY = frozenset({"carry", "digest"})


class Work:
    """A task in a thread of its own."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.told = ""
        self._ended: TransferReport | None = None
        self._thread = threading.Thread(target=self._run, name=f"transfer {task.order.uuid}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._ended = self.task.work()
        except Stopped:
            pass
        except Exception as error:
            self._ended = self.task.report("failed", error="failed", detail=f"{type(error).__name__}: {error}")

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._thread.is_alive()

    def report(self) -> TransferReport:
        """How far it is."""
        return self._ended or self.task.report("running", **self.task.progress)

    def stop(self, patience: float | None = 0) -> None:
        """End it; it may take a moment."""
        self.task.children.stop()
        self._thread.join(patience)


class Transfers:
    """What an agent does about data between sites. `folder`: its own, with `transfers.toml`."""

    def __init__(self, engine: Engine, folder: Path, settings: TransferSettings | None = None) -> None:
        """Errors: ValueError where transfers.toml makes no sense."""
        self._engine = engine
        self._settings = settings or read_transfers(folder / "transfers.toml")
        self._notes = folder / "transfers"
        self._notes.mkdir(exist_ok=True, parents=True)
        self._works: dict[Key, Work] = {}
        self._ending: list[Work] = []
        self._ability_told = False

    def ability(self) -> TransferAbility:
        """What can be done here."""
        if why := self._engine.cannot_move():
            return TransferAbility(storage=False, why=why)
        if self._settings is None:
            return TransferAbility(storage=False, why="the agent has no transfers.toml")
        return TransferAbility(
            storage=True, fetches_from=sorted(self._settings.fetch), brings_to=sorted(self._settings.bring)
        )

    def round(self, call: Call) -> None:
        """Ask, start, stop, tell. Errors: those of `call`."""
        ability = self.ability()
        if not self._ability_told:
            call("PUT", "transfer-ability", ability.model_dump_json())
            self._ability_told = True
        settings = self._settings
        if settings is None or not ability.storage:
            return
        orders = TransferOrders.model_validate(call("GET", "transfers")).transfers
        wanted: dict[Key, TransferOrder] = {(order.uuid, order.attempt, order.task): order for order in orders}
        self._stop_others(wanted)
        for key, order in wanted.items():
            if key not in self._works and self._may_start(order, settings.at_once):
                self._works[key] = Work(Task(order, settings, self._engine, self._notes))
        for key in wanted.keys() & self._works.keys():
            self._tell(key, call)

    def close(self) -> None:
        """Stop all; the next agent goes on from there."""
        for work in [*self._works.values(), *self._ending]:
            work.stop()
        for work in [*self._works.values(), *self._ending]:
            work.stop(30)

    def _stop_others(self, wanted: dict[Key, TransferOrder]) -> None:
        for key in self._works.keys() - wanted.keys():
            work = self._works.pop(key)
            work.stop()
            self._ending.append(work)
        self._ending = [work for work in self._ending if work.alive]

    def _may_start(self, order: TransferOrder, at_once: int) -> bool:
        """Not beside a task of the same transfer that still comes to its end, nor more at once than is set."""
        others = [work for work in [*self._works.values(), *self._ending] if work.alive]
        if any(work.task.order.uuid == order.uuid for work in others):
            return False
        heavy = sum(work.task.order.task in _HEAVY for work in others)
        return order.task not in _HEAVY or heavy < at_once

    def _tell(self, key: Key, call: Call) -> None:
        work = self._works[key]
        content = work.report().model_dump_json()
        if content != work.told:
            call("POST", f"transfers/{key[0]}/status", content)
            work.told = content
