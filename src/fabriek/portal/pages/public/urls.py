"""The addresses of these pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from fabriek.portal.pages.public import door, factories, front

urlpatterns: list[URLPattern | URLResolver] = [
    path("", front.home, name="home"),
    path("factories/", factories.index, name="factories"),
    path("factories/<slug:code>/", factories.factory, name="factory"),
    path("systems/<slug:code>/", factories.system, name="system"),
    path("what-can-i-get/", door.what_can_i_get, name="what_can_i_get"),
    path("access-modes/<slug:code>/", door.access_mode, name="access_mode"),
    path("legal/", front.legal, name="legal"),
    path("accessibility/", front.accessibility, name="accessibility"),
    path("about-demo/", front.about_demo, name="about_demo"),
    path("set-language/", front.set_language, name="set_language"),
]
