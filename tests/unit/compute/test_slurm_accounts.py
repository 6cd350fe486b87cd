"""Reading what stands in Slurm's database: how often, and what people have from their accounts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from fabriek.compute.slurm import SlurmEngine
from fabriek.compute.slurm import engine as engine_module
from fabriek.compute.slurm.accounts import read_tree
from fabriek.compute.slurm.commands import Commands
from fabriek.compute.slurm.formats import FormatError
from fabriek.compute.slurm.settings import SlurmSettings

SETTINGS = SlurmSettings(cluster="alpha", default_user="ann")


class Slurmdbd:
    """Prints accounts (account, parent, what people in it have from it) and people (account, user, what is theirs)."""

    def __init__(self, *projects: str) -> None:
        self.accounts = ["root|||1||normal|", "fabriek||root|1||normal|", "fabriek-science||fabriek|300||normal|"]
        self.accounts += [f"{project}||fabriek-science|1||normal|" for project in projects]
        self.people: list[str] = []
        self.read = 0

    def run(
        self, words: Sequence[str], environment: dict[str, str], stdin: str, timeout: float, *_where: object
    ) -> tuple[int, bytes, str]:
        shown = words[words.index("show") + 1]
        lines = ["gres|gpu"] if shown == "tres" else []
        if shown == "associations":
            self.read += "WOPInfo" in words
            lines = self.people if "WOPInfo" in words else self.accounts
        return 0, "".join(f"{line}\n" for line in lines).encode(), ""


def test_what_people_have_not_themselves_is_their_accounts() -> None:
    dbd = Slurmdbd("vision", "speech")
    dbd.accounts[-1] = "speech||fabriek-science|1|0|normal|normal"
    dbd.people = ["root|root||||", "vision|ann|gpu||own|own", "vision|bob|||own|", "speech|ann|gpu|||", "gone|ann||||"]
    tree = read_tree(Commands(SETTINGS, dbd), SETTINGS)
    assert tree.parents["vision"] == "fabriek-science"
    assert tree.shares["fabriek-science"] == 300
    assert [(m.user, m.partition, m.open, m.qos, m.default_qos) for m in tree.members["vision"]] == [
        ("ann", "gpu", True, "own", "own"),
        ("bob", "", True, "own", ""),
    ]
    (ann,) = tree.members["speech"]
    assert (ann.open, ann.qos, ann.default_qos) == (False, "normal", "normal")
    assert tree.stopped == {"speech"}
    assert "gone" not in tree.members


def test_a_cluster_without_its_root_is_no_answer() -> None:
    dbd = Slurmdbd()
    dbd.accounts = []
    with pytest.raises(FormatError, match="alpha"):
        read_tree(Commands(SETTINGS, dbd), SETTINGS)


@pytest.mark.parametrize(("many", "reads"), [(2, 3), (5_000, 1)])
def test_many_accounts_are_not_read_in_each_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int, reads: int
) -> None:
    monkeypatch.setattr(engine_module, "MANY_ACCOUNTS", 1_000)
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    dbd = Slurmdbd(*(f"p{n}" for n in range(many)))
    engine = SlurmEngine(tmp_path, "alpha", SETTINGS, Commands(SETTINGS, dbd))
    for _round in range(3):
        engine.enforced()
        engine.drift()
        engine.tick()
        now += 2.0
    assert dbd.read == reads
    now += engine_module.READ_AGAIN
    engine.tick()
    engine.enforced()
    assert dbd.read == reads + 1
    engine.close()
