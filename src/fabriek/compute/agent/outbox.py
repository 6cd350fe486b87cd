"""What was used, on its way to the platform: fixed on disk with its key, sent, forgotten once it was answered.

`outbox/`: batches to be sent. `returned/`: records that the platform could not book, which are sent again.
`cursor.json`: up to where the scheduler's accounting was sent.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from pathlib import Path
from typing import Any

from fabriek.compute.agent.line import Line
from fabriek.compute.agent.summary import RoundSummary
from fabriek.compute.engine import Engine
from fabriek.compute.local import supervisor
from fabriek.compute.wire import UsageAnswer

BATCH = 1_000
# A record that the platform could not book (no such project yet, say) is sent again this many seconds later.
AGAIN = 600.0


class Outbox:
    """Sends each record that the scheduler accounted for, until the platform has it. Errors are added to `errors`."""

    def __init__(self, engine: Engine, line: Line, folder: Path, errors: list[str]) -> None:
        self._engine, self._line, self._folder, self._errors = engine, line, folder, errors
        self._waiting, self._returned = folder / "outbox", folder / "returned"
        self._waiting.mkdir(parents=True, exist_ok=True)
        self._returned.mkdir(exist_ok=True)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be sent."""
        return not any(self._waiting.glob("*.json"))

    def send(self, summary: RoundSummary) -> None:
        """Send what waits, then what is new, until there is nothing more."""
        while True:
            waiting = sorted(self._waiting.glob("*.json"))
            if not waiting and not self._take_returned() and not self._fill():
                self._errors += self._engine.notes()
                return
            for path in waiting or sorted(self._waiting.glob("*.json")):
                self._send(path, summary)

    def _send(self, path: Path, summary: RoundSummary) -> None:
        batch = json.loads(path.read_text(encoding="utf-8"))
        if batch["cursor"] is not None:
            self._drop_returned(batch["records"])
        body = json.dumps({"key": batch["key"], "records": batch["records"]})
        answer = UsageAnswer.model_validate(self._line.call("POST", "usage-batches", body))
        self._keep_returned(batch, answer)
        # The cursor first: killed between the two, the batch is sent again, and counts as repeated.
        if batch["cursor"] is not None:
            supervisor.write_whole(self._folder / "cursor.json", {"cursor": batch["cursor"]})
        path.unlink()
        summary.booked += answer.booked
        summary.repeated += answer.repeated
        summary.broken += len(answer.broken)
        self._errors += [f"usage record {fault.get('line')}: {fault.get('why')}" for fault in answer.broken]

    def _fill(self) -> bool:
        records, cursor = self._engine.usage_since(self._cursor(), BATCH)
        if not records:
            return False
        rows = [
            {**record.as_dict(), "accelerator_seconds": record.accelerator_seconds, "core_seconds": record.core_seconds}
            for record in records
        ]
        self._put(rows, cursor)
        return True

    def _put(self, rows: list[Any], cursor: str | None) -> None:
        """Fix a batch and its key on disk before it is sent. cursor None: it leaves the cursor where it is."""
        key = f"{int(time.time()):012d}-{uuid.uuid4().hex}"
        supervisor.write_whole(self._waiting / f"{key}.json", {"key": key, "cursor": cursor, "records": rows})

    def _keep_returned(self, batch: dict[str, Any], answer: UsageAnswer) -> None:
        """Keep what the platform could not book: it is sent again later, for ever, until somebody mends the cause. What
        it never will book is let go."""
        places = sorted({int(fault.get("line", 0)) for fault in answer.broken if not fault.get("final")})
        rows = [batch["records"][place - 1] for place in places if 1 <= place <= len(batch["records"])]
        if rows:
            kept = {"records": rows, "broken": answer.broken}
            supervisor.write_whole(self._returned / f"{batch['key']}.json", kept)

    def _take_returned(self) -> bool:
        """Put the records that came back long enough ago into the outbox again. Killed between the two writes, they
        are sent twice, and booked once: a record has its own key."""
        for path in sorted(self._returned.glob("*.json")):
            if time.time() - path.stat().st_mtime >= AGAIN:
                self._put(json.loads(path.read_text(encoding="utf-8"))["records"], None)
                path.unlink()
                return True
        return False

    def _drop_returned(self, rows: list[Any]) -> None:
        """Of what came back, forget what is told anew: sent again later, the old word would count as the last one."""
        told = {_run_of(row) for row in rows}
        for path in self._returned.glob("*.json"):
            kept = json.loads(path.read_text(encoding="utf-8"))
            rest = [row for row in kept["records"] if _run_of(row) not in told]
            if not rest:
                path.unlink()
            elif len(rest) < len(kept["records"]):
                # It waits as long as it would have: what came back when is the file's own time.
                since = path.stat().st_mtime
                supervisor.write_whole(path, {**kept, "records": rest})
                os.utime(path, (since, since))

    def _cursor(self) -> str:
        try:
            return str(json.loads((self._folder / "cursor.json").read_text(encoding="utf-8"))["cursor"])
        except FileNotFoundError:
            return ""


def _run_of(row: Any) -> tuple[Any, Any]:
    return row.get("job_id"), row.get("submit")
