"""Lists are sorted by the columns that a reader would expect, keep search and pages, and ask no more for it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.factories.world import (
    World,
    make_allocation,
    make_organisation,
    make_person,
    make_submitted,
    make_world,
)

from fabriek.access.actions import check_eligibility
from fabriek.access.models import Application, Call
from fabriek.compute.wire import DailyProof
from fabriek.conf.sorting import sorted_rows
from fabriek.operations.actions import prove_usage
from fabriek.operations.models import UsageBatch
from fabriek.people.models import Person
from fabriek.projects.queries import allocation_list, project_list
from fabriek.register.models import Antenna, Partition

pytestmark = pytest.mark.django_db


def seen_by(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, (address, response.status_code)
    return response.content.decode()


def sort_links(html: str) -> list[str]:
    links = re.findall(r'<th scope="col"[^>]*><a href="(\?[^"]+)"', html)
    return [link.replace("&amp;", "&").partition("#")[0] for link in links]


def lists_of(world: World) -> list[tuple[Person, str]]:
    """Every list that can be sorted, with somebody who may read it."""
    submitted = make_submitted(world)
    make_submitted(world)
    make_allocation(world, 10)
    make_allocation(world, 20)
    UsageBatch.objects.create(cluster=world.cluster, key="one", source="agent")
    for days in (1, 2):
        prove_usage(world.cluster, DailyProof(day=world.call.first_month - timedelta(days=days), lines=[]))
    call = world.call.code
    administrator = make_person("administrator")
    return [
        (world.operator, "/projects/"),
        (world.operator, "/allocations/"),
        (world.officer, f"/desk/calls/{call}/applications/"),
        (world.officer, "/decisions/"),
        (submitted.applicant, "/applications/"),
        (administrator, "/people/"),
        (administrator, "/audit/"),
        (world.operator, "/operations/"),
        (world.operator, "/operations/usage/"),
        (world.operator, "/operations/proofs/"),
        (submitted.applicant, "/factories/"),
        (world.officer, "/programmes/"),
        (submitted.applicant, f"/systems/{world.partition.system.code}/"),
        (submitted.applicant, "/promises/share-eu-industrial-entry/"),
    ]


def test_every_header_sorts_both_ways_and_says_so() -> None:
    for person, address in lists_of(make_world()):
        client = seen_by(person)
        links = sort_links(page(client, address))
        assert len(links) >= 3, address
        for link in links:
            there = page(client, address + link)
            assert "aria-sort" in there, address + link
            # Two tables of one page have columns of one name: turned is the one of the same parameter.
            name, _equals, column = link.lstrip("?").rpartition("=")
            turned = (f"{name}={column.lstrip('-')}", f"{name}=-{column.lstrip('-')}")
            back = next(one for one in sort_links(there) if one.lstrip("?").endswith(turned))
            assert "aria-sort" in page(client, address + back), address + back


def test_sorting_asks_the_database_no_more_often() -> None:
    for person, address in lists_of(make_world()):
        client = seen_by(person)
        with CaptureQueriesContext(connection) as plain:
            html = page(client, address)
        for link in sort_links(html):
            with CaptureQueriesContext(connection) as sorted_:
                page(client, address + link)
            assert len(sorted_) <= len(plain), address + link


def test_projects_go_by_what_is_left_of_them() -> None:
    world = make_world()
    hours = [30, 10, 20]
    for number in hours:
        make_allocation(world, number)
    _page, rows = project_list(world.officer, order="left")
    assert [row.hours.left for row in rows] == [number * 3600 for number in sorted(hours)]
    _page, rows = project_list(world.officer, order="-awarded")
    assert [row.hours.awarded for row in rows] == [number * 3600 for number in sorted(hours, reverse=True)]
    _page, lines = allocation_list(world.officer, order="-left")
    assert [line.hours.left for line in lines] == [number * 3600 for number in sorted(hours, reverse=True)]


def test_pages_and_the_search_keep_the_order() -> None:
    world = make_world()
    for _number in range(27):
        make_allocation(world, 1)
    client = seen_by(world.officer)
    html = page(client, "/projects/?search=project&sort=-ends")
    assert "?search=project&amp;sort=-ends&amp;page=2" in html
    assert '<input type="hidden" name="sort" value="-ends">' in html
    assert 'href="?search=project&amp;sort=-ends&amp;format=csv"' in html
    second = page(client, "/projects/?search=project&sort=-ends&page=2")
    assert all("page=" not in link for link in sort_links(second)), "another order begins at its first page"


def test_what_has_no_score_stands_last_in_both_directions() -> None:
    world = make_world()
    scored, other, without = (make_submitted(world) for _ in range(3))
    for application, score in ((scored, 90), (other, 40)):
        check_eligibility(world.officer, application)
        Application.objects.filter(pk=application.pk).update(score=score)
    for number, title in ((scored.pk, "High"), (other.pk, "Low"), (without.pk, "None")):
        Application.objects.filter(pk=number).update(title=title)
    client = seen_by(world.officer)

    def titles(sort: str) -> list[str]:
        html = page(client, f"/desk/calls/{world.call.code}/applications/?sort={sort}")
        return list(re.findall(r">(High|Low|None)</a>", html))

    assert titles("-score") == ["High", "Low", "None"]
    assert titles("score") == ["Low", "High", "None"]


def test_an_unknown_column_leaves_the_list_as_it_was() -> None:
    world = make_world()
    first, second = make_submitted(world), make_submitted(world)
    Application.objects.filter(pk=second.pk).update(answer_due=first.answer_due - timedelta(days=1))  # type: ignore[operator]
    client = seen_by(world.officer)
    address = f"/desk/calls/{world.call.code}/applications/"
    for sort in ("", "?sort=password", "?sort=-applicant__email", "?sort=-", "?sort=title'--"):
        html = page(client, address + sort)
        assert html.index(f"/{second.code}/") < html.index(f"/{first.code}/")


def test_rows_that_are_worked_out_are_sorted_alike() -> None:
    rows: list[dict[str, Any]] = [{"n": 2}, {"n": None}, {"n": 3}, {"n": 1}]
    columns = {"n": lambda row: row["n"]}
    assert [row["n"] for row in sorted_rows(rows, "n", columns)] == [1, 2, 3, None]
    assert [row["n"] for row in sorted_rows(rows, "-n", columns)] == [3, 2, 1, None]
    assert sorted_rows(rows, "other", columns) == rows


def column_of(html: str, label: str) -> list[str]:
    """What a table's rows say under this label."""
    cells = re.findall(rf'data-label="{label}"[^>]*>(.*?)</td>', html, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in cells]


