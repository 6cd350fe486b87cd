"""How a site's agent reaches its Slurm: `slurm.toml` in the agent's folder, see `docs/reference/slurm.md`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

EXAMPLE = """\
cluster = "alpha"                  # its ClusterName in slurm.conf
root_account = "fabriek"           # the account under which everything of the platform stands; nothing else is touched

[commands]
path = "/usr/bin"                  # where Slurm's commands are
environment = { SLURM_CONF = "/etc/slurm/slurm.conf" }

[jobs]
folder = "/srv/fabriek/jobs"       # mode 1777; each job gets a folder of its own, of its user's
become = "runuser"                 # how a job becomes its user's: runuser (the agent is root), sudo, or self

[users]                            # the platform's names that have another name here
u000012 = "ajansen"
"""
# Of longer names Slurm's database knows the first 42 characters only.
_NAME = r"^[a-z0-9][a-z0-9_-]{0,41}$"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CommandSettings(_Table):
    """Where Slurm's commands are and what they need in their environment."""

    path: str = "/usr/bin"
    environment: dict[str, str] = {}
    timeout: float = Field(default=60, gt=0)


class SshSettings(_Table):
    """The machine on which the commands run, where it isn't this one. Its key must be known beforehand."""

    host: str
    port: int = Field(default=22, ge=1, le=65535)
    user: str
    key_file: str | None = None
    known_hosts: str | None = Field(default=None, description="default: ~/.ssh/known_hosts")


class RestSettings(_Table):
    """A slurmrestd of the site's, for jobs: `unix:` and its socket, or its address on a line that is one's own.

    version: of its data; left out: the newest that it offers and that is known here. user: by whose name the queue is
    asked with JWT; the agent must be let by `scontrol token` to speak for others.
    """

    url: str = Field(pattern=r"^(unix:/|https?://)")
    version: str | None = Field(default=None, pattern=r"^v0\.0\.(3[678]|4[0-5])$")
    user: str = "root"
    timeout: float = Field(default=60, gt=0)


class JobSettings(_Table):
    """How jobs become their users'.

    runuser: the agent is root (https://man7.org/linux/man-pages/man1/runuser.1.html). sudo: the agent may `sudo -n -u`
    every mapped user. self: everything runs as the agent's own user; for one's own machine, and for tests.
    """

    folder: str = "/srv/fabriek/jobs"
    become: Literal["runuser", "sudo", "self"] = "runuser"


class MeteringSettings(_Table):
    """How often sacct is read, in seconds."""

    interval: float = Field(default=20, gt=0)


class SlurmSettings(_Table):
    """The whole file."""

    cluster: str = Field(pattern=_NAME)
    root_account: str = Field(default="fabriek", pattern=_NAME)
    commands: CommandSettings = CommandSettings()
    ssh: SshSettings | None = None
    rest: RestSettings | None = None
    jobs: JobSettings = JobSettings()
    metering: MeteringSettings = MeteringSettings()
    users: dict[str, str] = {}
    default_user: str | None = Field(default=None, description="for the platform's names that are not in `users`")

    @property
    def longest_answer(self) -> float:
        """Seconds after which no answer to a submission comes any more."""
        return self.commands.timeout + (self.rest.timeout if self.rest else 0.0)

    def unix_user(self, name: str) -> str:
        """Who a person of the platform is at this site."""
        return self.users.get(name) or self.default_user or name


def read_settings(path: Path) -> SlurmSettings:
    """The site's settings. Errors: ValueError with what to write."""
    try:
        return SlurmSettings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ValueError(
            f"{path} does not describe a Slurm cluster ({faults}). Write, for example:\n{EXAMPLE}"
        ) from error
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ValueError(
            f"{path} does not describe a Slurm cluster ({error}). Write, for example:\n{EXAMPLE}"
        ) from error
