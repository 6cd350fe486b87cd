"""Fills a ColdFront with projects and allocations. Run by page_times.py, with the Python of ColdFront's own venv.

`fill_coldfront.py PROJECTS`, in an empty folder: two allocations a project, a principal investigator each, core-hours
as an attribute with usage. Prints JSON: the session's cookie of a superuser, and for each page its address and queries.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import date

os.environ["DJANGO_SETTINGS_MODULE"] = "coldfront.config.settings"

import django

django.setup()

from coldfront.core.allocation import models as allocations  # noqa: E402
from coldfront.core.project import models as projects  # noqa: E402
from coldfront.core.resource.models import Resource, ResourceType  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402

BATCH = 1_000


def fill(number: int) -> tuple[User, projects.Project]:
    """The superuser, who leads ten of the projects, and one of these."""
    resource = Resource.objects.create(
        name="gpu", description="GPUs", resource_type=ResourceType.objects.get(name="Cluster")
    )
    superuser = User.objects.create_superuser("operator", "operator@example.org", "not used")
    leads = [User(username=f"lead{n}", first_name="Lead", last_name=str(n)) for n in range(number // 10)]
    User.objects.bulk_create(leads, batch_size=BATCH)
    from coldfront.core.user.models import UserProfile

    UserProfile.objects.bulk_create([UserProfile(user=lead) for lead in leads], batch_size=BATCH)
    active = projects.ProjectStatusChoice.objects.get(name="Active")
    made = projects.Project.objects.bulk_create(
        [
            projects.Project(
                title=f"Benchmark project {n} on {['language', 'weather', 'protein', 'robots'][n % 4]}",
                pi=superuser if n < 10 else leads[n % len(leads)],
                description="A project of the benchmark.",
                status=active,
            )
            for n in range(number)
        ],
        batch_size=BATCH,
    )
    role = projects.ProjectUserRoleChoice.objects.get(name="Manager")
    there = projects.ProjectUserStatusChoice.objects.get(name="Active")
    projects.ProjectUser.objects.bulk_create(
        [projects.ProjectUser(user=p.pi, project=p, role=role, status=there) for p in made], batch_size=BATCH
    )
    running = allocations.AllocationStatusChoice.objects.get(name="Active")
    held = allocations.Allocation.objects.bulk_create(
        [
            allocations.Allocation(
                project=p, status=running, start_date=date(2026, 11, 1), end_date=date(2027, 11, 1), justification="-"
            )
            for p in made
            for _ in range(2)
        ],
        batch_size=BATCH,
    )
    through = allocations.Allocation.resources.through
    through.objects.bulk_create([through(allocation=a, resource=resource) for a in held], batch_size=BATCH)
    member = allocations.AllocationUserStatusChoice.objects.get(name="Active")
    allocations.AllocationUser.objects.bulk_create(
        [allocations.AllocationUser(allocation=a, user=a.project.pi, status=member) for a in held], batch_size=BATCH
    )
    hours = allocations.AllocationAttributeType.objects.get(name="Core Usage (Hours)")
    attributes = allocations.AllocationAttribute.objects.bulk_create(
        [allocations.AllocationAttribute(allocation=a, allocation_attribute_type=hours, value="1000") for a in held],
        batch_size=BATCH,
    )
    allocations.AllocationAttributeUsage.objects.bulk_create(
        [allocations.AllocationAttributeUsage(allocation_attribute=a, value=500) for a in attributes],
        batch_size=BATCH,
    )
    return superuser, made[5]


def main() -> None:
    call_command("initial_setup", force_overwrite=True, verbosity=0, stdout=sys.stderr)
    with transaction.atomic():
        superuser, project = fill(int(sys.argv[1]))
    allocation = project.allocation_set.first()
    pages = {
        "home": "/",
        "project list": "/project/?show_all_projects=on",
        "search": "/project/?show_all_projects=on&title=protein",
        "project": f"/project/{project.pk}/",
        "allocation list": "/allocation/?show_all_allocations=on",
        "allocation": f"/allocation/{allocation.pk}/",
    }
    client = Client()
    client.force_login(superuser)
    queries = {}
    for name, address in pages.items():
        client.get(address)
        asked: list[str] = []

        def count(execute, sql, params, many, context, asked=asked):  # type: ignore[no-untyped-def]
            asked.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(count):
            answer = client.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        queries[name] = len(asked)
    print(json.dumps({"cookie": client.cookies["sessionid"].value, "pages": pages, "queries": queries}))


if __name__ == "__main__":
    main()
