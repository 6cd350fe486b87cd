"""The agent on one machine, Slurm's commands on another: a real sshd, on loopback, of the test's own."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.slurm.sites import Site
from tests.slurm.test_bed import until

from fabriek.compute.engine import EngineUnavailable, difference
from fabriek.compute.slurm.settings import SshSettings
from fabriek.demo.slurm import Bed
from fabriek.demo.slurm.packages import NotInstalled, program


@pytest.fixture
def server(folder: Path) -> Iterator[SshSettings]:
    """One's own key opens it, and it is known by its own."""
    try:
        sshd = program("sshd")
    except NotInstalled as lacks:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(lacks))
    home = folder / "ssh"
    home.mkdir(mode=0o700)
    for name in ("host", "user", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / name], check=True)
    (home / "authorized").write_text((home / "user.pub").read_text())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (home / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {home}/host\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {home}/authorized\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
    )
    (home / "known").write_text(f"[127.0.0.1]:{port} {(home / 'host.pub').read_text()}")
    # sshd of root wants this folder, which Debian's service makes.
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    process = subprocess.Popen([sshd, "-D", "-e", "-f", home / "config"], stderr=subprocess.DEVNULL)
    try:
        until(lambda: _listens(port))
        yield SshSettings(
            host="127.0.0.1",
            port=port,
            user=getpass.getuser(),
            key_file=str(home / "user"),
            known_hosts=str(home / "known"),
        )
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def at(site: Site, ssh: SshSettings) -> Site:
    site.settings = site.settings.model_copy(update={"ssh": ssh})
    site.engine = site.new_engine()
    return site


@pytest.fixture
def site(bed: Bed, job_user: str, folder: Path, server: SshSettings) -> Site:
    return at(Site(bed, "beta", job_user, folder), server)


def test_awards_and_jobs_over_ssh(site):
    state = site.made("far")
    assert difference([state], site.engine.enforced()) == []
    hostile = 'it\'s "$(touch /tmp/over-ssh)" `id`; exit'
    body = "cat > far.txt <<'END'\n" + hostile + "\nEND\ncat far.txt"
    report = site.ended(site.engine.submit(site.order(state, body, name=hostile)))
    assert (report.state, report.output) == ("COMPLETED", f"{hostile}\n")
    assert not Path("/tmp/over-ssh").exists()


def test_many_new_awards_go_in_one_file_over_ssh(site, monkeypatch):
    wanted = [site.award(f"far{number}") for number in range(20)]
    run, ran = site.engine._commands.run, []
    monkeypatch.setattr(site.engine._commands, "run", lambda words, **more: ran.append(words) or run(words, **more))
    assert site.engine.provision(wanted) == {}
    assert difference(wanted, site.engine.enforced()) == []
    assert [words for words in ran if "user" in words] == [], "none had to be added by itself"


def test_a_connection_that_broke_is_made_again(site):
    state = site.made("breaks")
    transport = site.engine._commands._transport
    transport._client.close()
    site.engine.tick()
    assert difference([state], site.engine.enforced()) == []


def test_a_machine_that_is_not_known_is_not_trusted(site, server, folder):
    (folder / "nobody").write_text("")
    at(site, server.model_copy(update={"known_hosts": str(folder / "nobody")}))
    with pytest.raises(EngineUnavailable, match="not found in known_hosts"):
        site.engine.enforced()


def test_a_key_that_opens_nothing_says_so(site, server, folder):
    at(site, server.model_copy(update={"key_file": str(folder / "ssh" / "other")}))
    with pytest.raises(EngineUnavailable, match="Authentication failed"):
        site.engine.enforced()
