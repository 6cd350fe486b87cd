"""The addresses of these pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from fabriek.portal.pages.events import calendars, coming, looking, organising

urlpatterns: list[URLPattern | URLResolver] = [
    path("events/", looking.index, name="events"),
    path("events/month/", looking.month, name="events_month"),
    path("events/calendar.ics", calendars.all_events, name="events_calendar"),
    path("events/own/<str:secret>/calendar.ics", calendars.own, name="own_calendar"),
    path("events/mine/", coming.mine, name="my_events"),
    path("events/mine/calendar/", coming.renew, name="renew_calendar"),
    path("events/<slug:code>/", looking.show, name="event"),
    path("events/<slug:code>/calendar.ics", calendars.one, name="event_calendar"),
    path("events/<slug:code>/register/", coming.register, name="register_for_event"),
    path("events/<slug:code>/withdraw/", coming.withdraw, name="withdraw_from_event"),
    path("desk/events/", organising.desk, name="events_desk"),
    path("desk/events/new/", organising.new, name="plan_event"),
    path("desk/events/<slug:code>/change/", organising.change, name="change_event"),
    path("desk/events/<slug:code>/publish/", organising.publish, name="publish_event"),
    path("desk/events/<slug:code>/cancel/", organising.cancel, name="cancel_event"),
    path("desk/events/<slug:code>/discard/", organising.discard, name="discard_event"),
    path("desk/events/<slug:code>/participants/", organising.participants, name="event_participants"),
]
