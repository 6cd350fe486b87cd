"""The pages, routes and commands of the reports that the law demands: one table, the same for all three."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import httpx
import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from tests.api.test_rest import client_of
from tests.factories.ledgers import move_hours
from tests.factories.world import MONTH, World, make_allocation, make_organisation, make_person, make_world
from typer.testing import CliRunner

from fabriek.cli.main import app
from fabriek.ledger.models import Account
from fabriek.people.actions import create_token
from fabriek.people.models import Person
from fabriek.projects.models import Allocation, Project

pytestmark = pytest.mark.django_db
HOUR = 3600


@pytest.fixture
def world() -> World:
    """Three awards of this month: 300 GPU-hours to science in France, 20 and 10 to start-ups."""
    made = make_world()
    for hours, organisation_class, country in ((300, "academia", "FR"), (20, "startup", "DE"), (10, "startup", "NL")):
        make_allocation(made, hours, lead=make_person(organisation=make_organisation(organisation_class, country)))
    return made


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page(world: World, name: str, query: str = "", role: str = "board") -> str:
    response = signed_in(make_person(role)).get(reverse(f"portal:{name}") + query)
    assert response.status_code == 200
    return response.content.decode()


def table(text: str) -> list[str]:
    """The names in the first column of the table of hours."""
    rows = text.partition('id="hours"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    return [row.partition("</th>")[0] for row in rows.split('<th scope="row">')[1:]]


@pytest.mark.parametrize("role", ["board", "officer", "operator", "administrator"])
@pytest.mark.parametrize("name", ["access_time", "hosting_report"])
def test_who_governs_and_who_hosts_read_them(world: World, name: str, role: str) -> None:
    assert "330" in page(world, name, f"?year={MONTH.year}", role=role)


def test_the_table_is_by_state_and_category_with_its_total(world: World) -> None:
    text = page(world, "access_time")
    assert table(text) == ["France", "Germany", "Netherlands"]
    assert "Academia" in text
    foot = text.partition("<tfoot>")[2].partition("</tfoot>")[0]
    assert foot.count(f'value="{330 * HOUR}"') == 2
    assert "90.9%" in text


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("?sort=granted", ["Netherlands", "Germany", "France"]),
        ("?sort=-country", ["Netherlands", "Germany", "France"]),
        ("?by=category", ["Academia", "Start-up"]),
        ("?by=category&sort=granted", ["Start-up", "Academia"]),
        ("?by=state&sort=-granted_union", ["France", "Germany", "Netherlands"]),
        ("?by=nonsense", ["France", "Germany", "Netherlands"]),
    ],
)
def test_it_is_added_up_and_sorted_as_asked(world: World, query: str, first: list[str]) -> None:
    assert [name for name in table(page(world, "access_time", query)) if name] == first


def test_a_state_that_is_not_known_is_a_row_at_the_end(world: World) -> None:
    Project.objects.filter(country="DE").update(country="")
    text = page(world, "access_time", "?by=state")
    assert [("Not known" in name, name) for name in table(text)][-1][0]
    assert len(table(text)) == 3


def test_without_access_time_it_says_so(world: World) -> None:
    text = page(world, "access_time", f"?year={MONTH.year - 1}")
    assert "No access time in these months" in text
    assert "Download CSV" not in text


def test_before_anything_is_on_the_ledger_both_say_so() -> None:
    client = signed_in(make_person("operator"))
    assert "No access time in these months" in client.get(reverse("portal:access_time")).content.decode()
    assert "Nothing is on the ledger yet" in client.get(reverse("portal:hosting_report")).content.decode()


@pytest.mark.parametrize("name", ["access_time", "hosting_report"])
@pytest.mark.parametrize("query", ["?year=1066", "?year=soon", "?system=nothing-here", "?unit=pounds"])
def test_a_choice_that_is_none_is_refused_at_its_field(world: World, name: str, query: str) -> None:
    response = signed_in(world.officer).get(reverse(f"portal:{name}") + query)
    assert response.status_code == 422
    assert "aria-invalid" in response.content.decode()


@pytest.mark.parametrize("name", ["access_time", "hosting_report"])
def test_the_number_of_queries_does_not_grow(world: World, name: str) -> None:
    client = signed_in(world.officer)
    address = reverse(f"portal:{name}") + f"?year={MONTH.year}"
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for country in ("IT", "ES", "PT"):
        make_allocation(world, 5, lead=make_person(organisation=make_organisation("sme", country)))
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) == len(few)


def test_both_are_downloaded_as_tables_and_as_json(world: World) -> None:
    client = signed_in(world.operator)
    hosting = f"/reports/hosting/?year={MONTH.year}"
    rows = list(csv.DictReader(io.StringIO(client.get("/reports/?format=csv").content.decode())))
    assert {row["country"]: row["granted"] for row in rows} == {
        "FR": str(300 * HOUR),
        "DE": str(20 * HOUR),
        "NL": str(10 * HOUR),
    }
    told = client.get("/reports/?format=json").json()
    assert told["total"]["seconds"]["granted"] == 330 * HOUR
    lines = list(csv.DictReader(io.StringIO(client.get(f"{hosting}&format=csv").content.decode())))
    awarded = [line["value"] for line in lines if (line["section"], line["figure"]) == ("total", "awarded")]
    assert awarded == [str(330 * HOUR)]
    assert client.get(f"{hosting}&format=json").json()["total"]["awarded"] == 330


def test_each_figure_of_the_hosting_report_leads_to_its_numbers(world: World) -> None:
    text = page(world, "hosting_report", f"?year={MONTH.year}")
    system, partition = world.partition.system.code, world.partition.code.replace("/", "%2F")
    for address in (
        reverse("portal:system", args=[system]),
        f"{reverse('portal:programmes')}?partition={world.partition.code}#shares",
        reverse("portal:allocations"),
        f"{reverse('portal:access_time')}?year={MONTH.year}&system={system}",
        reverse("portal:promise", args=["commercial-use"]),
        reverse("portal:operations"),
        reverse("portal:usage_proofs"),
        reverse("portal:ledger_check"),
    ):
        assert address in text or address.replace(world.partition.code, partition) in text, address
    assert reverse("portal:ledger_check") not in page(world, "hosting_report", f"?year={MONTH.year}", role="operator")


def test_the_api_tells_what_the_page_tells(world: World) -> None:
    client = client_of(make_person("board"))
    told = client.get("/api/v1/reports/access-time").json()
    assert {(row["country"], row["category"], row["granted"]) for row in told["rows"]} == {
        ("FR", "academia", 300.0),
        ("DE", "startup", 20.0),
        ("NL", "startup", 10.0),
    }
    assert told["total"]["granted_union"] == 330
    assert told == signed_in(world.operator).get("/reports/?format=json").json()
    year = client.get(f"/api/v1/reports/access-time?year={MONTH.year}&system={world.partition.system.code}").json()
    assert (year["since"], year["total"]["granted"]) == (f"{MONTH.year}-01-01", 330.0)
    last_year = f"first_month={MONTH.year - 1}-01-01&last_month={MONTH.year - 1}-12-31"
    assert client.get(f"/api/v1/reports/access-time?{last_year}").json()["rows"] == []
    assert client.get("/api/v1/reports/access-time?year=3").status_code == 422
    hosting = f"/api/v1/reports/hosting/{world.partition.system.code}?year={MONTH.year}"
    assert client.get(hosting).json()["total"]["awarded"] == 330
    assert client.get(f"{hosting}&unit=core-seconds").json()["unit"] == "core-hours"
    assert client.get(f"/api/v1/reports/hosting/nothing-here?year={MONTH.year}").status_code == 404


def use_for_free(world: World, seconds: int) -> None:
    """The start-up in the Netherlands used so much of its award."""
    award = Account.objects.get(
        kind="award",
        unit="accelerator-seconds",
        allocation__in=Allocation.objects.filter(project__country="NL").values("code"),
    )
    of = {"partition": award.partition, "month": award.month, "programme": award.programme}
    move_hours("used", **of, allocation=award.allocation, source="award", target="used", seconds=seconds)


def test_what_free_use_was_worth_follows_from_a_price_that_the_operator_declares(world: World) -> None:
    use_for_free(world, 3 * HOUR)
    client, address = signed_in(world.operator), reverse("portal:free_use")
    before = client.get(address).content.decode()
    assert "Not all of it has a price" in before
    assert reverse("portal:declare_price") in before
    assert reverse("portal:declare_price") not in page(world, "free_use")
    said = {"partition": world.partition.code, "euro": "2.5", "valid_from": "2020-01-01", "confidence": "low"}
    form = reverse("portal:declare_price")
    assert client.post(form, said).status_code == 422
    assert client.post(form, {**said, "source": "a quote"})["Location"] == address
    assert client.post(form, {**said, "euro": "3", "source": "a quote"}).status_code == 422
    assert "2.5000" in client.get(f"{form}?partition={world.partition.code}").content.decode()
    told = client.get(address).content.decode()
    assert "7.50" in told
    assert "Not all of it has a price" not in told
    (row,) = csv.DictReader(io.StringIO(client.get(f"{address}?format=csv").content.decode()))
    assert (row["accelerator_seconds"], row["euro"], row["national_euro"]) == (str(3 * HOUR), "7.5", "0")
    asked = client_of(make_person("board")).get("/api/v1/reports/free-use").json()
    assert (asked["total"]["euro"], asked["rows"][0]["gpu_hours"]) == (7.5, 3.0)
    assert asked == client.get(f"{address}?format=json").json()
    assert "No firm used anything for free" in page(world, "free_use", f"?year={MONTH.year - 1}")
    assert signed_in(world.operator).get(f"{address}?year=1066").status_code == 422


def test_the_api_declares_a_price_and_tells_it(world: World) -> None:
    address = f"/api/v1/partitions/{world.partition.code}/prices"
    body = {"euro": "2.10", "valid_from": "2026-01-01", "source": "a quote"}
    client = client_of(world.operator, "operate")
    assert client.post(address, json.dumps(body), content_type="application/json").status_code == 200
    other = {**body, "euro": 3}
    assert client.post(address, json.dumps(other), content_type="application/json").status_code == 422
    (told,) = Client().get(address).json()
    assert (float(told["euro"]), told["source"], told["valid_until"]) == (2.1, "a quote", None)


def test_the_command_tells_what_the_api_tells(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    transport = httpx.WSGITransport(app=get_wsgi_application())

    def request(method: str, url: str, *, params: Any = None, **more: Any) -> httpx.Response:
        with httpx.Client(transport=transport) as client:
            return client.request(method, url, params=params or None, **more)

    monkeypatch.setattr(httpx, "request", request)
    monkeypatch.setenv("COLUMNS", "200")
    person = make_person("board")
    _token, plain = create_token(person, name="test", scopes=["read"], person=person)

    def fabriek(*words: str) -> str:
        answer = CliRunner().invoke(app, ["report", *words, "--token", plain])
        assert answer.exit_code == 0, answer.output
        return answer.output

    text = fabriek("access-time", "--year", str(MONTH.year))
    assert "300.0" in text
    assert "together" in text
    told = json.loads(fabriek("access-time", "--from", f"{MONTH:%Y-%m}", "--to", f"{MONTH:%Y-%m}", "--json"))
    assert told["total"]["granted"] == 330
    assert "Nothing here yet" in fabriek("access-time", "--to", f"{MONTH.year - 1}-01")
    system = world.partition.system.code
    text = fabriek("hosting", system, "--year", str(MONTH.year))
    assert "awarded 330.0" in text
    assert "The ledger balances." in text
    assert "commercial-use" in text
    use_for_free(world, 3 * HOUR)
    assert "hours without a price" in fabriek("free-use")
    assert json.loads(fabriek("free-use", "--year", str(MONTH.year), "--json"))["total"]["unpriced_hours"] == 3
    cores = json.loads(fabriek("hosting", system, "--year", str(MONTH.year), "--cores", "--json"))
    assert cores["unit"] == "core-hours"
