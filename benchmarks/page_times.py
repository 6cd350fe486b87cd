"""How long do pages take, and how many queries, with 10,000 projects, 20,000 awards and 1,000,000 ledger entries?

Peer: ColdFront 1.1 on such a machine with such data (SQLite, 2 workers, medians): home 17 ms, project list 59,
allocation list 54, search 63, project 31, allocation 18. Measured in this process, through middleware and templates,
without the network. `page_times.py PROJECTS ENTRIES` for another size.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

os.environ["FABRIEK_FOLDER"] = tempfile.mkdtemp(prefix="fabriek-bench-")
os.environ["DJANGO_SETTINGS_MODULE"] = "fabriek.conf.settings"
sys.path.insert(0, str(Path(__file__).parents[1]))

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from tests.factories.world import MONTH, NEXT, make_allocation, make_person, make_world  # noqa: E402

from fabriek.ledger.models import Account, Entry, Transaction  # noqa: E402
from fabriek.ledger.queries import totals  # noqa: E402
from fabriek.projects.models import Allocation, Project  # noqa: E402

COLDFRONT = {"home": 17, "project list": 59, "search": 63, "project": 31, "allocation list": 54, "allocation": 18}


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


def main() -> None:
    projects = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    entries = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    began = time.perf_counter()
    code = fill(projects, entries)
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
    print(f"{'page':<16}{'median':>9}{'95th':>9}{'queries':>9}{'ColdFront':>11}{'ratio':>7}")
    for name, address in pages.items():
        client.get(address)
        asked: list[str] = []

        def count(execute, sql, params, many, context, asked=asked):  # type: ignore[no-untyped-def]
            asked.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(count):
            client.get(address)
        times = []
        for _round in range(60):
            start = time.perf_counter()
            response = client.get(address)
            times.append((time.perf_counter() - start) * 1_000)
            assert response.status_code == 200, (address, response.status_code)
        median, high = statistics.median(times), statistics.quantiles(times, n=20)[-1]
        peer = COLDFRONT.get(name)
        ratio = f"{median / peer:>7.2f}" if peer else ""
        told = f"{peer} ms" if peer else ""
        print(f"{name:<16}{median:>6.1f} ms{high:>6.1f} ms{len(asked):>9}{told:>11}{ratio}")


if __name__ == "__main__":
    main()
