"""The daily proof: totals of days that are over, and the runs of the lines in which the ledger says something else."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from fabriek.compute.agent.errors import PlatformRefused
from fabriek.compute.agent.line import Line
from fabriek.compute.engine import Engine
from fabriek.compute.local import supervisor
from fabriek.compute.wire import ProofAnswer

# Days are proved for a week, an hour after their end at the earliest.
PROOF_DAYS = 7
PROOF_AFTER = 3_600
PROOF_EVERY = 86_400
PROOF_AGAIN = 3_600


class Proofs:
    """Proves one day after another. `proved.json` remembers which, and when. Errors are added to `errors`."""

    def __init__(self, engine: Engine, line: Line, folder: Path, errors: list[str]) -> None:
        self._engine, self._line, self._folder, self._errors = engine, line, folder, errors

    def prove(self) -> None:
        """What is due."""
        now = datetime.now(UTC)
        proved = self._proved(now)
        for day in due_days(now, proved):
            try:
                differs = self.prove_day(day)
            except PlatformRefused as refusal:
                # Jobs and limits must not wait for it: a platform that is older than this agent takes no proofs.
                self._errors.append(f"proof of {day}: {refusal}")
                return
            proved["days"][str(day)] = {"at": now.timestamp(), "differs": differs}
            first = str((now - timedelta(days=PROOF_DAYS)).date())
            proved["days"] = {known: what for known, what in proved["days"].items() if known >= first}
            supervisor.write_whole(self._folder / "proved.json", proved)

    def prove_day(self, day: date) -> bool:
        """Send a day's totals, and the runs that are asked for then; whether the ledger says something else. Of a day
        that isn't over, what ended so far: `proved.json` doesn't take it for proved. Errors: PlatformRefused."""
        proof = self._engine.prove(day)
        answer = ProofAnswer.model_validate(self._line.call("PUT", f"proofs/{day}", proof.model_dump_json()))
        if answer.wanted:
            runs = self._engine.proof_runs(day, answer.wanted)
            self._line.call("PUT", f"proofs/{day}/runs", runs.model_dump_json())
        return answer.differs

    def _proved(self, now: datetime) -> dict[str, Any]:
        """What was proved when, and the first day that is: the one on which this agent began."""
        try:
            found: dict[str, Any] = json.loads((self._folder / "proved.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            found = {"since": str(now.date()), "days": {}}
            supervisor.write_whole(self._folder / "proved.json", found)
        return found


def due_days(now: datetime, proved: dict[str, Any]) -> list[date]:
    """Which days are to be proved now, the oldest first.

    Days of the last week that are over for an hour, since this agent began: each once a day again, because records are
    corrected; every hour while it differs.
    """
    found = []
    for ago in range(PROOF_DAYS, 0, -1):
        day = (now - timedelta(days=ago)).date()
        is_over = now >= datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, seconds=PROOF_AFTER)
        known = proved["days"].get(str(day))
        every = PROOF_AGAIN if known and known["differs"] else PROOF_EVERY
        if is_over and str(day) >= proved["since"] and (not known or not 0 <= now.timestamp() - known["at"] < every):
            found.append(day)
    return found
