"""Events on the pages: found, come to, organised; who sees names and online addresses; calendars."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from typing import Any

import icalendar
import pytest
from django.test import Client
from django.urls import reverse
from tests.factories.catalogue import make_entry
from tests.factories.events import begin_now, in_days, make_event, make_factory, make_plan
from tests.factories.world import make_organisation, make_person

from fabriek.events import queries
from fabriek.events.actions import cancel_event, draft_event, register
from fabriek.events.models import Event, Registration
from fabriek.events.plan import Meeting
from fabriek.people.models import Person

pytestmark = pytest.mark.django_db
LINK = "https://meet.example.org/secret-room"


def signed_in(person: Person | None) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    if person is not None:
        client.force_login(person)
    return client


def page_of(person: Person | None, name: str, *arguments: Any, query: str = "") -> str:
    response = signed_in(person).get(reverse(f"portal:{name}", args=arguments) + query)
    assert response.status_code == 200, response.status_code
    return unescape(response.content.decode())


def structured(page: str) -> Any:
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_list_shows_what_comes_narrows_and_says_what_to_do_where_it_is_empty() -> None:
    assert "Nothing is planned" in page_of(None, "events")
    assert "Nothing was yet" in page_of(None, "events", query="?when=past")
    event, factory = make_event(title="Many GPUs at once", seats=3), make_factory()
    make_event(factory=factory, title="A webinar", kind="webinar")
    off = make_event(title="Off")
    cancel_event(make_person("officer"), off, "The speaker is ill.")
    draft_event(make_person("officer"), make_plan(title="Not for you yet"))
    page = page_of(None, "events")
    for words in ("Many GPUs at once", "A webinar", "3 left", "Cancelled"):
        assert words in page
    assert "Not for you yet" not in page
    narrowed = page_of(None, "events", query=f"?factory={factory.code}")
    assert "A webinar" in narrowed
    assert "Many GPUs at once" not in narrowed
    assert "No such event" in page_of(None, "events", query=f"?factory={factory.code}&kind=training")
    assert "Many GPUs at once" in page_of(None, "events", query="?factory=nothing-here&language=xx&kind=party")
    register(make_person(), event)
    assert "2 left" in page_of(None, "events")


def test_the_month_has_each_session_on_its_day() -> None:
    two = (Meeting(in_days(40, 9), in_days(40, 10)), Meeting(in_days(41, 9), in_days(41, 10)))
    event = make_event(meetings=two, zone="UTC")
    days = [in_days(40).date(), in_days(41).date()]
    for day in days:
        page = page_of(None, "events_month", query=f"?month={day:%Y-%m}")
        assert f'id="day-{day.day}"' in page
        assert event.title in page
    assert "Nothing in this month" in page_of(None, "events_month", query="?month=2001-01")
    for nonsense in ("?month=x", "?month=0000-00", "?month=9999-12"):
        assert reverse("portal:events_month") in page_of(None, "events_month", query=nonsense)


def test_somebody_registers_waits_and_withdraws() -> None:
    event, first, second = make_event(seats=1, link=LINK), make_person(), make_person()
    assert "Sign in to register" in page_of(None, "event", event.code)
    for person in (first, second):
        address = reverse("portal:register_for_event", args=[event.code])
        assert signed_in(person).post(address)["Location"] == reverse("portal:event", args=[event.code])
    assert "You have a seat" in page_of(first, "event", event.code)
    assert "You are number 1 on the waiting list" in page_of(second, "event", event.code)
    assert "Join the waiting list" in page_of(make_person(), "event", event.code)
    # Only who has a seat sees where it meets online.
    assert LINK in page_of(first, "event", event.code)
    assert LINK in page_of(first, "my_events")
    for person in (None, second, make_person("board")):
        assert LINK not in page_of(person, "event", event.code)
    assert LINK not in page_of(second, "my_events")
    withdrawing = reverse("portal:withdraw_from_event", args=[event.code])
    assert "Withdraw from this event?" in page_of(first, "withdraw_from_event", event.code)
    assert signed_in(first).post(withdrawing).status_code == 303
    assert "You have a seat" in page_of(second, "event", event.code)
    assert "You registered for nothing yet" in page_of(first, "my_events")


def test_who_can_t_register_reads_why_on_the_page() -> None:
    event = make_event(audience="companies")
    academic = make_person(organisation=make_organisation("academia"))
    assert "This event is for others" in page_of(academic, "event", event.code)
    refused = signed_in(academic).post(reverse("portal:register_for_event", args=[event.code]), follow=True)
    assert "This event is for others" in refused.content.decode()
    later = make_event(opens=in_days(3))
    assert "Registration opens on" in page_of(None, "event", later.code)
    assert "Sign in to register" not in page_of(None, "event", later.code)
    assert not Registration.objects.exists()


def test_what_an_organiser_wrote_is_markdown_and_no_html() -> None:
    event = make_event(description="# Bring\n\n- a *laptop*\n\n<script>alert(1)</script>", title="<b>Bold</b>")
    response = Client().get(reverse("portal:event", args=[event.code])).content.decode()
    assert "<em>laptop</em>" in response
    assert "<script>alert" not in response
    assert "<b>Bold</b>" not in response
    assert structured(response)["name"] == "<b>Bold</b>"


def test_an_event_is_planned_published_changed_and_cancelled_on_the_pages() -> None:
    officer, factory = make_person("officer"), make_factory()
    entry = make_entry("training")
    client = signed_in(officer)
    said = {
        "title": "Many GPUs at once",
        "kind": "training",
        "factory": factory.code,
        "entry": entry.code,
        "summary": "For who used one.",
        "languages": "NL, en nl",
        "zone": "Europe/Lisbon",
        "starts-0": f"{in_days(12):%Y-%m-%d}T09:00",
        "ends-0": f"{in_days(12):%Y-%m-%d}T12:30",
        "place": "Porto",
        "audience": "everybody",
        "remind_hours": "24",
        "contact_email": "events@example.org",
        "seats": "12",
    }
    assert client.post(reverse("portal:plan_event"), said | {"ends-0": ""}).status_code == 422
    made = client.post(reverse("portal:plan_event"), said)
    event = Event.objects.get()
    assert made["Location"] == reverse("portal:event", args=[event.code])
    assert (event.language_codes, event.seats, event.state) == (("nl", "en"), 12, "draft")
    assert event.starts is not None
    local = event.starts.astimezone(event.tzinfo)
    assert (local.hour, local.minute, event.zone) == (9, 0, "Europe/Lisbon")
    assert "This is a draft" in page_of(officer, "event", event.code)
    assert signed_in(make_person()).get(reverse("portal:event", args=[event.code])).status_code == 404
    client.post(reverse("portal:publish_event", args=[event.code]))
    assert "Many GPUs at once" in page_of(None, "events")
    assert event.title in page_of(None, "entry", entry.code)
    assert event.title in page_of(None, "factory", factory.code)
    # The form shows what was said, and saving it as it is changes nothing.
    form = page_of(officer, "change_event", event.code)
    assert f'value="{in_days(12):%Y-%m-%d}T09:00"' in form
    again = said | {"read": str(event.sequence), "languages": "nl, en"}
    assert client.post(reverse("portal:change_event", args=[event.code]), again).status_code == 303
    event.refresh_from_db()
    assert event.sequence == 0
    moved = again | {"starts-0": f"{in_days(12):%Y-%m-%d}T10:00"}
    client.post(reverse("portal:change_event", args=[event.code]), moved)
    event.refresh_from_db()
    assert event.sequence == 1
    stale = client.post(reverse("portal:change_event", args=[event.code]), moved | {"title": "Another"})
    assert stale.status_code == 422
    assert "Somebody else changed this event meanwhile" in stale.content.decode()
    client.post(reverse("portal:cancel_event", args=[event.code]), {"why": "The speaker is ill."})
    assert "The speaker is ill." in page_of(None, "event", event.code)


def test_an_event_that_lacks_something_says_what_where_it_is_published() -> None:
    officer = make_person("officer")
    event = draft_event(officer, make_plan(summary="", place="", meetings=()))
    answer = signed_in(officer).post(reverse("portal:publish_event", args=[event.code]), follow=True)
    page = unescape(answer.content.decode())
    for sentence in ("Say when it is.", "Say where it is", "Say in a sentence or two"):
        assert sentence in page
    signed_in(officer).post(reverse("portal:discard_event", args=[event.code]))
    assert not Event.objects.exists()


def test_only_who_organises_sees_names_marks_who_came_and_takes_the_file() -> None:
    officer = make_person("officer")
    event = make_event(officer, seats=1)
    seated = register(make_person(name="=Fatima", organisation=make_organisation()), event)
    register(make_person(name="Waits"), event)
    for person in (None, seated.person, make_person("board"), make_person("administrator")):
        response = signed_in(person).get(reverse("portal:event_participants", args=[event.code]))
        assert response.status_code in (302, 403)
        assert "Waits" not in page_of(person, "event", event.code)
    page = page_of(officer, "event_participants", event.code)
    assert "=Fatima" in page
    assert "They are erased on" in page
    file = signed_in(officer).get(reverse("portal:event_participants", args=[event.code]) + "?format=csv")
    rows = list(csv.DictReader(io.StringIO(file.content.decode())))
    assert [(row["name"], row["state"], row["class"]) for row in rows] == [
        ("'=Fatima", "seat", "startup"),
        ("Waits", "waiting", ""),
    ]
    address = reverse("portal:event_participants", args=[event.code])
    early = signed_in(officer).post(address, {f"came-{seated.pk}": "yes"}, follow=True)
    assert "Who came is noted once it has begun" in early.content.decode()
    begin_now(event)
    signed_in(officer).post(address, {f"came-{seated.pk}": "yes", "came-x": "yes", "came-9": "perhaps"})
    seated.refresh_from_db()
    assert seated.came is True
    assert "selected>Yes" in page_of(officer, "event_participants", event.code)


def test_search_engines_read_the_same_facts_and_a_course_has_its_dates() -> None:
    entry = make_entry("training", details={"mode": "onsite"})
    two = (Meeting(in_days(10, 9), in_days(10, 10)), Meeting(in_days(11, 9), in_days(11, 10)))
    event = make_event(entry=entry, seats=10, link=LINK, meetings=two, languages=("nl", "en"))
    register(make_person(), event)
    node = structured(page_of(None, "event", event.code))
    assert (node["@type"], node["courseMode"], node["inLanguage"]) == ("CourseInstance", "blended", ["nl", "en"])
    assert (node["maximumAttendeeCapacity"], node["remainingAttendeeCapacity"]) == (10, 9)
    assert (node["startDate"], node["endDate"]) == (
        two[0].starts.astimezone(event.tzinfo).isoformat(),
        two[1].ends.astimezone(event.tzinfo).isoformat(),
    )
    assert len(node["subEvent"]) == 2
    assert LINK not in json.dumps(node)
    course = structured(page_of(None, "entry", entry.code))
    assert node["@reverse"]["hasCourseInstance"]["@id"] == course["@id"]
    assert [one.get("@id") for one in course["hasCourseInstance"]] == [None, node["@id"]]
    cancel_event(make_person("officer"), event, "Off.")
    assert structured(page_of(None, "event", event.code))["eventStatus"].endswith("EventCancelled")


def test_calendars_are_for_all_of_a_factory_of_one_event_and_one_s_own() -> None:
    event, other = make_event(link=LINK, seats=1), make_event()
    seated, waits = make_person(), make_person()
    register(seated, event)
    register(waits, event)

    def summaries(person: Person | None, address: str) -> list[str]:
        response = signed_in(person).get(address)
        assert response["Content-Type"] == "text/calendar; charset=utf-8"
        found = icalendar.Calendar.from_ical(response.content)
        return [str(one["summary"]) for one in found.walk("VEVENT")]

    public = reverse("portal:events_calendar")
    assert set(summaries(None, public)) == {event.title, other.title}
    assert summaries(None, f"{public}?factory={other.factory.code}") == [other.title]
    assert Client().get(f"{public}?factory=nothing-here").status_code == 404
    one = reverse("portal:event_calendar", args=[event.code])
    assert summaries(None, one) == [event.title]
    links = [LINK in signed_in(person).get(one).content.decode() for person in (None, waits, seated)]
    assert links == [False, False, True]
    # One's own: by a secret that is shown once, and made anew.
    client = signed_in(seated)
    client.post(reverse("portal:renew_calendar"))
    shown = re.search(r"http://testserver(/events/own/\S+?/calendar.ics)", page_of_client(client, "my_events"))
    assert shown
    assert "/events/own/" not in page_of_client(client, "my_events")
    own = Client().get(shown[1])
    assert LINK in own.content.decode().replace("\r\n ", "")
    assert summaries(None, shown[1]) == [event.title]
    client.post(reverse("portal:renew_calendar"))
    gone = Client().get(shown[1])
    assert gone.status_code == 404
    # A question from there would tell the experts the secret.
    assert "?from=" not in gone.content.decode()


def page_of_client(client: Client, name: str) -> str:
    return unescape(client.get(reverse(f"portal:{name}")).content.decode())


def test_a_list_takes_the_same_number_of_queries_however_long_it_is(django_assert_max_num_queries: Any) -> None:
    person, factory = make_person(), make_factory()
    for _ in range(8):
        register(person, make_event(factory=factory, entry=make_entry("training")))
    client = signed_in(person)
    with django_assert_max_num_queries(12):
        client.get(reverse("portal:events"))
    with django_assert_max_num_queries(12):
        client.get(reverse("portal:events_month"))
    assert queries.registrations_of(person).count() == 8
