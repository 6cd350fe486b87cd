"""A bed: munge, MariaDB and slurmdbd once, and for each cluster a slurmctld and its slurmds, all in one folder."""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from fabriek.demo.slurm import packages, roll_up
from fabriek.demo.slurm.database import Database
from fabriek.demo.slurm.files import CGROUP_CONF, Ground, gres_conf, slurm_conf, slurmdbd_conf
from fabriek.demo.slurm.packages import NotInstalled, program
from fabriek.demo.slurm.processes import STOPPING, BedError, Processes, send, stepping_of
from fabriek.demo.slurm.shape import TWO_CLUSTERS, Cluster

PATIENCE = 180.0
# Whom root becomes, the first that is there. Slurm 26.05 takes no job of nobody's.
_ORDINARY = ("games", "nobody")
_LONGEST_FOLDER = 80
"""Unix sockets have names of at most 107 bytes."""
_ORDER = ("slurmrestd", "slurmctld", "slurmd", "slurmdbd", "mariadb", "munged")
_PORTS = range(20_000, 32_000)
"""Below the ports that systems hand out for outgoing connections."""


class Bed:
    """Clusters that can be brought up, hurt, and taken down. A folder that was used before keeps its data.

    clusters: names begin with different letters. rest: a slurmrestd for each cluster on a Unix socket and one with
    JWT on loopback. tied: all ends with this program, however it ends. job_age: seconds (Slurm's MinJobAge) that an
    ended job stays in slurmctld's memory. clocks: each slurmctld's clock can be set (`set_clock`), by Debian's
    libfaketime. As root jobs run as whoever submitted them; as an ordinary user only that
    user can run jobs. Errors of what follows: NotInstalled, BedError.
    """

    def __init__(
        self,
        folder: Path | str,
        clusters: Sequence[Cluster] = TWO_CLUSTERS,
        *,
        rest: bool = False,
        tied: bool = True,
        job_age: int = 10,
        clocks: bool = False,
    ) -> None:
        self.folder = Path(folder).resolve()
        self.clusters = tuple(clusters)
        self.rest = rest
        self._tied, self._job_age, self._clocks = tied, job_age, clocks
        self._user = pwd.getpwuid(os.geteuid()).pw_name
        self._database = Database(self.folder / "db", self._user)
        self._ports: dict[str, int] = {}
        _check(self.folder, self.clusters)
        self._processes = self._find_processes()

    # What a test or a person asks of it

    def up(self) -> Bed:
        """Start all and wait until every node is idle. What ran in this folder before is ended first."""
        packages.require(self.rest)
        if self._clocks and not packages.fake_clock():
            raise NotInstalled(f"Slurm's clocks can't be set here; {packages.advice(['libfaketime'])}")
        self._make_folders()
        self._processes = self._find_processes()
        self.down()
        try:
            self._write_files()
            self.start("munged")
            self.start("mariadb")
            self.start("slurmdbd")
            self._add_clusters()
            for cluster in self.clusters:
                self.start(f"slurmctld-{cluster.name}")
            for cluster in self.clusters:
                for node in cluster.nodes:
                    self._launch(f"slurmd-{node.name}")
            self.wait_until_idle()
            for name in self.daemons:
                if name.startswith("slurmrestd"):
                    self.start(name)
        except BaseException:
            self.down()
            raise
        return self

    def down(self, remove: bool = False) -> list[str]:
        """End all, in order, and what jobs left. Returns the daemons that had to be killed; remove: the folder too."""
        stubborn: list[str] = []
        if self.folder.exists():
            self._cancel_all()
            # Before slurmd is asked to end: it waits for its steps.
            self._sweep()
            for kind in _ORDER:
                stubborn += self._processes.end(n for n in self._processes.pids if n.partition("-")[0] == kind)
            self._sweep()
        if remove:
            shutil.rmtree(self.folder, ignore_errors=True)
        return stubborn

    def start(self, daemon: str) -> None:
        """Start one daemon and wait until it answers."""
        self._launch(daemon)
        self._processes.wait(daemon, self._ready(daemon), PATIENCE)
        if daemon == "mariadb":
            self._database.grant(self._password())

    def kill(self, daemon: str) -> None:
        """kill -9 of one daemon. Nothing is tidied up."""
        self._end(daemon, signal.SIGKILL)

    def stop(self, daemon: str) -> None:
        """Ask one daemon to end."""
        self._end(daemon, signal.SIGTERM)

    def set_clock(self, cluster: str, ahead: float) -> None:
        """Step the clock of a slurmctld: `ahead` seconds before everybody else's, or behind. Jobs' times stay whole."""
        if self._clocks:
            # In one go: it is read before each look at the clock.
            partial = self._clock_file(cluster).with_suffix(".partial")
            partial.write_text(f"{ahead:+g}\n")
            partial.replace(self._clock_file(cluster))

    def _clock_file(self, cluster: str) -> Path:
        return self.folder / cluster / "clock"

    @property
    def version(self) -> str:
        """Slurm's, as 22.05.8."""
        return self.run(self.clusters[0].name, "sinfo", "--version").split()[-1]

    @property
    def daemons(self) -> list[str]:
        """The names of all daemons, in the order in which they start."""
        controllers = [f"slurmctld-{cluster.name}" for cluster in self.clusters]
        nodes = [f"slurmd-{node.name}" for cluster in self.clusters for node in cluster.nodes]
        rest = [f"slurmrestd-{c.name}-{how}" for c in self.clusters for how in ("local", "jwt")] if self.rest else []
        return ["munged", "mariadb", "slurmdbd", *controllers, *nodes, *rest]

    @property
    def pids(self) -> dict[str, int]:
        """The pid of each daemon that runs."""
        return self._processes.pids

    def env(self, cluster: str) -> dict[str, str]:
        """What Slurm's commands need in their environment to speak to a cluster."""
        found = {"SLURM_CONF": str(self._conf(cluster))}
        shim = self.folder / "nodelay.so"
        return {**found, "LD_PRELOAD": str(shim)} if shim.exists() else found

    def run(self, cluster: str, *command: str, check: bool = True, given: str = "") -> str:
        """Run one of Slurm's commands and return what it printed. Errors: BedError if it ended with another status."""
        environment = {**_environment(), **self.env(cluster)}
        done = subprocess.run(
            [program(command[0]), *command[1:]],
            env=environment, input=given, text=True, capture_output=True, check=False, cwd=self.folder, timeout=120,
        )  # fmt: skip
        if check and done.returncode:
            raise BedError(
                f"{' '.join(command)} ended with status {done.returncode}: {(done.stderr or done.stdout).strip()}"
            )
        return done.stdout

    def rest_socket(self, cluster: str) -> Path:
        """Where slurmrestd listens for `rest_user` (and root), and does all as that user."""
        return self.folder / cluster / "rest" / "socket"

    @property
    def rest_user(self) -> str:
        """As whom slurmrestd runs: newer ones refuse root and SlurmUser, and to be told that it is all right."""
        return ordinary_user()

    def rest_url(self, cluster: str) -> str:
        """Where slurmrestd listens for whoever has a token (`scontrol token`)."""
        return f"http://127.0.0.1:{self._ports[f'slurmrestd-{cluster}-jwt']}"

    def wait_until_idle(self) -> None:
        """Wait until every node of every cluster is idle."""
        for cluster in self.clusters:
            wanted = ["idle"] * len(cluster.nodes)
            name = cluster.name
            self._processes.wait(
                f"slurmctld-{name}",
                lambda name=name, wanted=wanted: self.run(name, "sinfo", "-hN", "-o", "%T").split() == wanted,  # type: ignore[misc]
                PATIENCE,
            )

    def roll_up(self) -> None:
        """Make slurmdbd add up its usage, for sreport. For tests: by itself it does so once an hour.

        An ended run may lack its Eligible time for some seconds, and is left out until then: so that is waited for.
        """
        for cluster in self.clusters:
            until = time.monotonic() + STOPPING
            while self._is_unfinished(cluster.name) and time.monotonic() < until:
                time.sleep(0.1)
            environment = {**_environment(), **self.env(cluster.name)}
            command = [sys.executable, str(Path(roll_up.__file__))]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
            if done.returncode:
                raise BedError(f"The roll-up of {cluster.name} failed: {done.stderr[-1_000:]}")

    def _is_unfinished(self, cluster: str) -> bool:
        """Whether a run has ended and isn't told whole. sacct itself leaves such a run out when asked by time."""
        ended = f"SELECT COUNT(*) FROM {cluster}_job_table WHERE time_eligible = 0 AND time_end > time_start"  # noqa: S608 - see _check
        return self._database.ask(f"{ended} AND time_start > 0") != "0"

    def leftovers(self) -> dict[int, str]:
        """All processes of this bed that are alive: daemons, and what jobs left."""
        return {**{pid: name for name, pid in self.pids.items()}, **stepping_of(self.folder)}

    def __enter__(self) -> Bed:
        return self.up()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    # Its ground

    def _find_processes(self) -> Processes:
        return Processes(self.folder / "daemons.json", self.folder / "log", self._tied)

    def _conf(self, cluster: str) -> Path:
        return self.folder / cluster / "slurm.conf"

    def _make_folders(self) -> None:
        """Folders that jobs of other users must read are open, those with secrets are not."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # Made by mkdtemp it would be closed to the users whose jobs run here.
        self.folder.chmod(0o755)
        for name in ("log", "munge", "dbd"):
            (self.folder / name).mkdir(mode=0o755, exist_ok=True)
        for cluster in self.clusters:
            own = self.folder / cluster.name
            for name in ("state", "log", "dev", "rest", *(f"spool/{node.name}" for node in cluster.nodes)):
                (own / name).mkdir(parents=True, exist_ok=True)
            if self._user != self.rest_user:
                shutil.chown(own / "rest", self.rest_user)
            for number in range(max((node.gpus for node in cluster.nodes), default=0)):
                if not (own / "dev" / f"gpu{number}").is_symlink():
                    (own / "dev" / f"gpu{number}").symlink_to("/dev/null")

    def _write_files(self) -> None:
        _secret(self.folder / "munge" / "munge.key", 128)
        _secret(self.folder / "db.password", 24)
        if self.rest:
            _secret(self.folder / "jwt.key", 32)
        self._build_shim()
        self._ports = _free_ports(self.daemons)
        ground = Ground(
            folder=self.folder,
            host=socket.gethostname().partition(".")[0],
            user=self._user,
            munge_socket=self.folder / "munge" / "m.sock",
            jwt_key=self.folder / "jwt.key",
            dbd_port=self._ports["slurmdbd"],
        )
        _private(self.folder / "dbd" / "slurmdbd.conf", slurmdbd_conf(ground, self._password()))
        for cluster in self.clusters:
            own = self.folder / cluster.name
            nodes = {node.name: self._ports[f"slurmd-{node.name}"] for node in cluster.nodes}
            text = slurm_conf(cluster, ground, self._ports[f"slurmctld-{cluster.name}"], nodes, self._job_age)
            (own / "slurm.conf").write_text(text)
            (own / "gres.conf").write_text(gres_conf(cluster, own / "dev"))
            (own / "cgroup.conf").write_text(CGROUP_CONF)

    def _password(self) -> str:
        return (self.folder / "db.password").read_bytes().hex()

    def _build_shim(self) -> None:
        """With a C compiler on the machine, make Slurm's calls to slurmdbd quicker on loopback. Without: slower."""
        source, target = Path(__file__).with_name("nodelay.c"), self.folder / "nodelay.so"
        compiler = shutil.which("cc")
        if compiler and not target.exists():
            command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(target), str(source), "-ldl"]
            subprocess.run(command, capture_output=True, check=False)

    def _add_clusters(self) -> None:
        name = self.clusters[0].name
        known = self.run(name, "sacctmgr", "-nP", "show", "cluster", "format=cluster").split()
        new = [cluster.name for cluster in self.clusters if cluster.name not in known]
        if new:
            self.run(name, "sacctmgr", "-iQ", "add", "cluster", *new)

    # Its daemons

    def _launch(self, daemon: str) -> None:
        kind, _, of = daemon.partition("-")
        if daemon not in self.daemons:
            raise BedError(f"There is no {daemon}; there are {', '.join(self.daemons)}")
        if kind == "mariadb":
            self._database.make()
        environment = _environment()
        shim = self.folder / "nodelay.so"
        loaded = [str(shim)] if shim.exists() and kind.startswith("slurm") else []
        if self._clocks and kind == "slurmctld":
            self.set_clock(of, 0)
            loaded.append(packages.fake_clock())
            environment |= {
                "FAKETIME_TIMESTAMP_FILE": str(self._clock_file(of)), "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1",
            }  # fmt: skip
        if loaded:
            environment["LD_PRELOAD"] = " ".join(loaded)
        command, more = self._command(kind, of)
        self._processes.start(daemon, command, {**environment, **more})

    def _command(self, kind: str, of: str) -> tuple[list[str], dict[str, str]]:
        """What starts a daemon, and what it needs in its environment."""
        if kind == "munged":
            own = self.folder / "munge"
            return [
                program("munged"), "--foreground", f"--socket={own / 'm.sock'}", f"--key-file={own / 'munge.key'}",
                f"--pid-file={own / 'munged.pid'}", f"--log-file={own / 'munged.log'}",
                f"--seed-file={own / 'munged.seed'}", "--num-threads=4",
            ], {}  # fmt: skip
        if kind == "mariadb":
            return self._database.command(), {}
        if kind == "slurmdbd":
            # It looks for slurmdbd.conf in the folder of SLURM_CONF, which itself needn't be there.
            own = self.folder / "dbd"
            told = {"SLURM_CONF": str(own / "slurm.conf"), "MYSQL_UNIX_PORT": str(self._database.socket)}
            return [program("slurmdbd"), "-D"], told
        if kind == "slurmd":
            cluster = next(c.name for c in self.clusters if of in {node.name for node in c.nodes})
            # Inherited by jobs, so that srun within them finds its cluster.
            told = {"SLURM_CONF": str(self._conf(cluster))}
            return [program("slurmd"), "-D", "-N", of, "-f", told["SLURM_CONF"]], told
        if kind == "slurmctld":
            # Killed before it first wrote down what was used, 26.05 doesn't start again without being told to.
            unwritten = [] if (self.folder / of / "state" / "assoc_usage").exists() else ["-i"]
            return [program("slurmctld"), "-D", *unwritten, "-f", str(self._conf(of))], {
                "SLURM_CONF": str(self._conf(of))
            }
        return self._rest_command(*of.rsplit("-", 1))

    def _rest_command(self, cluster: str, how: str) -> tuple[list[str], dict[str, str]]:
        """One of two: in 22.05 a slurmrestd with SLURM_JWT in its environment answers to tokens only."""
        told = {"SLURM_CONF": str(self._conf(cluster))}
        address = f"unix:{self.rest_socket(cluster)}"
        if how == "jwt":
            told["SLURM_JWT"] = "daemon"
            address = f"127.0.0.1:{self._ports[f'slurmrestd-{cluster}-jwt']}"
        else:
            self.rest_socket(cluster).unlink(missing_ok=True)
        become: list[str] = []
        if self._user == self.rest_user:
            # Otherwise 22.05 refuses to run as SlurmUser.
            told["SLURMRESTD_SECURITY"] = "disable_user_check,disable_unshare_sysv,disable_unshare_files"
        else:
            become = [
                "setpriv",
                f"--reuid={self.rest_user}",
                f"--regid={pwd.getpwnam(self.rest_user).pw_gid}",
                "--clear-groups",
            ]
            # Becoming somebody else unties it.
            become += ["--pdeathsig=TERM", "--"] if self._tied else ["--"]
        command = [program("slurmrestd"), "-f", told["SLURM_CONF"], "-t", "4", "-a", f"rest_auth/{how}", address]
        return [*become, *command], told

    def _ready(self, daemon: str) -> Callable[[], bool]:
        """Whether it answers, asked in its own way."""
        kind, _, of = daemon.partition("-")
        first = self.clusters[0].name
        if kind == "munged":
            return lambda: _succeeds([program("munge"), "-n", "-S", str(self.folder / "munge" / "m.sock")])
        if kind == "mariadb":
            return self._database.ready
        if kind == "slurmdbd":
            port = self._ports[daemon]
            # The command waits long where nothing listens yet.
            return lambda: _listens(port) and self._answers(first, "sacctmgr", "-nP", "show", "cluster")
        if kind == "slurmctld":
            port = self._ports[daemon]
            return lambda: _listens(port) and " is UP" in self.run(of, "scontrol", "ping", check=False)
        if daemon.endswith("-local"):
            return lambda: self.rest_socket(of.removesuffix("-local")).exists()
        port = self._ports[daemon]
        return lambda: _listens(port)

    def _answers(self, cluster: str, *command: str) -> bool:
        try:
            self.run(cluster, *command)
        except (BedError, subprocess.TimeoutExpired):
            return False
        return True

    def _end(self, daemon: str, number: int) -> None:
        if daemon not in self.pids:
            raise BedError(f"{daemon} does not run; these do: {', '.join(self.pids)}")
        self._processes.end([daemon], number)

    def _cancel_all(self) -> None:
        """Cancel all jobs and wait until they are gone: a slurmstepd outlives its slurmd.

        A job that hears no SIGTERM is killed after five seconds at the earliest, whatever KillWait says.
        """
        for cluster in self.clusters:
            if f"slurmctld-{cluster.name}" not in self.pids or "munged" not in self.pids:
                continue
            for state in ("PENDING", "RUNNING", "SUSPENDED"):
                self.run(cluster.name, "scancel", f"--state={state}", check=False)
        until = time.monotonic() + 12
        while stepping_of(self.folder) and self.pids and time.monotonic() < until:
            time.sleep(0.05)

    def _sweep(self) -> None:
        """Kill what jobs left, and wait until it is gone."""
        until = time.monotonic() + STOPPING
        while left := stepping_of(self.folder):
            for pid in left:
                send(pid, signal.SIGKILL)
            if time.monotonic() > until:
                raise BedError(f"These can't be ended: {left}")
            time.sleep(0.02)


