"""The addresses of these pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from fabriek.portal.pages.apply import applications, attachments, calls, reviews
from fabriek.portal.pages.use import matching

urlpatterns: list[URLPattern | URLResolver] = [
    path("calls/", calls.index, name="calls"),
    path("calls/<slug:code>/", calls.show, name="call"),
    path("calls/<slug:code>/apply/", calls.start, name="start_application"),
    path("applications/", applications.index, name="applications"),
    path("applications/<slug:code>/", applications.show, name="application"),
    path("applications/<slug:code>/matches/", matching.of_application, name="application_matches"),
    path("applications/<slug:code>/withdraw/", applications.withdraw, name="withdraw"),
    path("applications/<slug:code>/attachments/", attachments.add, name="add_attachment"),
    path("applications/<slug:code>/attachments/<int:number>/", attachments.download, name="attachment"),
    path("applications/<slug:code>/attachments/<int:number>/remove/", attachments.remove, name="remove_attachment"),
    path("applications/<slug:code>/why/", applications.ask_why, name="application_why"),
    path("applications/<slug:code>/reply/", applications.reply, name="reply"),
    path("applications/<slug:code>/object/", applications.object_to, name="object"),
    path("applications/<slug:code>/save/<slug:name>/", applications.save, name="save_step"),
    path("applications/<slug:code>/<slug:name>/", applications.step, name="application_step"),
    path("reviews/", reviews.index, name="reviews"),
    path("reviews/<int:number>/", reviews.show, name="review"),
    path("reviews/<int:number>/save/", reviews.save, name="save_review"),
    path("reviews/<int:number>/decline/", reviews.decline, name="decline_review"),
]
