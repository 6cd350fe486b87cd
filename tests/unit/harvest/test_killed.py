"""kill -9 in the middle of a harvest, at any page: run again, the catalogue is the one of a run that nobody hurt."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.unit.harvest.serving import Answer, serving

CODE = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from ipaddress import ip_network
from fabriek.harvest.actions import run_source
from fabriek.harvest.models import Source
from fabriek.harvest.network import Line
from fabriek.catalogue.models import Entry
import json, sys
Source.objects.get_or_create(code="hub", defaults=dict(name="Hub", kind="hub", address=sys.argv[1]))
source = Source.objects.get()
with Line([ip_network("127.0.0.0/8")], patience=0) as line:
    run = run_source(source, line)
entries = sorted(Entry.objects.values_list("origin_identifier", "title", "published"))
print(json.dumps([run.state, run.resumed, run.added, run.same, entries]))
"""


def harvest(folder: Path, address: str) -> subprocess.Popen[str]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "FABRIEK"))},
        "FABRIEK_FOLDER": str(folder),
        "DJANGO_SETTINGS_MODULE": "fabriek.conf.settings",
    }
    return subprocess.Popen(
        [sys.executable, "-c", CODE, address],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_killed_at_a_page_it_ends_in_the_same_catalogue(tmp_path: Path) -> None:
    reached, wait = threading.Event(), threading.Event()

    def answer(path: str) -> Answer:
        page = int(path.partition("page=")[2] or 0)
        if page == 3 and not wait.is_set():
            reached.set()
            wait.wait(60)
        items = [{"id": f"owner/thing-{page}-{n}", "description": "Data"} for n in range(5)]
        link = {"Link": f'</api/datasets?page={page + 1}>; rel="next"'} if page < 5 else {}
        return Answer(json.dumps(items).encode(), headers=link)

    with serving(answer) as server:
        address = f"{server.url}/api/datasets"
        killed = harvest(tmp_path, address)
        try:
            assert reached.wait(120), killed.stderr.read() if killed.poll() is not None and killed.stderr else ""
        finally:
            killed.send_signal(signal.SIGKILL)
            killed.communicate()
            wait.set()
        told, error = harvest(tmp_path, address).communicate(timeout=120)
        assert told, error
        state, resumed, added, same, entries = json.loads(told)
    assert (state, resumed) == ("completed", True)
    assert added + same == 15, "three pages were in, three were left"
    assert entries == [[f"owner/thing-{page}-{n}", f"owner/thing-{page}-{n}", 1] for page in range(6) for n in range(5)]
