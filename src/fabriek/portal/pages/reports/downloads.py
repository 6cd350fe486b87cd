"""Where what a page shows is downloaded."""

from __future__ import annotations

from django.http import HttpRequest


def download_url(request: HttpRequest, kind: str) -> str:
    """This page, for the same year and system, as a file."""
    query = request.GET.copy()
    query["format"] = kind
    return f"?{query.urlencode()}"
