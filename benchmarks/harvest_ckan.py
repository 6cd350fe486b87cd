"""Is what a real CKAN publishes taken in, page by page, and again once it changed? CKAN 2.11 with ckanext-dcat 2.4.

    harvest_ckan.py --venv FOLDER [--datasets 120]

In the folder is a virtual environment with CKAN (it is no dependency of Fabriek):

    python3 -m venv FOLDER
    FOLDER/bin/pip install 'ckan[requirements]~=2.11' 'ckanext-dcat~=2.4'

It needs Debian's postgresql and redis-server too, both started here on loopback in a temporary folder and ended again.
CKAN's search is stood in for, as peers/ckan_serve.py tells. The feed is read in each of ckanext-dcat's forms (Turtle,
JSON-LD, RDF/XML), which must say the same, and harvested; a second source that tells of the same adds nothing. Then
CKAN's own API changes a dataset, deletes some and adds one, and it is asked again; the catalogue must hold what CKAN
says. Prints the runs' reports and the ratio of what was taken in to what is there.
"""

from __future__ import annotations

import argparse
import glob
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx

PER_PAGE = 50
FORMS = ("ttl", "jsonld", "xml")


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A database that ends with the block."""
    programs = Path(sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))[-1]).parent
    # PostgreSQL refuses to run as root.
    as_user = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
    data, port = folder / "postgresql", free_port()
    data.mkdir()
    if as_user:
        shutil.chown(data, "nobody")

    def do(program: str, *options: str) -> None:
        subprocess.run([*as_user, str(programs / program), *options], check=True, cwd="/tmp", stdout=subprocess.DEVNULL)

    do("initdb", "-D", str(data / "data"), "-U", "ckan", "-A", "trust", "-E", "UTF8", "--no-sync")
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data} -c fsync=off"
    do("pg_ctl", "-D", str(data / "data"), "-w", "-l", str(data / "log"), "-o", settings, "start")
    try:
        do("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "ckan", "ckan")
        yield f"postgresql://ckan@127.0.0.1:{port}/ckan"
    finally:
        do("pg_ctl", "-D", str(data / "data"), "-m", "immediate", "stop")


@contextmanager
def running(command: list[str], **how: Any) -> Iterator[subprocess.Popen[str]]:
    """A process that ends with the block."""
    process = subprocess.Popen(command, text=True, **how)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def ckan(venv: Path, folder: Path, datasets: int) -> Iterator[tuple[str, str]]:
    """The address of a CKAN with so many datasets, and a token of who may change them."""
    port, redis = free_port(), free_port()
    address = f"http://127.0.0.1:{port}"
    ini = folder / "ckan.ini"
    subprocess.run([venv / "bin" / "ckan", "generate", "config", str(ini)], check=True, capture_output=True)
    with ExitStack() as held:
        database = held.enter_context(postgresql(folder))
        quiet = ["--bind", "127.0.0.1", "--save", "", "--daemonize", "no", "--loglevel", "warning"]
        held.enter_context(running(["redis-server", "--port", str(redis), *quiet], stdout=subprocess.DEVNULL))
        settings = {
            "sqlalchemy.url": database,
            "ckan.site_url": address,
            "ckan.redis.url": f"redis://127.0.0.1:{redis}/0",
            "ckan.plugins": "dcat",
            "ckan.storage_path": str(folder / "storage"),
            "ckanext.dcat.datasets_per_page": str(PER_PAGE),
        }
        lines = [one for one in ini.read_text().splitlines() if one.partition("=")[0].strip() not in settings]
        here = lines.index("[app:main]") + 1
        lines[here:here] = [f"{name} = {value}" for name, value in settings.items()]
        ini.write_text("\n".join(lines))
        serve = [str(venv / "bin" / "python"), str(Path(__file__).parent / "peers" / "ckan_serve.py")]
        command = [*serve, str(ini), str(port), str(datasets)]
        served = held.enter_context(running(command, stdout=subprocess.PIPE, stderr=(folder / "log").open("w")))
        assert served.stdout is not None
        for line in served.stdout:
            if line.startswith("serving "):
                yield address, line.split()[1]
                return
        sys.exit(f"CKAN did not start:\n{(folder / 'log').read_text()[-3_000:]}")


def report(title: str, run: Any) -> None:
    """A run, in a line."""
    names = ("added", "changed", "same", "kept", "gone", "double", "passed_over", "broken")
    counts = ", ".join(f"{getattr(run, name)} {name}" for name in names if getattr(run, name))
    print(f"{title}: {run.state}, {run.pages} pages, {counts or 'nothing'} {run.why}".rstrip())
    for remark in run.remarks.all()[:3]:
        print(f"  {remark.identifier}: {remark.text}")


def records_of(line: Any, address: str) -> dict[str, Any]:
    """What the feed says, by identifier, read page by page."""
    from fabriek.harvest.readers import READERS, Asked

    reader, found, place = READERS["dcat"], {}, address
    while place:
        page = reader.read(line.get(place, reader.accept), Asked(address))
        for one in page.found:
            assert one.record is not None, one.remarks
            found[one.identifier] = one.record.as_json()
        place = page.next
    return found


def main(venv: Path, datasets: int) -> None:
    """Harvest, change, harvest again."""
    with tempfile.TemporaryDirectory(prefix="fabriek-ckan-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        os.environ |= {"FABRIEK_FOLDER": str(folder / "fabriek"), "DJANGO_SETTINGS_MODULE": "fabriek.conf.settings"}
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        from fabriek.catalogue.models import Entry, EntryState
        from fabriek.harvest.actions import add_source, run_source
        from fabriek.harvest.network import Line
        from fabriek.people.models import Person, Role

        operator = Person.objects.create(email="operator@fabriek.example", name="Operator")
        operator.roles.create(role=Role.OPERATOR)

        def titles(source: Any) -> set[str]:
            there = Entry.objects.filter(origin=source.code, state=EntryState.PUBLISHED)
            return set(there.values_list("title", flat=True))

        with ckan(venv, folder, datasets) as (address, token), Line([ip_network("127.0.0.0/8")]) as line:

            def call(action: str, **said: Any) -> Any:
                answer = httpx.post(
                    f"{address}/api/3/action/{action}", json=said, headers={"Authorization": token}, timeout=120
                )
                answer.raise_for_status()
                return answer.json()["result"]

            said = httpx.get(f"{address}/api/3/action/status_show", timeout=120).json()["result"]
            print(f"CKAN {said['ckan_version']} with {', '.join(said['extensions'])}, {datasets} datasets")
            read = {form: records_of(line, f"{address}/catalog.{form}") for form in FORMS}
            assert read["ttl"] == read["jsonld"] == read["xml"], "the forms say the same"
            source = add_source(operator, code="ckan", name="CKAN", kind="dcat", address=f"{address}/catalog.ttl")
            report("first", run_source(source, line))
            report("again", run_source(source, line))
            print(f"{len(titles(source)) / datasets:.3f} of CKAN's datasets are here")
            other = add_source(operator, code="portal", name="P", kind="dcat", address=f"{address}/catalog.jsonld")
            report("the same by another portal", run_source(other, line))
            call("package_patch", id="counts-0", title="Traffic counts, road 0, mended")
            for gone in (1, 2):
                call("package_delete", id=f"counts-{gone}")
            call("package_create", name="just-measured", title="New", notes="Just measured.", owner_org="nowhere")
            report("changed", run_source(source, line))
            theirs = {f"Traffic counts, road {n}" for n in range(3, datasets)} | {
                "New",
                "Traffic counts, road 0, mended",
            }
            assert titles(source) == theirs
            assert not titles(other)
            print("what the catalogue holds is what CKAN says, once")
            one = Entry.objects.get(title="Traffic counts, road 3")
            print(f"one of them: {one.record}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path)
    parser.add_argument("--datasets", type=int, default=120)
    asked = parser.parse_args()
    if asked.venv is None or not (asked.venv / "bin" / "ckan").exists() or shutil.which("redis-server") is None:
        print("Left out: CKAN, redis-server or both are not there (see --help)")
    else:
        main(asked.venv.resolve(), asked.datasets)
