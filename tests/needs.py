"""What the tests need beside Python packages. Says what to install; in CI a lack is an error, not a skip."""

from __future__ import annotations

import glob
import os
import shutil
import sys

from fabriek.compute.environment import torch_python
from fabriek.demo.slurm import packages

SLURM = " ".join([*packages.PACKAGES, *packages.REST_PACKAGES])
NEEDS = {
    "chromium": (lambda: shutil.which("chromium") or shutil.which("chromium-browser"), "browser tests"),
    "nodejs npm": (lambda: shutil.which("node") and shutil.which("npm"), "signing in with an identity provider"),
    SLURM: (lambda: not packages.missing(rest=True), "real Slurm"),
    "openssh-server": (lambda: shutil.which("sshd", path="/usr/sbin"), "Slurm's commands over SSH"),
    "rsync openssh-server openssh-client": (
        lambda: shutil.which("rsync") and shutil.which("ssh") and os.path.exists("/usr/sbin/sshd"),
        "data between sites",
    ),
    "postgresql": (lambda: glob.glob("/usr/lib/postgresql/*/bin/initdb"), "the rules on PostgreSQL"),
}


def missing() -> list[str]:
    """Debian packages that aren't there."""
    return [package for package, (there, _) in NEEDS.items() if not there()]


if __name__ == "__main__":
    lacking = missing()
    if lacking:
        for package in lacking:
            print(f"Not installed: {package} ({NEEDS[package][1]} are left out)", file=sys.stderr)
        print(f"To run everything: apt-get install --no-install-recommends {' '.join(lacking)}", file=sys.stderr)
    if not torch_python():
        print("Not installed: PyTorch for jobs (training by recipes is left out): make torch", file=sys.stderr)
    sys.exit(1 if os.environ.get("CI") and (lacking or not torch_python()) else 0)
