"""The addresses of these pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from fabriek.portal.pages.reports import access_time, hosting

urlpatterns: list[URLPattern | URLResolver] = [
    path("reports/", access_time.show, name="access_time"),
    path("reports/hosting/", hosting.show, name="hosting_report"),
]
