"""A real sshd on loopback, in a folder, as whoever runs the tests; with a key of each user's own."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin:/usr/bin")
INSTALLED = bool(SSHD and shutil.which("rsync") and shutil.which("ssh-keygen"))


class Sshd:
    """`forced`: the command that the key is held to, such as rrsync's."""

    def __init__(self, folder: Path, forced: str = "") -> None:
        self.folder, self.user = folder, pwd.getpwuid(os.geteuid()).pw_name
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        self.key = folder / self.user
        for name in ("host", self.user):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        public = self.key.with_suffix(".pub").read_text()
        held = f'restrict,command="{forced}" ' if forced else "restrict "
        (folder / "authorized").write_text(held + public)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        host = (folder / "host.pub").read_text().split()[:2]
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {' '.join(host)}\n")
        (folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nStrictModes no\nPidFile none\n"
            "PermitRootLogin prohibit-password\nPermitUserEnvironment no\n"
        )
        if os.geteuid() == 0:
            # Where sshd of root's shuts itself in; Debian makes it when the service starts.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.start()

    def start(self) -> None:
        """And wait until it answers."""
        log = (self.folder / "log").open("ab")
        words = [str(SSHD), "-D", "-e", "-f", str(self.folder / "sshd_config")]
        self._process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        last = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self._process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < last, "sshd does not answer"
                time.sleep(0.05)

    def stop(self) -> None:
        """Connections that are open stay."""
        self._process.terminate()
        self._process.wait(10)

    def peer(self, folder: Path | str, **more: object) -> dict[str, object]:
        """How an agent reaches what is here, as in transfers.toml."""
        return {
            "folder": str(folder),
            "host": "127.0.0.1",
            "port": self.port,
            "key_file": f"{self.folder}/{{user}}",
            "known_hosts": f"{self.folder}/known_hosts",
            **more,
        }
