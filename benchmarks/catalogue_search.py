"""Does search find what people mean, and how long does it take? Against SQL LIKE and plain full text, in one run.

Quality: the judged queries of tests/search/judged.json on the reference catalogue, nDCG@10. Speed: 100,000 synthetic
entries (`synthetic_entries.py`, from a seed; they describe nothing), 300 queries, medians and 95th percentiles of
processor and wall time of this process, for the first page with its facets (the peers: the codes of the first page
alone). `--entries` for another number, `--quality` for quality alone. SQLite, since FTS5 is the peer.
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
from tests.search import judging, peers  # noqa: E402

from fabriek.catalogue.models import Entry, EntryState  # noqa: E402
from fabriek.catalogue.search import feeding  # noqa: E402
from fabriek.catalogue.search.finding import find  # noqa: E402

Finder = Callable[[str], object]


def quality() -> None:
    """nDCG@10 of each engine, of all and by language."""
    judging.load_entries()
    feeding.reconcile()
    results = judging.compare()
    languages = sorted({one.language for one in judging.judged()})
    print(f"{len(judging.judged())} judged queries on {Entry.objects.count()} entries, nDCG@10")
    print(f"{'':28}{'all':>8}" + "".join(f"{language:>8}" for language in languages))
    for name, gains in results.items():
        means = [
            statistics.fmean(gains[one.query] for one in judging.judged() if one.language == language)
            for language in languages
        ]
        print(f"{name:28}{statistics.fmean(gains.values()):8.3f}" + "".join(f"{mean:8.3f}" for mean in means))


def speed(number: int) -> None:
    """Milliseconds of each engine at so many entries."""
    # Versions stand for ever, so that the reference entries can only step back.
    Entry.objects.update(state=EntryState.DRAFT)
    synthetic_entries.fill(number)
    began, used = time.perf_counter(), time.process_time()
    feeding.reconcile()
    size = sum(file.stat().st_size for file in feeding.folder().rglob("*") if file.is_file())
    print(
        f"\n{number:,} synthetic entries; index made in {time.perf_counter() - began:.0f} s "
        f"({time.process_time() - used:.0f} s of processor time), {size / 2**20:.0f} MiB"
    )
    for name, tokenizer in judging.FULL_TEXT.items():
        peers.make_full_text(f"fast_{name}", tokenizer)
    asked = synthetic_entries.queries(300)
    finders: dict[str, Finder] = {
        "ours, page and facets": lambda query: find(query),
        "ours, while typing": lambda query: find(query, typing=True),
        "ours, two facets chosen": lambda query: find(query, {"kind": ["dataset"], "language": ["nl"]}),
        "SQL LIKE": peers.like,
        "FTS5, all words": lambda query: peers.full_text("fast_plain", query, "AND"),
        "FTS5, any word": lambda query: peers.full_text("fast_plain", query, "OR"),
    }
    print(f"{'milliseconds':28}{'median':>8}{'95th':>8}{'worst':>8}{'cpu median':>12}")
    for name, finder in finders.items():
        # LIKE reads all entries: ten queries tell enough.
        some = asked[:10] if name == "SQL LIKE" else asked
        for query in some[: len(some) // 10]:
            finder(query)
        walls, cpus = [], []
        for query in some:
            wall, cpu = time.perf_counter(), time.process_time()
            finder(query)
            walls.append(1_000 * (time.perf_counter() - wall))
            cpus.append(1_000 * (time.process_time() - cpu))
        late = statistics.quantiles(walls, n=20)[-1]
        print(f"{name:28}{statistics.median(walls):8.1f}{late:8.1f}{max(walls):8.1f}{statistics.median(cpus):12.1f}")


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--quality", action="store_true")
    arguments = parser.parse_args()
    call_command("migrate", verbosity=0)
    quality()
    if not arguments.quality:
        speed(arguments.entries)


if __name__ == "__main__":
    main()
