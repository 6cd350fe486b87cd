"""The two doors: pages and API."""

from django.urls import include, path

urlpatterns = [
    path("", include("fabriek.portal.urls")),
    path("api/v1/", include("fabriek.api.urls")),
]

handler400 = "fabriek.portal.errors.bad_request"
handler403 = "fabriek.portal.errors.permission_denied"
handler404 = "fabriek.portal.errors.page_not_found"
handler500 = "fabriek.portal.errors.server_error"
