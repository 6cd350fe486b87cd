"""How long do pages take over HTTP, and how many queries, with 10,000 projects, 20,000 awards, 1,000,000 entries?

Served as `fabriek serve` serves them: gunicorn with two workers, on loopback, SQLite, one reader with one connection.
Queries are counted in this process. `--coldfront` measures the peer, ColdFront 1.1, in the same run: with as many
projects and allocations, under the same server with two workers, page by page in turn with ours, and prints ratios. It
is installed from PyPI in a virtual environment of its own (`--coldfront-venv FOLDER` keeps and uses one again). What
ColdFront has no page for has no peer. `--projects` and `--entries` for another size.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

os.environ["FABRIEK_FOLDER"] = tempfile.mkdtemp(prefix="fabriek-bench-")
os.environ["DJANGO_SETTINGS_MODULE"] = "fabriek.conf.settings"
sys.path.insert(0, str(Path(__file__).parents[1]))

import django

django.setup()

import httpx  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from tests.factories.world import MONTH, NEXT, make_allocation, make_person, make_world  # noqa: E402

from fabriek.cli.serve import portal_command  # noqa: E402
from fabriek.ledger.actions import Move, post  # noqa: E402
from fabriek.ledger.models import Account, Entry, Transaction  # noqa: E402
from fabriek.ledger.queries import totals  # noqa: E402
from fabriek.projects.models import Allocation, Project  # noqa: E402

HERE = Path(__file__).parent
WARMING, ROUNDS, POSTINGS = 12, 100, 20


def fill(projects: int, entries: int) -> str:
    """Bulk rows in the shape that awards and bookings leave; the ledger's triggers keep the sums as always."""
    world = make_world()
    first = make_allocation(world)
    project = first.project
    rows = [
        Project(
            code=f"bench-{n:05d}",
            title=f"Benchmark project {n} on {['language', 'weather', 'protein', 'robots'][n % 4]}",
            programme=project.programme,
            organisation=project.organisation,
            organisation_class="startup",
            country="NL",
            starts=MONTH,
            ends=NEXT,
        )
        for n in range(projects)
    ]
    made = Project.objects.bulk_create(rows, batch_size=1_000)
    allocations = Allocation.objects.bulk_create(
        [
            Allocation(code=f"{p.code}.{k}", project=p, partition=world.partition, starts=MONTH, ends=NEXT)
            for p in made
            for k in (1, 2)
        ],
        batch_size=1_000,
    )
    stations = Account.objects.bulk_create(
        [
            Account(
                code=f"{kind}:accelerator-seconds:{a.code}",
                kind=kind,
                unit="accelerator-seconds",
                partition=world.partition.code,
                month=date(2026, 11, 1),
                programme=project.programme.code,
                allocation=a.code,
            )
            for a in allocations
            for kind in ("award", "used")
        ],
        batch_size=1_000,
    )
    pairs = list(zip(stations[::2], stations[1::2], strict=True))
    transaction = Transaction.objects.create(key="benchmark", kind="usage")
    for begin in range(0, entries, 10_000):
        Entry.objects.bulk_create(
            [
                Entry(
                    transaction=transaction, debit=pairs[n % len(pairs)][0], credit=pairs[n % len(pairs)][1], amount=60
                )
                for n in range(begin, min(begin + 10_000, entries))
            ],
            batch_size=1_000,
        )
    return made[projects // 2].code


def queries_of(client: Client, address: str) -> int:
    """How many queries a page asks, once it is warm."""
    client.get(address)
    asked: list[str] = []

    def count(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        asked.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        client.get(address)
    return len(asked)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(command: list[str], port: int, cookies: dict[str, str], **how: object) -> Iterator[httpx.Client]:
    """A server with two workers, and a reader who keeps one connection."""
    server = subprocess.Popen(command, start_new_session=True, **how)  # type: ignore[call-overload]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", cookies=cookies, timeout=60) as reader:
            for _attempt in range(200):
                try:
                    reader.get("/")
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield reader
    finally:
        server.terminate()
        server.wait(timeout=30)


def once(reader: httpx.Client, address: str) -> float:
    """Milliseconds until the whole page is there."""
    start = time.perf_counter()
    response = reader.get(address)
    took = (time.perf_counter() - start) * 1_000
    assert response.status_code == 200, (address, response.status_code)
    return took


def told(times: list[float]) -> tuple[float, float]:
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


def peer(folder: Path, venv: Path, projects: int) -> dict[str, object]:
    """ColdFront, installed and filled. Returns what fill_coldfront.py printed."""
    python = venv / "bin" / "python"
    if not (venv / "bin" / "coldfront").exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "coldfront~=1.1.0", "gunicorn>=27"], check=True)
    fill = [str(python), str(HERE / "peers" / "fill_coldfront.py"), str(projects)]
    done = subprocess.run(fill, cwd=folder, env=coldfront_environment(), check=True, capture_output=True, text=True)
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def coldfront_environment() -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "FABRIEK"))}
    return {**ours, "SECRET_KEY": "of the benchmark", "STATIC_ROOT": "static"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--projects", type=int, default=10_000)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--coldfront", action="store_true")
    parser.add_argument("--coldfront-venv", type=Path)
    asked = parser.parse_args()
    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    began = time.perf_counter()
    code = fill(asked.projects, asked.entries)
    print(
        f"{totals()['entries']:,} entries, {Project.objects.count():,} projects in {time.perf_counter() - began:.0f} s"
    )
    client = Client()
    client.force_login(make_person("operator"))
    pages = {
        "home": "/",
        "project list": "/projects/",
        "search": "/projects/?search=protein",
        "project": f"/projects/{code}/",
        "allocation list": "/allocations/",
        "allocation": f"/allocations/{code}.1/",
        "promises": "/promises/",
    }
    queries = {name: queries_of(client, address) for name, address in pages.items()}
    cookie = {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}
    port = free_port()
    with served(portal_command(port), port, cookie) as ours:
        if asked.coldfront or asked.coldfront_venv:
            with tempfile.TemporaryDirectory(prefix="coldfront-bench-") as folder:
                venv = asked.coldfront_venv or Path(folder) / "venv"
                found = peer(Path(folder), venv.resolve(), asked.projects)
                other = free_port()
                command = [
                    str(venv.resolve() / "bin" / "gunicorn"), "coldfront.config.wsgi:application", "--bind",
                    f"127.0.0.1:{other}", "--workers", "2", "--threads", "4", "--worker-class", "gthread", "--preload",
                    "--log-level", "warning",
                ]  # fmt: skip
                cookies = {"sessionid": str(found["cookie"])}
                with served(command, other, cookies, cwd=folder, env=coldfront_environment()) as theirs:
                    table(asked.rounds, pages, queries, ours, found, theirs)
        else:
            table(asked.rounds, pages, queries, ours)
        after_postings(ours)


