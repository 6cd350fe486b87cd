"""The addresses of these pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from fabriek.portal.pages.reports import access_time, free_use, hosting

urlpatterns: list[URLPattern | URLResolver] = [
    path("reports/", access_time.show, name="access_time"),
    path("reports/free-use/", free_use.show, name="free_use"),
    path("reports/hosting/", hosting.show, name="hosting_report"),
]
