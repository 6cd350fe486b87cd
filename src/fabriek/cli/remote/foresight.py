"""The verbs of studies: send a workload, try a policy on it, wait for the verdicts, take them along."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated, Any

import typer

from fabriek.cli.remote.asking import (
    LOCAL,
    Json,
    Token,
    Url,
    Why,
    ask,
    end,
    end_if_faulty,
    everything,
    group,
    once_over,
    send,
    show,
    tell,
)

Code = Annotated[str, typer.Argument(metavar="STUDY")]
WorkloadCode = Annotated[str, typer.Argument(metavar="WORKLOAD")]
Percents = Annotated[list[str] | None, typer.Option(metavar="CLASS=PERCENT")]
UNDER_WAY = ("asked", "simulating")
_COLUMNS = {
    "study": "code", "question": "name", "state": "state", "workload": "workload", "units": "units", "tries": "tries",
}  # fmt: skip
_WORKLOAD = {
    "workload": "code", "name": "name", "jobs": "jobs", "days": "days", "classes are": "classes_are",
    "origin": "origin",
}  # fmt: skip


# Workloads


def workload_list(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """The workloads that studies can be about."""
    show(everything(url, token, "/workloads"), _WORKLOAD, as_json)


def workload_send(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="SWF, sacct or a GPU trace; plain or .gz.")],
    name: Annotated[str, typer.Option(help="What it is called.")],
    classes: Annotated[str, typer.Option(help="Who is of which class: g12=startup,g13=academia.")] = "",
    made_up: Annotated[str, typer.Option(help="Or divide the jobs: startup=20,academia=80.")] = "",
    by: Annotated[str, typer.Option(help="What these name: account, group, user, partition or qos.")] = "account",
    note: Annotated[str, typer.Option(help="Where it comes from.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Send a trace of jobs to the platform."""
    told = {"name": name, "classes": classes, "made_up": made_up, "by": by, "note": note}
    files = {"file": (file.name, file.read_bytes()), **{key: (None, value) for key, value in told.items()}}
    answer = send("POST", url, token, "/workloads", files=files).json()
    show([answer], _WORKLOAD, as_json, answer)