def ordinary_user() -> str:
    """As whom jobs can run: this user, or where that is root one that every Debian has. Errors: BedError."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    for name in _ORDINARY:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise BedError(f"Jobs must not run as root, and there is no user {' or '.join(_ORDINARY)}")


def _check(folder: Path, clusters: Sequence[Cluster]) -> None:
    """Errors: BedError for what Slurm would complain of less clearly."""
    if len(str(folder)) > _LONGEST_FOLDER:
        raise BedError(f"{folder} is too long: sockets in it would have names that the system refuses")
    if odd := [cluster.name for cluster in clusters if not re.fullmatch(r"[a-z][a-z0-9]{0,39}", cluster.name)]:
        raise BedError(f"A cluster's name is made of small letters and digits, unlike {odd[0]}")
    initials = [cluster.name[:1] for cluster in clusters]
    if not clusters or len(set(initials)) < len(initials):
        raise BedError("A bed has clusters whose names begin with different letters, as their nodes' names do")
    if any(not cluster.nodes for cluster in clusters):
        raise BedError("Each cluster needs a partition with a node")


def _environment() -> dict[str, str]:
    """This program's, without what would lead Slurm's programs elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "SBATCH", "LD_PRELOAD"))}


def _secret(path: Path, length: int) -> None:
    """Random bytes that only the owner reads, made once."""
    if not path.exists():
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(length))


def _private(path: Path, text: str) -> None:
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _free_ports(names: Sequence[str]) -> dict[str, int]:
    """A port on loopback for each, free now. At random, so that two beds that start together rarely meet."""
    found: dict[str, int] = {}
    for port in random.sample(_PORTS, len(_PORTS)):
        if len(found) == len(names):
            return found
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found[names[len(found)]] = port
    raise BedError("There are not enough free ports on loopback")


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE).returncode == 0
