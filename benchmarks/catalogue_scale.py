"""How long do matching, a harvested page's look for doubles, and sorted lists take among 100,000 entries?

Synthetic entries (`synthetic_entries.py`, from a seed; they describe nothing) beside the reference catalogue, half of
them with a lasting address and a place in a Hub. Of each question: processor time of this process in milliseconds
(median and worst), queries of the database, and the ratio of its median to that among the reference entries alone.
`--entries` for another number. SQLite in a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["FABRIEK_FOLDER"] = tempfile.mkdtemp(prefix="fabriek-bench-")
os.environ["DJANGO_SETTINGS_MODULE"] = "fabriek.conf.settings"
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import django

django.setup()

import synthetic_entries  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from tests.factories.world import make_draft, make_world  # noqa: E402
from tests.search import judging  # noqa: E402

from fabriek.access.actions import save_draft  # noqa: E402
from fabriek.access.models import Application  # noqa: E402
from fabriek.catalogue import queries  # noqa: E402
from fabriek.catalogue.asked import Asked  # noqa: E402
from fabriek.catalogue.models import Entry, Place  # noqa: E402
from fabriek.catalogue.record import Record  # noqa: E402
from fabriek.catalogue.search import feeding  # noqa: E402
from fabriek.harvest.actions.running import known_elsewhere  # noqa: E402
from fabriek.harvest.models import Source  # noqa: E402
from fabriek.matching.queries import matches_of  # noqa: E402

WISHES = (
    "Dutch speech recognition for hospitals",
    "Protein structure prediction with language models",
    "Segmentation of satellite images for agriculture",
    "A chatbot for municipalities in Frisian and Dutch",
    "Anomaly detection in time series of wind turbines",
)
TIMES = 10


def application_about(text: str) -> Application:
    """An application of a start-up."""
    draft = make_draft(make_world())
    return save_draft(draft.applicant, draft, draft.version, title=text, summary=text)


def name_half() -> None:
    """Every second synthetic entry has a lasting address and a place in a Hub."""
    rows = list(Entry.objects.filter(is_reference=False, identifier=None).order_by("pk")[::2])
    for number, entry in enumerate(rows):
        entry.identifier = f"https://doi.org/10.5555/{number}"
    Entry.objects.bulk_update(rows, ["identifier"], batch_size=2_000)
    Place.objects.bulk_create(
        (
            Place(entry=entry, storage="hub", location=f"Owner/Name-{n}", on_hub=f"owner/name-{n}")
            for n, entry in enumerate(rows)
        ),
        batch_size=5_000,
    )


def page_of_a_hub() -> list[Record]:
    """A hundred things that a Hub names, as a page of a harvest: half of them are here from elsewhere."""
    said = {"summary": "x", "licence": "MIT", "details": {"kind": "dataset"}}
    return [
        Record.model_validate(
            {
                **said,
                "code": f"from-a-hub-{n}",
                "title": f"From a hub {n}",
                "identifier": f"https://doi.org/10.5555/{n if n % 2 else -n}",
                "distributions": [{"storage": "hub", "location": f"owner/name-{n if n % 2 else -n}"}],
            }
        )
        for n in range(100)
    ]


def questions(applications: list[Application], source: Source) -> dict[str, Callable[[int], object]]:
    """What is asked, of a number from 0 on."""
    page = page_of_a_hub()
    return {
        "matches of an application": lambda n: matches_of(
            applications[n % len(applications)], applications[n % len(applications)].applicant
        ),
        "a harvested page's doubles": lambda _n: known_elsewhere(source, page),
        "all, by title, page 1": lambda _n: queries.found(Asked(sort="title")).hits[:25],
        "a kind and an access, by title": lambda _n: queries.found(
            Asked.of({"kind": ["dataset", "model"], "access": "open", "sort": "-title"})
        ).hits[:25],
        "words, by title": lambda _n: queries.found(Asked(q="language", sort="title")).hits[:25],
    }


def measured(asked: dict[str, Callable[[int], object]]) -> dict[str, tuple[float, float, int]]:
    """Median and worst of the milliseconds, and the queries."""
    told = {}
    for name, ask in asked.items():
        ask(0)
        with CaptureQueriesContext(connection) as captured:
            ask(0)
        spent = []
        for number in range(TIMES):
            began = time.process_time()
            ask(number)
            spent.append(1_000 * (time.process_time() - began))
        told[name] = (statistics.median(spent), max(spent), len(captured))
    return told


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    number = parser.parse_args().entries
    call_command("migrate", verbosity=0)
    judging.load_entries()
    feeding.reconcile()
    asked = questions([application_about(text) for text in WISHES], Source(code="a-hub", kind="hub"))
    few = measured(asked)
    synthetic_entries.fill(number)
    name_half()
    feeding.reconcile()
    print(f"{Entry.objects.count():,} entries{'median ms':>38}{'worst':>8}{'queries':>9}{'ratio':>8}")
    for name, (median, worst, count) in measured(asked).items():
        print(f"{name:44}{median:10.1f}{worst:8.1f}{count:9}{median / max(few[name][0], 0.1):8.1f}")


if __name__ == "__main__":
    main()
