"""Error pages (being written)."""

from django.http import HttpRequest, HttpResponse


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return HttpResponse("expired", status=403)


def bad_request(request, exception=None): return HttpResponse("bad request", status=400)
def permission_denied(request, exception=None): return HttpResponse("denied", status=403)
def page_not_found(request, exception=None): return HttpResponse("not found", status=404)
def server_error(request): return HttpResponse("error", status=500)