def test_shares_go_by_what_is_free_of_them() -> None:
    world = make_world()
    make_allocation(world, 100)
    client = seen_by(world.officer)
    free = [int(cell.replace(",", "")) for cell in column_of(page(client, "/programmes/?sort=free"), "Free")]
    assert free == sorted(free)
    assert len(set(free)) > 1
    turned = [int(cell.replace(",", "")) for cell in column_of(page(client, "/programmes/?sort=-free"), "Free")]
    assert turned == sorted(free, reverse=True)
    rows = client.get("/programmes/?sort=-free&format=csv").content.decode().splitlines()[1:]
    assert [int(row.split(",")[-1]) for row in rows] == sorted((int(row.split(",")[-1]) for row in rows), reverse=True)


def test_partitions_without_a_figure_stand_last_both_ways() -> None:
    world = make_world()
    system = world.partition.system
    for name, nodes in (("big", 9), ("unknown", None)):
        Partition.objects.create(code=f"{system.code}/{name}", system=system, name=name, kind="gpu", nodes=nodes)
    client = seen_by(world.officer)
    for sort, nodes in (("nodes", ["4", "9", "not known"]), ("-nodes", ["9", "4", "not known"])):
        assert column_of(page(client, f"/systems/{system.code}/?sort={sort}"), "Nodes") == nodes


def test_antennas_go_by_country_in_the_readers_language() -> None:
    for name, country in (("First", "DE"), ("Second", "AT")):
        Antenna.objects.create(code=name.lower(), name=name, country=country)
    client = Client()
    assert column_of(page(client, "/factories/?antennas=country"), "Country") == ["Austria", "Germany"]
    client.cookies["django_language"] = "nl"
    assert column_of(page(client, "/factories/?antennas=country"), "Land") == ["Duitsland", "Oostenrijk"]


def test_the_numbers_behind_a_promise_go_by_a_column() -> None:
    world = make_world()
    for hours, country in ((10, "NL"), (30, "FR"), (20, "DE")):
        make_allocation(world, hours, lead=make_person(organisation=make_organisation(country=country)))
    client = seen_by(world.officer)
    address = "/promises/share-eu-industrial-entry/"
    assert column_of(page(client, f"{address}?sort=-decided"), "Decided")[:3] == ["30", "20", "10"]
    assert column_of(page(client, f"{address}?sort=country"), "Country") == ["France", "Germany", "Netherlands", "–"]


def test_what_waits_for_an_assessment_goes_by_what_is_asked() -> None:
    world = make_world()
    Call.objects.update(review="peer")
    for hours in (20, 300, 100):
        check_eligibility(world.officer, make_submitted(world, gpu_hours=hours))
    html = page(seen_by(world.operator), "/desk/assessments/?sort=-asked")
    asked = [cell.rpartition(" ")[2] for cell in column_of(html, "Asked")]
    assert asked == ["300", "100", "20"]
    assert len(sort_links(html)) == 4
