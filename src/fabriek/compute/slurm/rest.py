"""Asking slurmctld by a site's slurmrestd (https://slurm.schedmd.com/rest.html): no process for each question.

Jobs only. Accounts stay with sacctmgr, because slurmrestd 22.05 passes over an association's parent; the accounting
stays with sacct, because slurmrestd has no pages (10,000 jobs: 64 MB, 9 s, where sacct takes a second).
"""

from __future__ import annotations

import argparse
import math
import re
import time
from typing import Any, NoReturn

import httpx

from fabriek.compute.directives import DirectiveError, directive_words, seconds_of_limit
from fabriek.compute.slurm.commands import NO_ANSWER, CommandFailed, Commands, NoAnswer
from fabriek.compute.slurm.controller import ByCommands, Queued, Submission
from fabriek.compute.slurm.formats import FormatError, plain, state_shown, tasks_in, tres
from fabriek.compute.slurm.settings import RestSettings

_TOKEN_SECONDS = 3_600
_RENEWED_BEFORE = 300
_ERROR_INVALID_JOB = 2017


class ByRest:
    """With JWT, each job is submitted as its user, by a token that `scontrol token` gives the agent; by a local socket
    all is done as whoever slurmrestd takes the agent for."""

    def __init__(self, settings: RestSettings, commands: Commands, environment: dict[str, str]) -> None:
        self._settings, self._commands, self._environment = settings, commands, environment
        self._by_commands = ByCommands(commands)
        if settings.url.startswith("unix:"):
            transport = httpx.HTTPTransport(uds=settings.url.removeprefix("unix:"))
            self._client = httpx.Client(transport=transport, base_url="http://localhost", timeout=settings.timeout)
        else:
            self._client = httpx.Client(base_url=settings.url, timeout=settings.timeout)
        self._tokens: dict[str, tuple[str, float]] = {}

    def submit(self, submission: Submission) -> str:
        """See Controller. slurmrestd does not read #SBATCH lines: they are translated. A script with one that has no
        translation goes by sbatch, which knows them all."""
        options = options_of(submission.order.script)
        if options is None:
            return self._by_commands.submit(submission)
        order = submission.order
        self._commands.run(["mkdir", "-p", "-m", "700", "--", submission.folder], user=submission.user)
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
            "environment": {**self._environment, "HOME": self._commands.home(submission.user)},
        }
        answer = self._ask("POST", "job/submit", submission.user, {"script": order.script, "job": job})
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

    def _ask(self, method: str, path: str, user: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        words = ["slurmrestd", method, path]
        try:
            address = f"/slurm/{self._settings.version}/{path}"
            response = self._client.request(method, address, json=body, headers=self._headers(user))
            answer = response.json()
        except httpx.HTTPError as error:
            raise NoAnswer(words, f"{self._settings.url}: {error or type(error).__name__}", None) from error
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
        if self._settings.url.startswith("unix:"):
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


def queued_of(job: dict[str, Any]) -> Queued:
    """A job as slurmrestd tells it, of v0.0.36 and later. Errors: KeyError, TypeError, ValueError, FormatError."""
    number, array = plain(job["job_id"]), plain(job["array_job_id"])
    resources = tres(job.get("tres_alloc_str") or job.get("tres_req_str") or "")
    limit = plain(job["time_limit"])
    return Queued(
        number=str(number),
        array=str(array or number),
        state=state_shown(job["job_state"]),
        reason=str(job["state_reason"]),
        start=plain(job["start_time"]) or 0,
        limit=limit * 60 if limit else None,
        cores=plain(job["cpus"]) or 0,
        accelerators=resources.get("gres/gpu", 0),
        priority=plain(job["priority"]) or 0,
        partition=str(job["partition"]),
        tasks=_tasks_of(job),
    )


def _tasks_of(job: dict[str, Any]) -> tuple[str, ...]:
    """Those that wait together have a text; each other has its number."""
    task = plain(job.get("array_task_id")) if plain(job["array_job_id"]) else None
    return tasks_in(job.get("array_task_string") or ("" if task is None else str(task)))


class _Unknown(Exception):
    pass


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Unknown(message)


def _parser() -> _Parser:
    parser = _Parser(add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    for names, key in (
        (("--job-name", "-J"), "name"),
        (("--nodes", "-N"), "nodes"),
        (("--gres",), "gres"),
        (("--gpus", "-G"), "gpus"),
        (("--gpus-per-node",), "gpus_per_node"),
        (("--output", "-o"), "standard_output"),
        (("--error", "-e"), "standard_error"),
        (("--array", "-a"), "array"),
        (("--mem",), "memory_per_node"),
        (("--mem-per-cpu",), "memory_per_cpu"),
    ):
        parser.add_argument(*names, dest=key)
    for names, key in (
        (("--ntasks", "-n"), "tasks"),
        (("--ntasks-per-node",), "tasks_per_node"),
        (("--cpus-per-task", "-c"), "cpus_per_task"),
    ):
        parser.add_argument(*names, dest=key, type=int)
    parser.add_argument("--time", "-t", dest="time_limit", type=lambda text: math.ceil(seconds_of_limit(text) / 60))
    # The award's go before these, and requeuing is said apart.
    for passed in (("--account", "-A"), ("--partition", "-p"), ("--qos", "-q"), ("--comment",)):
        parser.add_argument(*passed, dest="passed")
    parser.add_argument("--requeue", "--no-requeue", dest="passed", action="store_true")
    return parser


def options_of(script: str) -> dict[str, Any] | None:
    """A script's #SBATCH lines as slurmrestd's job (https://slurm.schedmd.com/rest_api.html), or None where one of them
    has no translation here. One node is not said where the script doesn't: slurmrestd would otherwise fix it."""
    try:
        found = vars(_parser().parse_args(directive_words(script)))
    except (_Unknown, DirectiveError):
        return None
    found.pop("passed", None)
    # Patterns of file names are filled in by sbatch's own rules; paths that are not absolute lie in the job's folder.
    if any(re.search(r"[\x00-\x1f]", str(value)) for value in found.values()):
        return None
    return found
