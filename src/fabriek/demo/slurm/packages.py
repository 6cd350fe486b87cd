"""Which Debian packages real Slurm clusters need, which of them lack, and how to install them without a service.

Standard library only, and a script of its own (`python3 packages.py --install`): continuous integration runs it before
anything of Fabriek is installed.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
"""Daemons are here; the PATH of an ordinary user on Debian does not name it."""

PACKAGES = {
    "slurmctld": ("slurmctld",),
    "slurmd": ("slurmd", "slurmstepd"),
    "slurmdbd": ("slurmdbd",),
    "slurm-client": ("sbatch", "sacct", "sacctmgr", "scontrol"),
    "slurm-wlm-basic-plugins": (
        "*/slurm-wlm/select_cons_tres.so",
        "*/slurm-wlm/serializer_json.so",
    ),
    "slurm-wlm-mysql-plugin": ("*/slurm-wlm/accounting_storage_mysql.so",),
    "munge": ("munged", "munge"),
    "mariadb-server": ("mariadbd", "mariadb-install-db", "mariadb"),
    # No part of Slurm: it copies data from one cluster's site to another's.
    "rsync": ("rsync",),
}
REST_PACKAGES = {"slurmrestd": ("slurmrestd",), "slurm-wlm-jwt-plugin": ("*/slurm-wlm/auth_jwt.so",)}
SERVICES = ("slurmctld", "slurmd", "slurmdbd", "slurmrestd", "munge", "mariadb")
_DENY = "#!/bin/sh\n# Fabriek installs packages and starts no service.\nexit 101\n"


class NotInstalled(Exception):
    """A package lacks. The sentence says what to install."""


def program(name: str) -> str:
    """The path of a daemon or command. Errors: NotInstalled."""
    found = _find(name)
    if found is None:
        raise NotInstalled(f"{name} is not installed; {advice(missing(rest=True))}")
    return found


def fake_clock() -> str:
    """The library by which a program is told another time (Debian's libfaketime), or ''."""
    return next(iter(sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))), "")


def missing(rest: bool = False) -> list[str]:
    """The Debian packages of which something lacks; with `rest` those of slurmrestd too."""
    wanted = {**PACKAGES, **(REST_PACKAGES if rest else {})}
    return [package for package, parts in wanted.items() if not all(_is_there(part) for part in parts)]


def advice(packages: Sequence[str]) -> str:
    """What to type to get them."""
    return f"install: apt-get install --no-install-recommends {' '.join(packages)}"


def require(rest: bool = False) -> None:
    """Errors: NotInstalled, with all that lacks."""
    lacking = missing(rest)
    if lacking:
        raise NotInstalled(f"Slurm can't be started here: {', '.join(lacking)} not installed; {advice(lacking)}")


def install(tell: Callable[[str], None], rest: bool = True) -> list[str]:
    """Install what lacks from Debian, as root or with sudo, and say what is done. Returns the packages.

    No service is started now (policy-rc.d) nor at the next boot (the units are masked, only those that weren't there
    before): the clusters are processes of their own. Errors: NotInstalled where that can't be done.
    """
    lacking = missing(rest)
    if not lacking:
        return []
    if shutil.which("apt-get") is None:
        raise NotInstalled(f"This machine has no apt-get, so install these yourself: {', '.join(lacking)}")
    sudo: list[str] = []
    if os.geteuid() != 0:
        if shutil.which("sudo") is None:
            raise NotInstalled(f"You are not root and there is no sudo; as root {advice(lacking)}")
        sudo = ["sudo"]
    tell(f"{' '.join([*sudo, 'apt-get'])} install --no-install-recommends {' '.join(lacking)}")
    masked = [service for service in SERVICES if not _known_unit(service)]
    if masked and os.path.isdir("/run/systemd/system"):
        tell(f"systemctl mask {' '.join(masked)} (so that none starts by itself; undo with systemctl unmask)")
        _do([*sudo, "systemctl", "--quiet", "mask", *(f"{service}.service" for service in masked)])
    apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    denied = Path("/usr/sbin/policy-rc.d")
    denies_now = not denied.exists()
    if denies_now:
        _do([*sudo, "sh", "-c", f"cat > {denied} && chmod 755 {denied}"], _DENY)
    try:
        _do([*apt, "update"])
        _do([*apt, "install", "-y", "--no-install-recommends", *lacking])
    finally:
        if denies_now:
            _do([*sudo, "rm", "-f", str(denied)])
    still = missing(rest)
    if still:
        raise NotInstalled(f"apt-get ended well, and still lacking: {', '.join(still)}")
    return lacking


def _do(command: list[str], given: str | None = None) -> None:
    done = subprocess.run(command, input=given, text=True, capture_output=True, check=False)
    if done.returncode:
        told = (done.stderr or done.stdout).strip()[-2_000:]
        raise NotInstalled(f"{' '.join(command)} ended with status {done.returncode}: {told}")


def _known_unit(service: str) -> bool:
    folders = ("/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system")
    return any(os.path.lexists(f"{folder}/{service}.service") for folder in folders)


def _is_there(part: str) -> bool:
    return bool(glob.glob(f"/usr/lib/{part}")) if "*" in part else _find(part) is not None


def _find(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=_SBIN)


def main(arguments: Sequence[str]) -> int:
    """Say what lacks (status 1 if something does), or with --install install it."""
    if "--install" in arguments:
        try:
            installed = install(lambda line: print(line, flush=True))
        except NotInstalled as error:
            print(error, file=sys.stderr)
            return 1
        print(f"Installed: {', '.join(installed)}" if installed else "All there.")
        return 0
    lacking = missing(rest=True)
    print(advice(lacking) if lacking else "All there.")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