def workload_record(
    partition: Annotated[str, typer.Argument(metavar="SYSTEM/PARTITION")],
    since: Annotated[str, typer.Argument(metavar="FROM", help="A day: 2026-11-01.")],
    until: Annotated[str, typer.Argument(metavar="UNTIL", help="This day not included.")],
    name: Annotated[str, typer.Option(help="What it is called.")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Take the jobs that ran on a partition as a workload, with programmes and classes; people are numbered."""
    body = {"name": name, "partition": partition, "since": since, "until": until}
    answer = ask("POST", url, token, "/workloads/recorded", body)
    show([answer], _WORKLOAD, as_json, answer)


def workload_delete(code: WorkloadCode, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Delete a workload and its file, where no study is about it."""
    ask("DELETE", url, token, f"/workloads/{code}")
    tell(f"{code} is deleted.", {"code": code}, as_json)


# Studies


def listed(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """The studies, newest first."""
    show(everything(url, token, "/studies"), _COLUMNS, as_json)


def asked(
    name: Annotated[str, typer.Argument(metavar="QUESTION", help="What you want to know, in a few words.")],
    workload: Annotated[str, typer.Option(help="On which jobs.")],
    partition: Annotated[str, typer.Option(metavar="SYSTEM/PARTITION", help="Whose size is the machine's.")] = "",
    units: Annotated[int, typer.Option(min=0, help="Or a machine of so many units.")] = 0,
    floor: Percents = None,
    share: Annotated[list[str] | None, typer.Option(metavar="CLASS=WEIGHT", help="Who used less goes first.")] = None,
    most: Percents = None,
    urgent: Annotated[list[str] | None, typer.Option(metavar="CLASS", help="May stop others' running jobs.")] = None,
    backfill: Annotated[str, typer.Option(help="none, easy or conservative.")] = "easy",
    floor_today: Percents = None,
    share_today: Annotated[list[str] | None, typer.Option(metavar="CLASS=WEIGHT")] = None,
    backfill_today: Annotated[str, typer.Option(help="none, easy or conservative.")] = "easy",
    demand: Annotated[
        list[str] | None,
        typer.Option(metavar="CLASS=TIMES", help="How many times as much it submits; draws workloads."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=2, help="Parts of the workload, or workloads that are drawn.")] = 20,
    weeks: Annotated[int, typer.Option(min=0, help="Draw workloads of so many weeks instead of cutting it up.")] = 0,
    copied_from: Annotated[str, typer.Option("--from", metavar="STUDY", help="Which study it goes on from.")] = "",
    why: Why = "",
    wait: Annotated[bool, typer.Option("--wait", help="Until it is simulated.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Try a policy on a workload. Nothing real changes; --wait shows the verdicts when they are there."""
    drawn = bool(weeks or demand)
    body: dict[str, Any] = {
        "name": name,
        "workload": workload,
        "partition": partition or None,
        "units": units or None,
        "before": _policy(backfill_today, floor_today, share_today),
        "after": _policy(backfill, floor, share, most, urgent),
        "way": "seeds" if drawn else "windows",
        "count": repeats,
        "weeks": weeks or 4,
        "demand": _numbers(demand, "CLASS=TIMES"),
        "copied_from": copied_from or None,
        "why": why,
    }
    answer = ask("POST", url, token, "/studies", body)
    if wait:
        answer = once_over(url, token, f"/studies/{answer['code']}", UNDER_WAY)
    _told(answer, as_json)


def _policy(
    backfill: str,
    floors: list[str] | None,
    shares: list[str] | None,
    mosts: list[str] | None = None,
    urgent: list[str] | None = None,
) -> dict[str, Any]:
    classes: dict[str, dict[str, Any]] = {}
    for rule, texts in (("floor", floors), ("share", shares), ("most", mosts)):
        for klass, number in _numbers(texts, "CLASS=NUMBER").items():
            classes.setdefault(klass, {})[rule] = number
    for klass in urgent or []:
        classes.setdefault(klass, {})["urgent"] = True
    return {"backfill": backfill, "by_shares": bool(shares), "classes": classes}


def _numbers(texts: list[str] | None, how: str) -> dict[str, float]:
    found = {}
    for text in texts or []:
        klass, equals, number = text.rpartition("=")
        try:
            found[klass] = float(number.rstrip("%"))
        except ValueError:
            equals = ""
        if not (klass and equals):
            end(f"{text}: give it as {how}.", 2)
    return found


def waited(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Wait until a study is simulated, then show it."""
    _told(once_over(url, token, f"/studies/{code}", UNDER_WAY), as_json)


def shown(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """A study: what it tries, how far it is, and its verdicts."""
    _told(ask("GET", url, token, f"/studies/{code}"), as_json)


def figures(
    code: Code,
    file: Annotated[Path, typer.Argument(help="A CSV file to write.")],
    of: Annotated[str, typer.Option(help="classes, programmes, waits, use, machine or floors.")] = "classes",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Write a table of a study's figures."""
    table = ask("GET", url, token, f"/studies/{code}/figures", of=of)
    try:
        with file.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened, lineterminator="\n")
            writer.writerow(table["columns"])
            writer.writerows(table["rows"])
    except OSError as error:
        end(f"{file}: {error.strerror or error}", 2)
    tell(f"{len(table['rows'])} rows in {file}", {"file": str(file), "rows": len(table["rows"])}, as_json)


def slurm(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Print the policy that a study tried as settings of Slurm."""
    text = send("GET", url, token, f"/studies/{code}/slurm").text
    tell(text.rstrip(), {"settings": text}, as_json)


def cancelled(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Stop simulating it. It stays, and can be asked again."""
    _told(ask("POST", url, token, f"/studies/{code}/cancel"), as_json)


def asked_again(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Ask the very same question again, where it was cancelled, failed, or lost its worker."""
    _told(ask("POST", url, token, f"/studies/{code}/again"), as_json)


def deleted(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Take a study out of the list; `fabriek study restore` takes it back, for 30 days."""
    ask("DELETE", url, token, f"/studies/{code}")
    tell(f"{code} is deleted. Take it back: fabriek study restore {code}", {"code": code}, as_json)


def restored(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Take a deleted study back, with its figures."""
    _told(ask("POST", url, token, f"/studies/{code}/restore"), as_json)


def _told(answer: dict[str, Any], as_json: bool) -> None:
    show([answer], _COLUMNS, as_json, answer)
    if not as_json:
        for sentence in answer.get("verdicts", []):
            print(sentence)
    end_if_faulty(answer)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    group(
        app,
        "study",
        "What a policy would do: try, compare, take along.",
        list=listed,
        ask=asked,
        wait=waited,
        show=shown,
        figures=figures,
        slurm=slurm,
        cancel=cancelled,
        again=asked_again,
        delete=deleted,
        restore=restored,
    )
    group(
        app,
        "study-workload",
        "Jobs that studies are about.",
        list=workload_list,
        send=workload_send,
        record=workload_record,
        delete=workload_delete,
    )
