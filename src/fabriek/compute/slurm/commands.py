"""Running Slurm's own commands, on this machine or over SSH. No shell ever reads what people wrote."""

from __future__ import annotations

import contextlib
import getpass
import io
import os
import shlex
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Protocol, TextIO

import paramiko

from fabriek.compute.engine import EngineError, EngineUnavailable
from fabriek.compute.slurm.settings import SlurmSettings, SshSettings

# What Slurm's commands say when they get no answer, of slurmctld, slurmdbd or munged.
NO_ANSWER = (
    "Unable to contact slurm controller",
    "Socket timed out",
    "Zero Bytes were transmitted",
    "Connection refused",
    "Connection reset",
    "Connection timed out",
    "Unexpected message received",
    "Protocol authentication error",
    "Invalid authentication credential",
    "Unable to establish controller machine",
    "Munge encode failed",
    "temporarily unable to accept job",
    "backup controller",
    "Problem talking to",
)


# Seconds between timeout(1)'s word and its kill -9, and how much longer an answer is waited for than it lets a command
# run.
_KILL_AFTER, _SLACK = 5, 15
# What timeout(1) ends with where it had to end the command.
_TIMED_OUT = (124, 137)


class CommandFailed(EngineError):
    """A command that ended badly: `said` is what it printed on standard error, `code` its exit status, `printed` its
    output."""

    def __init__(self, words: Sequence[str], said: str, code: int | None = 1, printed: bytes = b"") -> None:
        self.words, self.said, self.code, self.printed = list(words), said.strip(), code, printed
        super().__init__(f"{words[0]}: {self.said or f'ended with {code}'}")


class NoAnswer(CommandFailed, EngineUnavailable):
    """A command that got no answer. Where its `code` is None it did not even end: nobody knows whether it did its
    work."""


class Transport(Protocol):
    """Where commands run."""

    def run(
        self,
        words: Sequence[str],
        environment: dict[str, str],
        stdin: str,
        timeout: float,
        into: IO[bytes] | None = None,
        folder: str = "/",
    ) -> tuple[int, bytes, str]:
        """Exit status, output and error output. into: a file that takes the output in its stead. folder: where the
        command begins. Errors: NoAnswer when there is no exit status."""


