"""A network between agent and platform that can be cut: the platform in a network namespace, behind a virtual cable.

A cable that is pulled is silent, as a real one: who waits for an answer waits until its own patience is over, and what
was sent before may arrive once it is plugged in again. Root only; see ip-netns(8) and veth(4).
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

_CLONE_NEWNET = 0x4000_0000
# For tests of networks between two machines (RFC 2544), so that no real one has it.
_NETWORK = "198.18"


def cables_can_be_laid() -> str:
    """Why not, or ''."""
    if os.geteuid() != 0:
        return "only root makes network namespaces"
    if shutil.which("ip") is None:
        return "ip (iproute2) is not installed"
    name = f"fabriek-probe-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        return "this machine makes no network namespaces"
    # In a chroot whose root is no mount one can be made, and not entered.
    entered = subprocess.run(["ip", "-n", name, "link"], capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "del", name], check=True)
    return f"it can't be entered: {entered.stderr.strip()}" if entered.returncode else ""


class Cable:
    """A namespace and the two ends of its cable. `address`: the platform's, within."""

    def __init__(self) -> None:
        number = os.getpid() % 16_000
        third, fourth = divmod(number * 4, 256)
        self._name = f"fabriek-{os.getpid()}"
        self._near, self._far = f"fbn{number}", f"fbf{number}"
        self.address = f"{_NETWORK}.{third}.{fourth + 2}"
        _ip("netns", "add", self._name)
        _ip("link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", self._name)
        _ip("address", "add", f"{_NETWORK}.{third}.{fourth + 1}/30", "dev", self._near)
        _ip("-n", self._name, "address", "add", f"{self.address}/30", "dev", self._far)
        self.plug()

    def enter(self) -> None:
        """This process is within from now on, and so are its children."""
        with Path(f"/var/run/netns/{self._name}").open() as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")

    def plug(self) -> None:
        """The line is there."""
        _ip("link", "set", self._near, "up")
        self._set("up")

    def _set(self, how: str) -> None:
        # The far end, by its namespace's name: so it is the same from within and from without.
        _ip("-n", self._name, "link", "set", self._far, how)

    def cut_for(self, seconds: float) -> Callable[[], None]:
        """What pulls it, from without or within; somebody plugs it in again after that long, whatever became of us."""

        def cut() -> None:
            self._set("down")
            again = f"sleep {seconds}; ip -n {self._name} link set {self._far} up"
            subprocess.Popen(["sh", "-c", again], start_new_session=True)

        return cut

    def take_away(self) -> None:
        """The cable goes with its namespace."""
        _ip("netns", "del", self._name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
