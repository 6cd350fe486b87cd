"""The API under /api/v1/: OpenAPI 3.1 at /api/v1/openapi.json, tokens with scopes, problem+json errors."""

from __future__ import annotations

from ninja import NinjaAPI

from fabriek import __version__
from fabriek.api.problems import install

# `declaring`, `explaining`, `jobs`, `judging`, `rolling`, `scenarios`, `signing_off` and `transfers` add verbs to
# the routers of others: one address, one router.
from fabriek.api.routes import (
    access,
    administration,
    catalogue,
    declaring,  # noqa: F401
    events,
    explaining,  # noqa: F401
    feeds,
    finding,
    foresight,
    harvesting,
    jobs,  # noqa: F401
    judging,  # noqa: F401
    lineages,
    matching,
    operations,
    profiles,
    programmes,
    reading,
    recipes,
    register,
    reports,
    rolling,  # noqa: F401
    saved_searches,
    scenarios,  # noqa: F401
    signing_off,  # noqa: F401
    sites,
    support,
    transfers,  # noqa: F401
)

api = NinjaAPI(
    title="Fabriek",
    version=__version__,
    description="Every GPU-hour accounted for, from the promise to the use.",
    urls_namespace="api",
    docs_url=None,
    openapi_url="/openapi.json",
)
install(api)
api.add_router("/", register.router)
api.add_router("/", programmes.router)
api.add_router("/", access.router)
api.add_router("/", finding.router)
api.add_router("/", operations.router)
api.add_router("/", administration.router)
api.add_router("/", reading.router)
api.add_router("/", reports.router)
api.add_router("/", recipes.router)
api.add_router("/", feeds.router)
api.add_router("/", catalogue.router)
api.add_router("/", saved_searches.router)
api.add_router("/", profiles.router)
api.add_router("/", lineages.router)
api.add_router("/", matching.router)
api.add_router("/sites", sites.router)
api.add_router("/harvest", harvesting.router)
api.add_router("/", support.router)
api.add_router("/", foresight.router)
api.add_router("/", events.router)
