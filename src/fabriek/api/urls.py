"""Every route of the API."""

from __future__ import annotations

from django.urls import path

from fabriek.api.main import api

urlpatterns = [path("", api.urls)]
