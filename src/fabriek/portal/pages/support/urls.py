"""The addresses of these pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from fabriek.portal.pages.support import desk, tickets

urlpatterns: list[URLPattern | URLResolver] = [
    path("questions/", tickets.mine, name="my_tickets"),
    path("questions/ask/", tickets.ask, name="ask_ticket"),
    path("questions/<int:number>/", tickets.show, name="ticket"),
    path("questions/<int:number>/hand-over/", tickets.hand_over, name="hand_over_ticket"),
    path("questions/<int:number>/close/", tickets.close, name="close_ticket"),
    path("questions/<int:number>/reopen/", tickets.reopen, name="reopen_ticket"),
    path("desk/questions/", desk.waiting, name="tickets_desk"),
    path("desk/questions/mail/", desk.addresses, name="desk_addresses"),
    path("desk/questions/mail/<slug:code>/", desk.mail_to, name="mail_desk"),
]
