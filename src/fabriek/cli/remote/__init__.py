"""The verbs over the API, by who uses them: with --url and --token, or FABRIEK_URL and FABRIEK_TOKEN."""

from __future__ import annotations

import typer

from fabriek.cli.remote import (
    administrators,
    applicants,
    catalogue,
    events,
    foresight,
    harvesting,
    jobs,
    looking,
    matching,
    officers,
    operators,
    profiles,
    recipes,
    reports,
    reviewers,
    rolling,
    saved_searches,
    scenarios,
    standards,
    support,
    transfers,
)


def register(app: typer.Typer) -> None:
    """Add all of them to the command."""
    for users in (
        applicants,
        jobs,
        transfers,
        recipes,
        catalogue,
        saved_searches,
        profiles,
        reviewers,
        officers,
        scenarios,
        foresight,
        rolling,
        operators,
        harvesting,
        support,
        events,
        administrators,
        looking,
        reports,
        matching,
        standards,
    ):
        users.register(app)