def table(
    rounds: int,
    pages: dict[str, str],
    queries: dict[str, int],
    ours: httpx.Client,
    found: dict[str, object] | None = None,
    theirs: httpx.Client | None = None,
) -> None:
    """Each page, ours and theirs in turn, so that whatever else runs on the machine meets both."""
    peers: dict = (found or {}).get("pages", {})  # type: ignore[assignment,type-arg]
    head = f"{'page':<16}{'median':>10}{'95th':>10}{'queries':>9}"
    print(head + (f"{'ColdFront':>14}{'95th':>10}{'queries':>9}{'ratio':>7}" if theirs else ""))
    for name, address in pages.items():
        mine, other = [], []
        for turn in range(WARMING + rounds):
            took = once(ours, address)
            peers_took = once(theirs, peers[name]) if theirs and name in peers else 0.0
            if turn >= WARMING:
                mine.append(took)
                other.append(peers_took)
        median, high = told(mine)
        line = f"{name:<16}{median:>7.1f} ms{high:>7.1f} ms{queries[name]:>9}"
        if theirs and name in peers:
            theirs_median, theirs_high = told(other)
            asks = found["queries"][name]  # type: ignore[index]
            line += f"{theirs_median:>11.1f} ms{theirs_high:>7.1f} ms{asks:>9}{median / theirs_median:>7.2f}"
        print(line)


def after_postings(ours: httpx.Client) -> None:
    """The front page right after something was posted, as often as usage arrives."""
    from fabriek.ledger.models import Account

    award = Account.objects.filter(kind="award", unit="accelerator-seconds").order_by("-id").first()
    used = Account.objects.filter(kind="used", allocation=award.allocation, unit=award.unit, month=award.month).first()
    times = []
    for turn in range(POSTINGS):
        post(None, key=f"posting {turn}", kind="usage", moves=[Move(award, used, 60)])
        times.append(once(ours, "/"))
    median, high = told(times)
    print(f"home, right after each of {POSTINGS} postings: median {median:.1f} ms, 95th {high:.1f} ms")


if __name__ == "__main__":
    main()
