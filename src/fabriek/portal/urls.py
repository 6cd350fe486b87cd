"""Every page's address."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from fabriek.portal.pages.apply.urls import urlpatterns as apply
from fabriek.portal.pages.catalogue.urls import urlpatterns as catalogue
from fabriek.portal.pages.decide.urls import urlpatterns as decide
from fabriek.portal.pages.events.urls import urlpatterns as events
from fabriek.portal.pages.foresee.urls import urlpatterns as foresee
from fabriek.portal.pages.public.urls import urlpatterns as public
from fabriek.portal.pages.reports.urls import urlpatterns as reports
from fabriek.portal.pages.support.urls import urlpatterns as support
from fabriek.portal.pages.use.urls import urlpatterns as use

app_name = "portal"
urlpatterns: list[URLPattern | URLResolver] = [
    *public,
    *catalogue,
    *apply,
    *use,
    *decide,
    *foresee,
    *reports,
    *support,
    *events,
]
