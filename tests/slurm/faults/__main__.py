"""`make faults`: hurts everything at every boundary and prints the table of faults tried and survived.

`--short`: a sample, as continuous integration runs it. Exit status 1: something did not survive; it is named.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.slurm.faults.line import Cable
    from tests.slurm.faults.trial import Fault, Outcome

    from fabriek.demo.slurm import Bed


_OF_SLURM = ("sacct", "sacctmgr", "sbatch", "squeue", "scontrol", "scancel")


def main() -> int:
    """Prepare a folder and a database of its own, then try."""
    reading = argparse.ArgumentParser(prog="python -m tests.slurm.faults")
    reading.add_argument("--short", action="store_true", help="a sample")
    reading.add_argument("--only", default="", help="faults whose name holds this")
    reading.add_argument("--part", type=_part, default=(1, 1), help="2/4: the second of four parts of each kind")
    reading.add_argument("--seconds", type=float, default=0, help="stop after this long; the table says what was left")
    asked = reading.parse_args()
    # Told to stop, it takes its clusters down all the same.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="fabriek-", dir=memory if os.access(memory, os.W_OK) else "/tmp"))
    try:
        _prepare(folder)
        return _try_all(folder, asked)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _part(text: str) -> tuple[int, int]:
    """Which part, and of how many."""
    part, parts = (int(number) for number in text.split("/"))
    if not 1 <= part <= parts:
        raise ValueError(text)
    return part, parts


def _prepare(folder: Path) -> None:
    """A database of its own, before anything of Django is used."""
    folder.chmod(0o755)
    os.environ["FABRIEK_FOLDER"] = str(folder / "platform")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fabriek.conf.settings")
    import django

    django.setup()
    from django.core.management import call_command
    from django.urls import get_resolver

    call_command("migrate", verbosity=0)
    # Each platform is a fork of this process: what is imported here need not be imported by every one of them.
    _ = get_resolver().url_patterns


def _try_all(folder: Path, asked: argparse.Namespace) -> int:
    from tests.slurm.faults.line import Cable, cables_can_be_laid
    from tests.slurm.faults.trial import Ground, run_trial

    from fabriek.demo.slurm import Bed, Cluster, Partition, ordinary_user, packages
    from fabriek.ledger.queries import check

    user = ordinary_user()
    (folder / "site").mkdir()
    (folder / "site").chmod(0o755)
    began = time.monotonic()
    why_no_cable, clocks = cables_can_be_laid(), bool(packages.fake_clock())
    if why_no_cable:
        print(f"No network is cut: {why_no_cable}")
    if not clocks:
        print(f"No clock of Slurm's steps; {packages.advice(['libfaketime'])}")
    bed = Bed(folder / "bed", (Cluster("alpha", (Partition("gpu", nodes=2, gpus=4),)),), clocks=clocks)
    with contextlib.ExitStack() as ending, bed:
        cable = None if why_no_cable else Cable()
        if cable is not None:
            ending.callback(cable.take_away)
        ground = Ground(bed, folder / "site", user, cable)
        plain = run_trial(ground)
        print(f"without a fault: {plain.seconds:.1f} s, {len(plain.seen)} boundaries", flush=True)
        if plain.wrong:
            print("\n".join(plain.wrong))
            return 1
        watched = run_trial(ground, _at_platform("nothing", ""))
        outcomes: list[Outcome] = []
        left = 0
        every = _faults(bed, cable, clocks, plain.seen, watched.seen, asked.short)
        faults = list(_in_turn((fault for fault in every if asked.only in str(fault)), *asked.part))
        print(f"{len(faults)} faults", flush=True)
        for fault in faults:
            if asked.seconds and time.monotonic() - began > asked.seconds:
                left += 1
                continue
            outcome = run_trial(ground, fault)
            outcomes.append(outcome)
            said = "not reached" if not outcome.fired else "LOST" if outcome.wrong else "survived"
            print(f"{said:<12} {fault}  {outcome.seconds:.1f} s", flush=True)
            for line in outcome.wrong:
                print(f"             {line}", flush=True)
        unbalanced = check()
    _table(outcomes, left)
    print("The ledger balances." if not unbalanced else "\n".join(unbalanced))
    print(f"{time.monotonic() - began:.0f} seconds")
    return 1 if unbalanced or any(o.wrong for o in outcomes) or not any(o.fired for o in outcomes) else 0


def _table(outcomes: list[Outcome], left: int) -> None:
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for outcome in outcomes:
        assert outcome.fault is not None
        row = rows[outcome.fault.kind]
        row["tried"] += 1
        row["reached"] += outcome.fired
        row["survived"] += outcome.fired and not outcome.wrong
    print(f"\n{'fault':<44} {'tried':>6} {'reached':>8} {'survived':>9}")
    for kind, row in rows.items():
        print(f"{kind:<44} {row['tried']:>6} {row['reached']:>8} {row['survived']:>9}")
    if left:
        print(f"{left} more were left for want of time.")


def _in_turn(faults: Iterable[Fault], part: int, parts: int) -> Iterator[Fault]:
    """One of each kind, then the next of each: a run that is stopped early has tried something of all. Of each kind
    every so manieth (`parts`), from this one on (`part`, from 1)."""
    kinds: dict[str, list[Fault]] = defaultdict(list)
    for fault in faults:
        kinds[fault.kind].append(fault)
    for some in zip_longest(*(some[part - 1 :: parts] for some in kinds.values())):
        yield from (fault for fault in some if fault is not None)


def _at_platform(kind: str, label: str, occurrence: int = 1, after: bool = False) -> Fault:
    from tests.slurm.faults.boundaries import Place
    from tests.slurm.faults.trial import Fault

    return Fault(kind, Place(label, occurrence, after), platform=True)


def _faults(
    bed: Bed, cable: Cable | None, clocks: bool, seen: list[str], at_platform: list[str], short: bool
) -> Iterator[Fault]:
    """Each fault at each boundary that was seen, before it and after it; of those that come again the first, the
    second and the third. Short: one of each."""
    from tests.slurm.faults.boundaries import Place, kill_self, lose
    from tests.slurm.faults.trial import Fault

    most = 1 if short else 3
    agents = [(label, n) for label, many in Counter(seen).items() for n in range(1, min(many, most) + 1)]
    platforms = [(label, n) for label, many in Counter(at_platform).items() for n in range(1, min(many, most) + 1)]
    requests = [(label, n) for label, n in agents if label.split()[0] in ("GET", "PUT", "POST")]
    commands = [(label, n) for label, n in agents if label.split()[0] in _OF_SLURM]
    sacct = [(label, n) for label, n in agents if label.split()[0] == "sacct"]

    def thinned(found: list[tuple[str, int]], most: int) -> list[tuple[str, int]]:
        return found[:: max(1, len(found) // most)][:most] if short else found

    for label, n in thinned(agents, 2):
        for after in (False, True)[: 1 if short else 2]:
            if not (after and label.startswith("commit")):
                yield Fault("kill -9 of the agent", Place(label, n, after), kill_self)
    for label, n in thinned(platforms, 1):
        for after in (False, True)[: 1 if short else 2]:
            yield _at_platform("kill -9 of the platform", label, n, after)
    for label, n in thinned(requests[::-1], 1):
        yield Fault("network cut before a request", Place(label, n), lose(2.0))
        yield Fault("network cut, the answer is lost", Place(label, n, True), lose(2.0))
    if cable is not None:
        # Longer than the agent waits.
        pull = cable.cut_for(5.0)
        for label, n in thinned(requests[::-1], 1):
            yield Fault("cable pulled before a request", Place(label, n), pull, patience=2.0)
        for label, n in thinned([p for p in platforms if p[0].startswith("answer")], 1):
            place = Place(label, n, after=True)
            yield Fault("cable pulled before an answer", place, pull, platform=True, patience=2.0)
    for label, n in thinned(sacct, 1):
        for cut in (0.02, 0.5, 0.97)[: 1 if short else 3]:
            yield Fault(f"sacct cut at {cut:.0%}", Place(label, n, True), cut=cut)
    for daemon in ("slurmctld-alpha", "slurmdbd", "mariadb"):
        for label, n in thinned([c for c in commands if c[1] == 1], 1):
            for after in (False, True)[: 1 if short else 2]:
                # What slurmctld had not written down yet when it was killed, Slurm itself loses.
                loses = daemon == "slurmctld-alpha"
                place = Place(label, n, after)
                yield Fault(f"kill -9 of {daemon}", place, _killer(bed, daemon), away=0.5, loses_jobs=loses)
    for label, n in thinned([c for c in commands if c[1] == 1], 1):
        yield Fault("slurmdbd down for 8 seconds", Place(label, n), _killer(bed, "slurmdbd"), away=8.0)
    for label, n in thinned([c for c in commands if c[1] == 1], 1) if clocks else []:
        # What begins in the agent's future is metered when that has come: so a small step, or it takes long.
        for step in (20.0, -20.0)[: 1 if short else 2]:
            yield Fault(f"slurmctld's clock steps by {step:+.0f} s", Place(label, n), _stepper(bed, step))
    for step in (-7_200.0, -90.0, 90.0, 7_200.0)[:: 4 if short else 1]:
        yield Fault(f"the agent's clock off by {step:+.0f} s", Place("all along"), clock=step)


def _stepper(bed: Bed, step: float) -> Callable[[], None]:
    return lambda: bed.set_clock("alpha", step)


def _killer(bed: Bed, daemon: str) -> Callable[[], None]:
    """kill -9 from within the agent, and wait until it is gone."""

    def kill() -> None:
        pid = bed.pids.get(daemon)
        if pid:
            os.kill(pid, signal.SIGKILL)
            until = time.monotonic() + 5
            while time.monotonic() < until and _runs(pid):
                time.sleep(0.01)

    return kill


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
