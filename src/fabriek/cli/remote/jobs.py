"""`fabriek job`: what a script would ask, submitting it, following it, and what it made of what it asked."""

from __future__ import annotations

import json
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from fabriek.cli.remote import asking
from fabriek.cli.remote.asking import LOCAL, Json, Token, Url, ask, end, everything, group, print_json, show, tell
from fabriek.compute.directives import DirectiveError, read_directives

Script = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A batch script with #SBATCH lines.")]
OfAllocation = Annotated[
    str, typer.Option("--allocation", help="Whose hours; left out: the only one that may be used today.")
]
PROBLEMS = {
    "unknown-task": "The site doesn't know this task: its agent has lost its memory of the job.",
    "unknown-file": "The script names this task's file in a way that only its node knows. Look for it on the cluster.",
}
Job = Annotated[str, typer.Argument(metavar="UUID", help="The job's number here.")]


def submit(
    script: Script,
    allocation: OfAllocation = "",
    name: Annotated[str, typer.Option(help="The job's name.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Submit a batch script."""
    text = _text_of(script)
    body = {
        "allocation": allocation or _only_allocation(url, token, text),
        "name": name or script.stem,
        "script": text,
        "uuid": str(uuid.uuid4()),
    }
    answer = ask("POST", url, token, "/jobs", body)
    show([answer], {"job": "uuid", "allocation": "allocation", "state": "state"}, as_json, answer)


def estimate(
    script: Script,
    allocation: OfAllocation = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """What a batch script would ask, beside what is left. Status 1: it can't be submitted."""
    text = _text_of(script)
    body = {"allocation": allocation or _only_allocation(url, token, text), "script": text}
    answer = ask("POST", url, token, "/jobs/estimate", body)
    if as_json:
        print_json(answer)
    elif answer["asked"]:
        asked = answer["asked"]
        times = f", {asked['runs']:,} times" if asked["runs"] > 1 else ""
        each = f"{asked['accelerators']:,} GPUs and {asked['cores']:,} cores"
        most = f"{_hours(asked['accelerator_seconds'])} GPU-hours and {_hours(asked['core_seconds'])} core-hours"
        print(f"Asks {each} for {_clock(asked['time_limit_seconds'])}{times}: at most {most}.")
        queued = answer["accelerator_seconds_queued"]
        print(
            f"Left of {answer['allocation']}: {_hours(answer['accelerator_seconds_left'])} GPU-hours"
            + (f", of which {_hours(queued)} are asked by jobs that wait or run." if queued else ".")
        )
        for note in answer["notes"]:
            print(note)
    if answer["fault"]:
        end(answer["fault"], 1)


def list_(
    project: Annotated[str, typer.Argument(help="The project's code.")],
    state: Annotated[str, typer.Option(help="waiting, running, ended, failed, or one of Slurm's states.")] = "",
    search: Annotated[str, typer.Option(help="In names.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """A project's jobs, the newest first."""
    rows = everything(url, token, f"/projects/{project}/jobs", state=state, search=search)
    columns = {
        "job": "uuid",
        "name": "name",
        "state": "state",
        "place": "queue_position",
        "expected": "expected_start_at",
        "why": "explanation.sentence",
        "submitted": "submitted_at",
    }
    show(rows, columns, as_json)


def status(job: Job, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """A job's state, why it is in it, what can be done, and when it is expected to start."""
    answer = ask("GET", url, token, f"/jobs/{job}")
    if as_json:
        print_json(answer)
        return
    number = f" ({answer['engine_job']} in the scheduler)" if answer["engine_job"] else ""
    print(f"{answer['name']}: {answer['state']}{number}")
    said = answer["explanation"]
    if said:
        print(" ".join(text for text in (said["sentence"], said["detail"], said["advice"]) if text))
    if answer["queue_position"]:
        print(f"Place in the queue: {answer['queue_position']:,}")
    if answer["expected_start_at"]:
        print(f"Expected to start: {answer['expected_start_at']}")
    for name in ("submitted", "started", "ended"):
        if answer[f"{name}_at"]:
            print(f"{name.capitalize()}: {answer[f'{name}_at']}")
    if answer["tasks"]:
        print("Tasks: " + ", ".join(f"{number:,} {state}" for state, number in answer["tasks"].items()))
    if answer["failed_tasks"]:
        print("First that went wrong: " + ", ".join(map(str, answer["failed_tasks"])))
    booked = answer["booked_accelerator_seconds"]
    print(
        f"At most {_hours(answer['asked_accelerator_seconds'])} GPU-hours"
        + (f", {_hours(booked)} booked" if booked is not None else "")
    )


def output(
    job: Job,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
    error: Annotated[bool, typer.Option("--error", help="Standard error instead.")] = False,
    task: Annotated[int | None, typer.Option(min=0, help="Of this task of a job array alone.")] = None,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """What a job writes: the last part of it that the platform has. With --json --follow one answer a line.

    A task's output is asked of its site, and waited for: a few seconds, or until the site is there again.
    """
    stream, place, first = ("error" if error else "output"), 0, True
    asked: dict[str, Any] = {"stream": stream} if task is None else {"stream": stream, "task": task}
    while True:
        part = ask("GET", url, token, f"/jobs/{job}/output", **asked, **{"from": place})
        if part["problem"]:
            end(PROBLEMS[part["problem"]], 1)
        if not part["told"]:
            time.sleep(asking.LOOK_AGAIN)
            continue
        if as_json:
            print(json.dumps(part, indent=None if follow else 1), flush=True)
        else:
            if first and part["start"]:
                print(f"[the first {part['start']:,} bytes are not kept here]", file=sys.stderr)
            print(part["text"], end="", flush=True)
        first, place = False, part["end"]
        if not follow or part["ended"]:
            return
        time.sleep(asking.LOOK_AGAIN)


def cancel(
    jobs: Annotated[list[str] | None, typer.Argument(metavar="UUID...", help="The jobs' numbers here.")] = None,
    project: Annotated[str, typer.Option(help="Instead: all of a project's that are in --state.")] = "",
    state: Annotated[str, typer.Option(help="waiting or running, with --project.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Cancel jobs: those that are named, or all of a project that wait or run."""
    if bool(jobs) == bool(project) or bool(project) != bool(state):
        end("Name the jobs, or give --project and --state.", 2)
    if project:
        answer = ask("POST", url, token, f"/projects/{project}/jobs/cancel", {"state": state})
        tell(f"{len(answer['cancelled']):,} are being cancelled.", answer, as_json)
        return
    rows = [ask("POST", url, token, f"/jobs/{job}/cancel") for job in jobs or []]
    show(rows, {"job": "uuid", "name": "name", "state": "state"}, as_json)


def efficiency(job: Job, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """What an ended job asked against what it used, and what to ask next time."""
    answer = ask("GET", url, token, f"/jobs/{job}")
    found = answer["efficiency"]
    if as_json:
        print_json({"uuid": answer["uuid"], "state": answer["state"], "efficiency": found})
        return
    if found is None:
        print("Nothing is known of what it used." if answer["ended_at"] else "It has not ended yet.")
        return
    words = {"time": _clock, "memory": lambda amount: f"{amount / 1024**3:,.2f} GiB"}
    rows = []
    for one in found["measures"]:
        word = words.get(one["what"], lambda amount: f"{amount:,.1f}")
        rows.append({**one, "asked": word(one["asked"]), "used": word(one["used"]), "ratio": f"{one['ratio']:.0%}"})
    show(rows, {"what": "what", "asked": "asked", "used": "used", "of it": "ratio"}, as_json)
    if found["too_short"]:
        print("It ran too briefly to be judged.")
    for one in found["advice"]:
        print(one["sentence"] + (f" ({one['change']})" if one["change"] else ""))


def _text_of(script: Path) -> str:
    try:
        return script.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        end(f"{script} can't be read as text: {error}", 2)


def _only_allocation(url: str, token: str, script: str) -> str:
    """The one allocation that may be used today, of the project that the script names, if it names one."""
    try:
        account = read_directives(script).account
    except DirectiveError:
        account = ""
    today = datetime.now(UTC).date().isoformat()
    usable = [
        row["code"]
        for row in everything(url, token, "/allocations")
        if row["starts"] <= today < row["ends"] and account in ("", row["project"])
    ]
    if not usable:
        end("No allocation may be used today." + (f" The script is for {account}." if account else ""), 1)
    if len(usable) > 1:
        end(f"Say whose hours with --allocation: {', '.join(usable)}", 2)
    return str(usable[0])


def _hours(seconds: int) -> str:
    return f"{seconds / 3600:,.2f}"


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:,}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    verbs: dict[str, Any] = {
        "submit": submit, "estimate": estimate, "list": list_, "status": status, "output": output, "cancel": cancel,
        "efficiency": efficiency,
    }  # fmt: skip
    group(app, "job", "Jobs: submit, follow, cancel, and what they made of what they asked.", **verbs)
