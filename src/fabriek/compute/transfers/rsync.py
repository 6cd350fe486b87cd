"""rsync's words: what it is asked, what it says on the way, and what its end means."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fabriek.compute.transfers.settings import Peer

# What is read of a line of --info=progress2: bytes so far, of all that is to be sent.
_PROGRESS = re.compile(r"^\s*([\d,.]+)\s+\d+%\s")
_STATISTIC = re.compile(r"^(Total transferred file size|Literal data|Matched data): ([\d,.]+)")
_SILENCE = 60
TEMPORARY = frozenset({"unreachable", "silent", "interrupted"})
"""Ends after which the same again may go better in a moment."""

# The first that fits counts. Words: rsync's and OpenSSH's own.
_SAID = (
    ("host-key", r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|No \S+ host key is known"),
    (
        "key-refused",
        r"Permission denied \([a-z]|Load key .*: |Too many authentication failures|UNPROTECTED PRIVATE KEY",
    ),
    ("no-room", r"No space left on device|Disk quota exceeded"),
    (
        "unreachable",
        r"Connection refused|Connection timed out|Connection reset|Connection closed|Could not resolve hostname"
        r"|No route to host|Network is unreachable|kex_exchange_identification|Operation timed out|Broken pipe",
    ),
    ("not-allowed", r"rrsync|option .* has been disabled|sender is not allowed|command not allowed"),
    ("no-rsync", r"command not found|rsync: not found|No such file or directory: 'rsync'|remote command not found"),
    ("denied", r"Permission denied \(13\)|Operation not permitted"),
    ("missing", r"link_stat .* failed: No such file|change_dir .* failed: No such file"),
)
# https://man7.org/linux/man-pages/man1/rsync.1.html, EXIT VALUES; 255 is ssh's own.
_CODES = {
    10: "unreachable", 12: "unreachable", 13: "interrupted", 19: "interrupted", 20: "interrupted", 21: "interrupted",
    24: "changed", 30: "silent", 35: "silent", 126: "no-rsync", 127: "no-rsync", 137: "interrupted",
    143: "interrupted", 255: "unreachable",
}  # fmt: skip


def options(staging: str, peer: Peer, *, thorough: bool, estimate: bool = False) -> list[str]:
    """rsync's options, fixed but for these. `staging`: the receiving side's folder for what is half copied.

    Links are copied as links and never followed; owners are whoever receives; what is complete gets its own name only
    then. A key that is held by rrsync takes no -s; without it rsync before 3.2.4 would give names to a shell there.
    """
    words = [
        "rsync",
        "--recursive",
        "--links",
        "--times",
        "--omit-dir-times",
        "--executability",
        f"--partial-dir={staging}/partial",
        f"--temp-dir={staging}/coming",
        "--no-human-readable",
        "--stats",
        f"--timeout={_SILENCE}",
    ]
    if not peer.restricted:
        words.append("--protect-args")
    if estimate:
        words.append("--dry-run")
    else:
        words += ["--info=progress2", "--outbuf=Line"]
    if thorough:
        words.append("--checksum")
    if peer.limit_kib_per_second:
        words.append(f"--bwlimit={peer.limit_kib_per_second}")
    if peer.host is None:
        # Between folders of one machine rsync would leave out what makes a half file of use.
        words.append("--no-whole-file")
    return words


def shell(peer: Peer, user: str) -> list[str]:
    """How the other machine is reached, nothing of it from anybody's own configuration."""
    if peer.host is None:
        return []
    key, known = str(peer.key_file).replace("{user}", user), peer.known_hosts
    words = [
        "ssh", "-F", "none", "-T", "-p", str(peer.port), "-i", key,
        "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
        "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={known}", "-o", "GlobalKnownHostsFile=none",
        "-o", "ClearAllForwardings=yes", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=15",
        "-o", "LogLevel=ERROR",
    ]  # fmt: skip
    return ["--rsh", " ".join(words)]


def remote(peer: Peer, user: str, path: str) -> str:
    """A path at the other site, in rsync's way."""
    return path if peer.host is None else f"{user}@{peer.host}:{path}"


@dataclass
class Heard:
    """What rsync said so far, from its output as it comes: bytes of files that are sent, and its closing figures."""

    sent: int = 0
    to_send: int | None = None
    literal: int | None = None
    matched: int | None = None
    _rest: str = ""

    def take(self, part: bytes) -> None:
        """Read what came. A line ends with a return while it counts, and with a line end otherwise."""
        *lines, self._rest = re.split(r"[\r\n]", self._rest + part.decode(errors="replace"))
        self._rest = self._rest[-1_000:]
        for line in lines:
            if found := _PROGRESS.match(line):
                self.sent = _number(found[1])
            elif found := _STATISTIC.match(line):
                name = {"T": "to_send", "L": "literal", "M": "matched"}[found[1][0]]
                setattr(self, name, _number(found[2]))


def fault_of(code: int, said: str) -> str:
    """Why rsync ended badly, as a code."""
    for fault, words in _SAID:
        if re.search(words, said):
            return fault
    return "interrupted" if code < 0 else _CODES.get(code, "failed")


def _number(text: str) -> int:
    return int(re.sub(r"\D", "", text))
