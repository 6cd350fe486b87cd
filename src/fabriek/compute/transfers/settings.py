"""Where projects' files are at a site and whom it copies with: `transfers.toml` in the agent's folder."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

EXAMPLE = """\
folder = "/srv/projects/{account}"            # where a project's files are here

[fetch.beta]                                  # this agent fetches from cluster beta
host = "login.beta.example.org"
folder = "/srv/projects/{account}"            # where a project's files are there, as the key finds them
key_file = "/etc/fabriek/keys/{user}"         # each user's own key, mode 600; {user} is the user's name here
known_hosts = "/etc/fabriek/known_hosts"

[bring.gamma]                                 # and brings to cluster gamma
host = "login.gamma.example.org"
folder = "/"                                  # there the key is held to one folder by rrsync
restricted = true
key_file = "/etc/fabriek/keys/{user}"
known_hosts = "/etc/fabriek/known_hosts"
"""
_HOST = r"^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$"


def _plain(path: str) -> str:
    """rsync takes the words of the ssh command apart at blanks and quotes, ssh those of known_hosts at blanks."""
    if not re.fullmatch(r"/[A-Za-z0-9._/@{}+-]*", path) or ".." in path.split("/"):
        raise ValueError("must be an absolute path of letters, digits and . _ - + @ without ..")
    return path


def _of_a_project(path: str) -> str:
    if not path.startswith("/") or ".." in path.split("/") or any(ord(sign) < 32 for sign in path):
        raise ValueError("must be an absolute path without ..")
    # As the folder of all of them is enough where the key is held to one: {account} is put behind it.
    return path if "{account}" in path else f"{path.rstrip('/')}/{{account}}"


Plain = Annotated[str, AfterValidator(_plain)]
Folder = Annotated[str, AfterValidator(_of_a_project)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Peer(_Table):
    """Another site. Without a host its folder is on this machine too: a shared file system, or a demonstration."""

    folder: Folder
    host: str | None = Field(default=None, pattern=_HOST)
    port: int = Field(default=22, ge=1, le=65535)
    key_file: Plain | None = None
    known_hosts: Plain | None = None
    restricted: bool = Field(default=False, description="the other site holds the key to a folder with rrsync")
    limit_kib_per_second: int = Field(default=0, ge=0, description="0: as fast as it goes")

    @model_validator(mode="after")
    def _whole(self) -> Peer:
        if self.host is None:
            return self
        if not self.key_file or not self.known_hosts:
            raise ValueError("a host needs its key_file and known_hosts: a machine that isn't known could be anybody's")
        if "{user}" not in self.key_file:
            raise ValueError("key_file must name {user}: with one key for all, each could act as any other")
        return self


class TransferSettings(_Table):
    """The whole file."""

    folder: Folder
    at_once: int = Field(default=2, ge=1, le=64, description="transfers that are copied or checked side by side")
    fetch: dict[str, Peer] = {}
    bring: dict[str, Peer] = {}

    def root(self, account: str) -> str:
        """Where a project's files are here."""
        return self.folder.replace("{account}", account)


def read_transfers(path: Path) -> TransferSettings | None:
    """The site's settings; None: it has none. Errors: ValueError with what to write."""
    try:
        return TransferSettings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except ValidationError as error:
        why = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
    except (OSError, ValueError) as error:
        why = str(error)
    raise ValueError(f"{path} does not say how data moves ({why}). Write, for example:\n{EXAMPLE}")
