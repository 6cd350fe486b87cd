"""What `fabriek usage import` needs around the import: who does it, and the cluster that the log is of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fabriek.conf.errors import NotFound
from fabriek.operations.imports import ImportReport, import_usage
from fabriek.operations.models import Cluster, ClusterPartition
from fabriek.people.actions import register_organisation
from fabriek.people.models import Person, Role
from fabriek.programmes.models import Programme
from fabriek.register.models import Partition


def run_import(
    file: Path,
    cluster: str,
    partition: str,
    programme: str,
    format: str,
    actor: str,
    progress: Callable[[int], None],
) -> ImportReport:
    """Import a log. The cluster is made where it isn't there. Errors: NotFound with what to register first."""
    person = _operator(actor)
    found = Partition.objects.select_related("system__site").filter(code=partition).first()
    if found is None:
        raise NotFound(f"The register has no partition {partition}. Declare it first, or correct the name.")
    under = Programme.objects.filter(code=programme).first()
    if under is None:
        raise NotFound(f"There is no programme {programme}. Establish it first, or correct the name.")
    home, _made = Cluster.objects.get_or_create(code=cluster, defaults={"site": found.system.site, "engine": "log"})
    ClusterPartition.objects.get_or_create(cluster=home, partition=found, defaults={"name": found.name})
    organisation = register_organisation(
        person, name=f"Users of {cluster}", organisation_class="academia", country=found.system.country
    )
    return import_usage(
        person,
        home,
        file,
        format=format,
        programme=under,
        partition=found,
        organisation=organisation,
        progress=progress,
    )


def _operator(email: str) -> Person:
    """The operator of this address, or the only ones there are: the first of them."""
    operators = Person.objects.filter(roles__role=Role.OPERATOR, is_active=True).order_by("pk")
    found = operators.filter(email=email.lower()).first() if email else operators.first()
    if found is None:
        raise NotFound("There is no such operator. Make one: fabriek person you@example.org --role operator")
    return found
