"""Reports add up to the ledger, whatever happened: compared with its entries, which the reports never read."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from tests.factories.ledgers import make_bare_allocation, move_hours
from tests.factories.world import make_organisation, make_partition, make_person

from fabriek.ledger.models import Entry
from fabriek.ledger.queries import check
from fabriek.programmes.models import Programme
from fabriek.programmes.reference import load_programmes
from fabriek.reports.access_time import CATEGORIES, COLUMNS, Amounts, access_time, together, total
from fabriek.reports.hosting import hosting_report
from fabriek.reports.periods import Period, year_of

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 28)
MONTHS = (date(2025, 12, 1), date(2026, 1, 1), date(2026, 12, 1))


class Award(NamedTuple):
    """What one allocation is, by places in the lists above."""

    system: int
    month: int
    union: bool
    country: str
    category: str
    moves: list[tuple[str, str, int]]


_STATIONS = ("share", "award", "used", "lapsed")
AWARDS = st.lists(
    st.builds(
        Award,
        system=st.integers(0, 1),
        month=st.integers(0, 2),
        union=st.booleans(),
        country=st.sampled_from(["NL", "DE", ""]),
        category=st.sampled_from(CATEGORIES),
        moves=st.lists(
            st.tuples(st.sampled_from(_STATIONS), st.sampled_from(_STATIONS), st.integers(1, 10**12)), max_size=5
        ),
    ),
    max_size=5,
)


class RandomLedgers(TestCase):
    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(AWARDS)
    def test_every_report_adds_up_to_the_entries(self, awards: list[Award]) -> None:
        load_programmes()
        operator = make_person("operator")
        partitions = [make_partition(operator)[1] for _ in range(2)]
        union = Programme.objects.get(code="eu-science")
        national = Programme.objects.create(
            code="nl-own", name="National", pillar=union.pillar, kind="national", country="NL"
        )
        organisation = make_organisation()
        for number, award in enumerate(awards):
            programme = union if award.union else national
            paid = award.category == "paid"
            made = make_bare_allocation(
                f"p{number}",
                programme=programme,
                partition=partitions[award.system],
                organisation=organisation,
                month=MONTHS[award.month],
                country=award.country,
                organisation_class="sme" if paid else award.category,
                commercial=paid,
            )
            for step, (source, target, seconds) in enumerate(award.moves):
                if source != target:
                    move_hours(
                        f"{number}:{step}",
                        partition=made.partition.code,
                        month=MONTHS[award.month],
                        programme=programme.code,
                        allocation=made.code,
                        source=source,
                        target=target,
                        seconds=seconds,
                    )
        assert check() == []
        whole = Period(MONTHS[0], date(2027, 1, 1))
        cells = access_time(whole)
        assert total(cells) == told_by_entries(whole)
        for columns in (("country",), ("category",), ("system",), ("country", "category"), COLUMNS):
            assert sum(together(cells, *columns).values(), Amounts()) == total(cells)
        for country in ("NL", "DE", ""):
            told = together(cells, "country").get((country,), Amounts())
            assert told == told_by_entries(whole, country=country), country
        for partition in partitions:
            report = hosting_report(partition.system.code, 2026, TODAY)
            of_system = told_by_entries(year_of(2026), partition=partition.code)
            assert total(report.cells) == of_system
            assert (report.awarded, report.used) == (of_system.granted, of_system.used)
            paid = told_by_entries(year_of(2026), partition=partition.code, paid=True)
            assert (report.paid.granted, report.paid.used) == (paid.granted_union, paid.used_union)
            for one in report.programmes:
                assert one.share == one.used + one.left + one.lapsed + one.not_awarded
            # Hours only moved between the stations of each programme: what a share was given, here nothing, stays.
            assert sum(one.share for one in report.programmes) == 0


def told_by_entries(period: Period, *, country: str | None = None, partition: str = "", paid: bool = False) -> Amounts:
    """What entries, one by one, brought to allocations and to their use."""
    from fabriek.projects.models import Allocation

    projects = {one.code: one.project for one in Allocation.objects.select_related("project")}
    sums = {"granted": 0, "granted_union": 0, "used": 0, "used_union": 0}
    for entry in Entry.objects.select_related("debit", "credit"):
        for station, amount in ((entry.credit, entry.amount), (entry.debit, -entry.amount)):
            if not (station.allocation and period.since <= station.month < period.until):
                continue
            project = projects[station.allocation]
            if (country is not None and project.country != country) or (paid and not project.commercial):
                continue
            if partition and station.partition != partition:
                continue
            union = station.programme != "nl-own"
            sums["granted"] += amount
            sums["granted_union"] += amount if union else 0
            sums["used"] += amount if station.kind == "used" else 0
            sums["used_union"] += amount if station.kind == "used" and union else 0
    return Amounts(**sums)