class Here:
    """This machine."""

    def run(
        self,
        words: Sequence[str],
        environment: dict[str, str],
        stdin: str,
        timeout: float,
        into: IO[bytes] | None = None,
        folder: str = "/",
    ) -> tuple[int, bytes, str]:
        """See `Transport`."""
        try:
            done = subprocess.run(
                words,
                input=stdin.encode(),
                stdout=into or subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                timeout=timeout,
                cwd=folder,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise NoAnswer(words, f"no answer within {timeout:g} s", None) from error
        except (OSError, ValueError) as error:
            raise NoAnswer(words, str(error), None) from error
        return done.returncode, done.stdout or b"", done.stderr.decode(errors="replace")


class Ssh:
    """Another machine. One connection is kept; one that broke is made again at the next command."""

    def __init__(self, settings: SshSettings) -> None:
        self._settings = settings
        self._client: paramiko.SSHClient | None = None

    def run(
        self,
        words: Sequence[str],
        environment: dict[str, str],
        stdin: str,
        timeout: float,
        into: IO[bytes] | None = None,
        folder: str = "/",
    ) -> tuple[int, bytes, str]:
        """See `Transport`. The other side's shell reads one line, in which every word is quoted."""
        # Servers pass on no environment by default (AcceptEnv), so it goes through env(1).
        before = ["env", f"--chdir={folder}", *(f"{name}={value}" for name, value in environment.items())]
        line = shlex.join([*before, *words])
        try:
            # Names of files need not be UTF-8, and come as they were read (surrogateescape).
            said = line.encode(errors="surrogateescape")
            _stdin, out, err = self._connected().exec_command(said, timeout=timeout)  # type: ignore[arg-type]
            _stdin.write(stdin)
            _stdin.channel.shutdown_write()
            # Emptied side by side: with one of them full the command would stand still.
            with ThreadPoolExecutor(max_workers=1) as beside:
                errors = beside.submit(err.read)
                printed = b""
                if into is None:
                    printed = out.read()
                else:
                    shutil.copyfileobj(out, into)
                failed = errors.result(timeout)
            return out.channel.recv_exit_status(), printed, failed.decode(errors="replace")
        except (paramiko.SSHException, OSError, EOFError) as error:
            self._client = None
            raise NoAnswer(words, f"{self._settings.host}: {str(error) or type(error).__name__}", None) from error

    def _connected(self) -> paramiko.SSHClient:
        transport = self._client.get_transport() if self._client is not None else None
        if self._client is None or transport is None or not transport.is_active():
            settings = self._settings
            self._client = paramiko.SSHClient()
            if settings.known_hosts:
                self._client.load_host_keys(settings.known_hosts)
            else:
                self._client.load_system_host_keys()
            # A machine that isn't known could be anybody's.
            self._client.set_missing_host_key_policy(paramiko.RejectPolicy())
            self._client.connect(
                settings.host,
                settings.port,
                settings.user,
                key_filename=settings.key_file,
                timeout=20,
                banner_timeout=20,
                auth_timeout=20,
                look_for_keys=settings.key_file is None,
            )
        return self._client


@dataclass(frozen=True)
class _Person:
    """Who somebody is at the site (passwd(5))."""

    uid: int
    gid: int
    home: str


# The shell reads this line of ours; what people wrote are its arguments. Somebody else may have made a folder of that
# name, to read and replace what the job writes.
_MAKE = (
    'mkdir -p -m 700 -- "$0" && if [ ! -O "$0" ] || [ -L "$0" ]; then'
    ' echo "$0 is there already, and somebody else\'s" >&2; exit 1; fi'
)


class Commands:
    """A site's commands, with an environment that holds what they need and nothing of the agent's own (its token!)."""

    def __init__(self, settings: SlurmSettings, transport: Transport | None = None) -> None:
        self._settings = settings
        self._transport = transport or (Ssh(settings.ssh) if settings.ssh else Here())
        self._of_jobs = {
            "PATH": f"{settings.commands.path}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            **settings.commands.environment,
        }
        self.environment = {
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            # Which tasks of an array wait is told in full, and not in 64 bytes (squeue(1), sacct(1)).
            "SLURM_BITSTR_LEN": "0",
            **self._of_jobs,
        }
        self._people: dict[str, _Person] = {}

    def run(self, words: Sequence[str], *, user: str = "", stdin: str = "") -> str:
        """Run a command, as a mapped user where one is named, and return what it printed.

        Times that Slurm prints are seconds since 1970, UTC (SLURM_TIME_FORMAT, which sacct and squeue heed).
        Errors: CommandFailed, NoAnswer.
        """
        return self.read(words, user=user, stdin=stdin).decode(errors="replace")

    def read(self, words: Sequence[str], *, user: str = "", stdin: str = "") -> bytes:
        """As `run`, for what need not be text."""
        return self._done(words, user, stdin)

    @contextmanager
    def printed(self, words: Sequence[str]) -> Iterator[TextIO]:
        """As `run`, for what may be long: a file, gone with the block, of which no more is in memory than is read."""
        with tempfile.TemporaryFile() as file:
            self._done(words, into=file)
            file.seek(0)
            with io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="\n") as text:
                yield text

    def run_in(self, folder: str, words: Sequence[str], *, user: str, stdin: str = "") -> str:
        """As `run`, with an environment for a job, in a folder that is made where it isn't there: its user's, and
        nobody else's to read."""
        environment = self.environment_of_job(user)
        if self._make_here(folder, user):
            done = self._done(words, user, stdin, folder=folder, environment=environment)
        else:
            # All by one process of theirs: becoming somebody takes as long as what is done.
            whole = ["sh", "-c", f'{_MAKE} && cd -- "$0" && unset OLDPWD && exec "$@"', folder, *words]
            done = self._done(whole, user, stdin, environment=environment)
        return done.decode(errors="replace")

    def make_folder(self, folder: str, user: str) -> None:
        """See `run_in`. Errors: CommandFailed, NoAnswer."""
        if not self._make_here(folder, user):
            self.run(["sh", "-c", _MAKE, folder], user=user)

    def environment_of_job(self, user: str) -> dict[str, str]:
        """What a job is given that is submitted here, of which nothing is the agent's own: a script's times are the
        site's, and not UTC. Errors: CommandFailed for root and for nobody we know."""
        return self._of_jobs | self.names_of(user)

    @property
    def is_oneself(self) -> bool:
        """Whether everybody's jobs run as the agent's own user."""
        return self._settings.jobs.become == "self"

    def _make_here(self, folder: str, user: str) -> bool:
        """Make it without becoming its user, where that can be done: by root, or by oneself, on this machine. Not on a
        file system where root is nobody."""
        how, own = self._settings.jobs.become, os.geteuid()
        if not isinstance(self._transport, Here) or how == "sudo":
            return False
        person = self._person(user)
        if how == "self" and person.uid != own:
            return False
        ours = False
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(folder, 0o700)
                ours = True
            found = os.lstat(folder)
            # Just made, or by an agent that was killed before it could give it away.
            ours = ours or found.st_uid == own
            if ours and found.st_uid != person.uid:
                os.chown(folder, person.uid, person.gid, follow_symlinks=False)
                found = os.lstat(folder)
            if found.st_uid == person.uid:
                return stat.S_ISDIR(found.st_mode)
        except OSError:
            pass
        if ours:
            # It could not be given away: its user makes it.
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        return False

    def _done(
        self,
        words: Sequence[str],
        user: str = "",
        stdin: str = "",
        into: IO[bytes] | None = None,
        folder: str = "/",
        environment: dict[str, str] | None = None,
    ) -> bytes:
        patience = self._settings.commands.timeout
        # What runs as somebody else, or elsewhere, can't always be ended from here, nor once this process was killed:
        # a forgotten sbatch that waits for its turn would submit a job that nobody expects any more.
        is_watched, whole = bool(user or self._settings.ssh), words
        if is_watched:
            whole = ["timeout", f"--kill-after={_KILL_AFTER}", f"{patience:g}", *words]
        if user:
            before, environment = self.as_user(user, environment)
            whole = [*before, *whole]
        else:
            environment = self.environment | {"SLURM_TIME_FORMAT": "%s"}
        longer = patience + (_SLACK if is_watched else 0)
        code, out, err = self._transport.run(whole, environment, stdin, longer, into, folder)
        if is_watched and code in _TIMED_OUT:
            raise NoAnswer(words, f"no answer within {patience:g} s; {err.strip()}".rstrip("; "), None)
        if code != 0:
            # sacctmgr says what it did on standard output, and what it could not on standard error.
            said = err.strip() or out.decode(errors="replace")
            raise (NoAnswer if any(word in said for word in NO_ANSWER) else CommandFailed)(words, said, code, out)
        return out

    def as_user(self, user: str, environment: dict[str, str] | None = None) -> tuple[list[str], dict[str, str]]:
        """The words before a command of this user's and its environment, for who runs it by themselves.

        environment: one for a job, where it is not to be the agent's commands'.
        Errors: CommandFailed for root and for nobody we know.
        """
        how = self._settings.jobs.become
        environment = environment or self.environment | self.names_of(user)
        if how == "self":
            own = self._settings.ssh.user if self._settings.ssh else getpass.getuser()
            if user != own:
                raise CommandFailed(
                    ["sbatch"],
                    f"{user} is not {own}, and this agent runs everything as itself (jobs.become in slurm.toml)",
                    1,
                )
            return [], environment
        if how == "runuser":
            return ["runuser", "-u", user, "--"], environment
        # sudo begins with an environment of its own.
        kept = [f"{name}={value}" for name, value in environment.items()]
        return ["sudo", "-n", "-u", user, "--", "env", *kept], environment

    def names_of(self, user: str) -> dict[str, str]:
        """What a user's environment says of who it is. Errors: CommandFailed for root and for nobody we know."""
        return {"HOME": self._person(user).home, "USER": user, "LOGNAME": user}

    def _person(self, user: str) -> _Person:
        if user not in self._people:
            try:
                code, out, _err = self._transport.run(["getent", "passwd", "--", user], self.environment, "", 20)
            except CommandFailed as error:
                raise NoAnswer(["getent"], f"{user} can't be looked up: {error.said}", None) from error
            fields = out.decode(errors="replace").strip().split(":")
            if code != 0 or len(fields) < 7:
                raise CommandFailed(["sbatch"], f"there is no user {user} on this machine", 1)
            if fields[2] == "0" and self._settings.jobs.become != "self":
                raise CommandFailed(["sbatch"], f"{user} is root, and nobody's job runs as root", 1)
            self._people[user] = _Person(int(fields[2]), int(fields[3]), fields[5] or "/")
        return self._people[user]
