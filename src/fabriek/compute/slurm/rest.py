"""Asking slurmctld by a site's slurmrestd (https://slurm.schedmd.com/rest.html): no process for each question.

Jobs only. Accounts stay with sacctmgr, because slurmrestd 22.05 passes over an association's parent; the accounting
stays with sacct, because slurmrestd has no pages (10,000 jobs: 64 MB, 9 s, where sacct takes a second).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx

from fabriek.compute.slurm.commands import NO_ANSWER, CommandFailed, Commands, NoAnswer
from fabriek.compute.slurm.controller import ByCommands, Queued, Submission
from fabriek.compute.slurm.formats import FormatError
from fabriek.compute.slurm.rest_jobs import VERSIONS, as_told, options_of, queued_of
from fabriek.compute.slurm.settings import RestSettings

_TOKEN_SECONDS = 3_600
_RENEWED_BEFORE = 300


class ByRest:
    """With JWT, each job is submitted as its user, by a token that `scontrol token` gives the agent. By a local socket
    all that is asked is slurmrestd's own user's: jobs of others go by sbatch, only who runs everything as themselves
    submits by it."""

    def __init__(self, settings: RestSettings, commands: Commands) -> None:
        self._settings, self._commands = settings, commands
        self._by_commands = ByCommands(commands)
        self._is_socket = settings.url.startswith("unix:")
        if self._is_socket:
            transport = httpx.HTTPTransport(uds=settings.url.removeprefix("unix:"))
            self._client = httpx.Client(transport=transport, base_url="http://localhost", timeout=settings.timeout)
        else:
            self._client = httpx.Client(base_url=settings.url, timeout=settings.timeout)
        self._tokens: dict[str, tuple[str, float]] = {}
        self._version = settings.version

    def submit(self, submission: Submission) -> str:
        """See Controller. slurmrestd does not read #SBATCH lines: they are translated. A script with one that has no
        translation goes by sbatch, which knows them all."""
        options = options_of(submission.order.script)
        if options is None or (self._is_socket and not self._commands.is_oneself):
            return self._by_commands.submit(submission)
        order = submission.order
        self._commands.make_folder(submission.folder, submission.user)
        job = {
            "name": submission.name or "sbatch",
            **options,
            "account": order.account,
            "partition": order.partition,
            "qos": submission.qos,
            "comment": submission.comment,
            "current_working_directory": submission.folder,
            "requeue": submission.requeue,
            # slurmrestd wants one, and takes none from anywhere else.
            "environment": self._commands.environment_of_job(submission.user),
        }
        answer = self._ask("POST", "job/submit", submission.user, as_told(self.version(), job, order.script))
        number = answer.get("job_id")
        if not isinstance(number, int) or number <= 0:
            raise FormatError(f"slurmrestd gave no job_id: {str(answer)[:200]}")
        return str(number)

    def queue(self) -> list[Queued]:
        """See Controller."""
        answer = self._ask("GET", "jobs", "")
        try:
            return [queued_of(job) for job in answer["jobs"]]
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"slurmrestd's jobs can't be read ({type(error).__name__}: {error})") from error

    def cancel(self, number: str) -> None:
        """See Controller."""
        try:
            self._ask("DELETE", f"job/{number}", "")
        except CommandFailed as error:
            if "Invalid job id" not in error.said and "already completing or completed" not in error.said:
                raise

    def version(self) -> str:
        """The version of the data that is spoken. Errors: NoAnswer."""
        if self._version is None:
            self._version = next(self.offered(), None)
        if self._version is None:
            known = f"{VERSIONS[-1]} to {VERSIONS[0]}"
            raise NoAnswer(["slurmrestd", "GET", "ping"], f"{self._settings.url} offers none of {known}")
        return self._version

    def offered(self) -> Iterator[str]:
        """The versions known here that it offers, the newest first. Errors: NoAnswer."""
        for version in VERSIONS:
            # What isn't offered is a page of text with status 404.
            if self._response("GET", version, "ping", "").status_code == 200:
                yield version

    def _response(
        self, method: str, version: str, path: str, user: str, body: dict[str, Any] | None = None
    ) -> httpx.Response:
        """Whatever it answers. Errors: NoAnswer where nothing does."""
        try:
            return self._client.request(method, f"/slurm/{version}/{path}", json=body, headers=self._headers(user))
        except httpx.HTTPError as error:
            said = f"{self._settings.url}: {error or type(error).__name__}"
            raise NoAnswer(["slurmrestd", method, path], said, None) from error

    def _ask(self, method: str, path: str, user: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        words = ["slurmrestd", method, path]
        response = self._response(method, self.version(), path, user, body)
        try:
            answer = response.json()
        except ValueError as error:
            refused = response.status_code in (401, 403)
            said = "the token was not accepted" if refused else f"no JSON, status {response.status_code}"
            raise NoAnswer(words, f"{self._settings.url}: {said}") from error
        errors = answer.get("errors") or []
        if errors or response.status_code >= 400:
            said = "; ".join(dict.fromkeys(str(e.get("error") or e.get("description")) for e in errors))
            said = said or f"status {response.status_code}"
            # Who may not speak at all is no refusal of this one job.
            mute = response.status_code in (401, 403, 502, 503, 504) or any(word in said for word in NO_ANSWER)
            raise (NoAnswer if mute else CommandFailed)(words, said)
        return dict(answer)

    def _headers(self, user: str) -> dict[str, str]:
        if self._is_socket:
            return {}
        name = user or self._settings.user
        token, until = self._tokens.get(name, ("", 0.0))
        if time.time() > until - _RENEWED_BEFORE:
            said = self._commands.run(["scontrol", "token", f"username={name}", f"lifespan={_TOKEN_SECONDS}"])
            token = said.strip().partition("SLURM_JWT=")[2]
            if not token:
                raise FormatError("scontrol token printed no SLURM_JWT")
            self._tokens[name] = token, time.time() + _TOKEN_SECONDS
        return {"X-SLURM-USER-NAME": name, "X-SLURM-USER-TOKEN": token}
