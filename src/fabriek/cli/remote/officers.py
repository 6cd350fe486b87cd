"""The verbs of officers: calls, applications, decisions, objections, programmes, shares and promises."""

from __future__ import annotations

import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from fabriek.cli.remote import applicants, explaining, signing_off
from fabriek.cli.remote.asking import (
    LOCAL,
    Content,
    Json,
    PartitionCode,
    Token,
    Url,
    Why,
    ask,
    content_of,
    end,
    everything,
    finished,
    group,
    months_of,
    pairs_of,
    print_json,
    send,
    show,
    tell,
)

CallCode = Annotated[str, typer.Argument(metavar="CALL")]
ApplicationCode = Annotated[str, typer.Argument(metavar="APPLICATION")]
DecisionCode = Annotated[str, typer.Argument(metavar="DECISION")]
Remark = Annotated[str, typer.Option("--remark", help="Stays on record; the applicant may read it.")]
Month = Annotated[str, typer.Option("--month", help="The first month, such as 2026-11.")]
Months = Annotated[int, typer.Option("--months", min=1, max=60, help="How many months from there.")]
_CALL = {"call": "code", "title": "title", "opens": "opens", "closes": "closes", "free GPU-hours": "free_gpu_hours"}
_STATE = {"application": "code", "state": "state", "score": "score"}
_DECISION = {"decision": "code", "state": "state", "calls": "calls"}
_SHARES = {
    "programme": "programme",
    "month": "month",
    "fraction": "fraction",
    "share (s)": "share",
    "awarded (s)": "awarded",
    "used (s)": "used",
    "free (s)": "free",
}


# Calls


def open_call(file: Content, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Open a call from a file: access_mode, factory, programme, partitions, title, opens, closes, first_month ..."""
    answer = ask("POST", url, token, "/calls", content_of(file))
    show([answer], _CALL, as_json, answer)


def show_call(call: CallCode, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """A call, open or not."""
    answer = ask("GET", url, token, f"/calls/{call}")
    show([answer], _CALL, as_json, answer)


def close_call(call: CallCode, why: Why = "", url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Close a call before its cut-off: nobody can submit any more."""
    tell(f"{call} is closed.", ask("POST", url, token, f"/calls/{call}/close", {"why": why}), as_json)


def applications_of_call(
    call: CallCode,
    state: Annotated[str, typer.Option("--state", help="submitted, eligible, in-review, reviewed ...")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """The applications of a call, those whose answer is due first on top."""
    rows = everything(url, token, f"/calls/{call}/applications", state=state)
    columns = {
        "application": "code",
        "title": "title",
        "class": "organisation_class",
        "state": "state",
        "GPU-hours": "gpu_hours",
        "reviews": "reviews_done",
        "of": "reviews",
        "score": "score",
        "answer due": "answer_due",
    }
    show(rows, columns, as_json)


def check_call(call: CallCode, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Follow the automatic findings on eligibility for every application that was submitted."""
    _many("checked", finished(url, token, ask("POST", url, token, f"/calls/{call}/eligibility")), as_json)


def settle_call(call: CallCode, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Settle the score of every application whose reviews are all in."""
    _many("settled", finished(url, token, ask("POST", url, token, f"/calls/{call}/scores")), as_json)


def tasks(call: CallCode, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Work on many applications of a call, which goes on by itself: how far it is, and what came of it."""
    columns = {
        "task": "task",
        "what": "verb",
        "state": "state",
        "done": "done",
        "of": "total",
        "asked": "asked_at",
        "by": "asked_by",
    }
    show(everything(url, token, f"/calls/{call}/tasks"), columns, as_json)


def _many(done: str, answer: dict[str, Any], as_json: bool) -> None:
    tell(f"{answer['done']} applications {done}.", answer, as_json)
    for sentence in answer["refused"]:
        print(f"  {sentence}", file=sys.stderr)
    raise typer.Exit(1 if answer["refused"] else 0)


def assign(call: CallCode, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Give every application that may be reviewed its reviewers, never with a conflict of interest."""
    answer = finished(url, token, ask("POST", url, token, f"/calls/{call}/reviewers"))
    if isinstance(answer, dict):
        _many("given their reviewers", answer, as_json)
    show(answer, {"review": "number", "application": "application", "kind": "kind"}, as_json)


# Applications


def judgement(code: ApplicationCode, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """What was found of an application: eligibility, assessment, reviews, score."""
    answer = ask("GET", url, token, f"/applications/{code}/judgement")
    if as_json:
        print_json(answer)
        return
    verdict = {True: "eligible", False: "not eligible", None: "not checked yet"}[answer["eligible"]]
    print(f"{answer['code']}: {answer['state']}, {verdict}, score {answer['score'] or 'not settled'}")
    for finding in answer["findings"]:
        print(f"  {'yes' if finding['holds'] else 'NO '} {finding['sentence']}")
    if assessment := answer["technical_assessment"]:
        word = "sound" if assessment["feasible"] else "not feasible"
        print(f"Technically {word}: {assessment['remark']} ({assessment['by']})")
    for review in answer["reviews"]:
        print(f"Review {review['number']} by {review['reviewer']}, {review['state']}: {review['scores']}")
        for words in (review["remark"], review["confidential_remark"]):
            if words:
                print(f"  {words}")


def check(
    code: ApplicationCode,
    eligible: Annotated[
        bool | None, typer.Option("--eligible/--not-eligible", help="Neither: follow the automatic findings.")
    ] = None,
    remark: Remark = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Check eligibility; against the automatic findings with a remark."""
    body = {"eligible": eligible, "remark": remark}
    answer = ask("POST", url, token, f"/applications/{code}/eligibility", body)
    show([answer], _STATE, as_json, answer)


def assess(
    code: ApplicationCode,
    feasible: Annotated[bool, typer.Option("--feasible/--not-feasible", help="Not feasible ends the application.")],
    remark: Remark,
    confidential: Annotated[str, typer.Option("--confidential", help="For officers only.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Assess technically, before peer review."""
    body = {"feasible": feasible, "remark": remark, "confidential_remark": confidential}
    answer = ask("POST", url, token, f"/applications/{code}/assessment", body)
    show([answer], _STATE, as_json, answer)


def replace(code: ApplicationCode, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Find another reviewer for each review that was declined."""
    tell(f"{code} has its reviewers.", ask("POST", url, token, f"/applications/{code}/reviewer"), as_json)


def score(
    code: ApplicationCode,
    number: Annotated[str, typer.Option("--score", help="Another score than the reviews give, with a remark.")] = "",
    remark: Remark = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Settle the score: what the reviews give, or another one with a remark."""
    answer = ask("POST", url, token, f"/applications/{code}/score", {"score": number or None, "remark": remark})
    tell(f"{code} is {answer['state']}.", answer, as_json)


# Decisions


def decisions(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """All decisions, newest first."""
    show(everything(url, token, "/decisions"), _DECISION, as_json)


def propose(
    calls: Annotated[list[str], typer.Argument(metavar="CALL...")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Solve the problem of these calls. Nothing is awarded before it is published."""
    answer = ask("POST", url, token, "/decisions", {"calls": calls})
    show([answer], _DECISION, as_json, answer)


def show_decision(code: DecisionCode, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """A decision with its applications by score: what each asked, got, or why not."""
    answer = ask("GET", url, token, f"/decisions/{code}")
    if not as_json:
        print(f"{answer['code']}: {answer['state']}; proposed by {answer['proposed_by']}; {answer['decided_by']}")
    columns = {
        "application": "application",
        "title": "title",
        "score": "score",
        "asked": "asked_gpu_hours",
        "awarded": "awarded_hours",
        "why not": "reason",
    }
    show(answer["ranking"], columns, as_json, answer)


def publish(code: DecisionCode, why: Why = "", url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Publish a decision: awards, opens the projects, tells the applicants. This can't be taken back."""
    answer = ask("POST", url, token, f"/decisions/{code}/publish", {"why": why})
    show([answer], _DECISION, as_json, answer)


def discard(code: DecisionCode, why: Why = "", url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Discard a proposal; the applications keep their scores."""
    answer = ask("POST", url, token, f"/decisions/{code}/discard", {"why": why})
    show([answer], _DECISION, as_json, answer)


def download(
    code: DecisionCode,
    folder: Annotated[Path, typer.Argument(help="Where to write problem.json and plan.json.")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Write a decision's problem and plan, byte for byte, for `fabriek verify`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("problem", "plan"):
        (folder / f"{name}.json").write_bytes(send("GET", url, token, f"/decisions/{code}/{name}").content)
    files = {name: str(folder / f"{name}.json") for name in ("problem", "plan")}
    tell(f"fabriek verify {files['problem']} {files['plan']}", files, as_json)


# Objections


def objections(
    answered: Annotated[bool, typer.Option("--answered", help="Those that were answered.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Objections that wait for an answer, oldest first."""
    columns = {"application": "application", "decision": "decision", "made": "made_at", "text": "text"}
    columns |= {"upheld": "upheld", "answer": "answer"} if answered else {}
    show(everything(url, token, "/objections", answered=answered), columns, as_json)


def answer_objection(
    code: ApplicationCode,
    upheld: Annotated[bool, typer.Option("--upheld/--not-upheld", help="Upheld: it is decided on again.")],
    answer: Annotated[str, typer.Option("--answer", help="What the applicant reads.")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Answer the objection on an application, if you did not publish its decision."""
    body = {"answer": answer, "upheld": upheld}
    tell("Answered.", ask("POST", url, token, f"/applications/{code}/objection/answer", body), as_json)


# Programmes, shares, promises


def programmes(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """The programmes, each with the one that it is part of."""
    columns = {"programme": "code", "name": "name", "kind": "kind", "country": "country", "part of": "parent"}
    show(everything(url, token, "/programmes"), columns, as_json)


def establish_programme(file: Content, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Establish a programme from a file: code, name, kind, country, parent, pillar, overbooking ..."""
    answer = ask("POST", url, token, "/programmes", content_of(file))
    tell(f"{answer['code']} is established.", answer, as_json)


def rename_programme(
    programme: Annotated[str, typer.Argument(metavar="PROGRAMME")],
    name: Annotated[str, typer.Option("--name", help="What it is called from now on.")],
    why: Why,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Rename a programme; its code, shares and promises stay."""
    answer = ask("POST", url, token, f"/programmes/{programme}/name", {"name": name, "why": why})
    tell(f"{programme} is called {answer['name']} from now on.", answer, as_json)


def show_promise(
    promise: Annotated[str, typer.Argument(metavar="PROMISE")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """A promise and the numbers behind it, in GPU-hours: each programme on each system by kind of project."""
    answer = ask("GET", url, token, f"/promises/{promise}")
    if not as_json:
        kept = "kept" if answer["holds"] else "not kept"
        print(f"{answer['name']}: {kept}, {answer['kind']} of {answer['required']:,.1f} GPU-hours.")
        for part in answer["promised"]:
            where = f" on {part['system']}" if part["system"] else ""
            print(f"  promised{where}: {part['times']:g} x {part['whole']:,.1f} = {part['promised']:,.1f}")
        for miss in answer["misses"]:
            where = f" on {miss['system']}" if miss["system"] else ""
            print(f"  {miss['what']}{where}: {miss['reached']:,.1f}, required {miss['required']:,.1f}")
    columns = {
        "programme": "programme",
        "system": "system",
        "class": "class",
        "country": "country",
        "commercial": "commercial",
        "share": "share",
        "decided": "decided",
        "queued": "queued",
        "used": "used",
    }
    rows = [
        {**row, **{name: f"{row[name]:,.1f}" for name in ("share", "decided", "queued", "used")}}
        for row in answer["numbers"]
    ]
    show(rows, columns, as_json, answer)


def end_promise(
    promise: Annotated[str, typer.Argument(metavar="PROMISE")],
    on: Annotated[str, typer.Option("--on", help="The first day on which it no longer holds, such as 2027-01-01.")],
    why: Why,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """End a promise on a day, today at the earliest; what was decided under it stays."""
    answer = ask("POST", url, token, f"/promises/{promise}/end", {"valid_until": on, "why": why})
    tell(f"{promise} ends on {on}.", answer, as_json)


def make_promise(file: Content, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Make a promise from a file: code, name, kind (floor, cap, baseline), programme, fraction, valid_from ..."""
    answer = ask("POST", url, token, "/promises", content_of(file))
    tell(f"{answer['code']} is promised, and measured from now on.", answer, as_json)


def shares(partition: PartitionCode, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """The table of shares, in accelerator-seconds."""
    show(ask("GET", url, token, f"/shares/{partition}"), _SHARES, as_json)


def establish_shares(
    partition: PartitionCode,
    share: Annotated[list[str], typer.Argument(metavar="PROGRAMME=PERCENT...", help="Together 100.")],
    month: Month,
    months: Months = 1,
    why: Why = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Divide a partition's capacity over programmes. A table that is off is refused with the row."""
    fractions = {}
    for programme, percent in pairs_of(share, "shares").items():
        try:
            fractions[programme] = f"{Decimal(percent.rstrip('%')) / 100:f}"
        except InvalidOperation:
            end(f"{percent} is no number of percent.", 2)
    body = {"months": months_of(month, months), "fractions": fractions, "why": why}
    show(ask("PUT", url, token, f"/shares/{partition}", body), _SHARES, as_json)


def reallocate(
    partition: PartitionCode,
    from_programme: Annotated[str, typer.Option("--from")],
    to_programme: Annotated[str, typer.Option("--to")],
    hours: Annotated[int, typer.Option("--hours", min=1, help="GPU-hours.")],
    month: Month,
    why: Why,
    transfer: Annotated[bool, typer.Option("--transfer", help="A state lends unused time.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Move free hours from one programme's share to another's, in one balanced transaction."""
    body = {
        "month": months_of(month, 1)[0],
        "from_programme": from_programme,
        "to_programme": to_programme,
        "accelerator_seconds": hours * 3600,
        "why": why,
        "kind": "transfer" if transfer else "reallocation",
    }
    answer = ask("POST", url, token, f"/reallocations/{partition}", body)
    tell(f"{answer['code']}: {hours:,} GPU-hours from {from_programme} to {to_programme}.", answer, as_json)


def moves(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Hours moved between programmes, newest first, and which of them were moved back."""
    columns = {
        "code": "code",
        "partition": "partition",
        "month": "month",
        "from": "from_programme",
        "to": "to_programme",
        "GPU-hours": "accelerator_seconds",
        "why": "why",
        "undone by": "undone_by",
    }
    show(everything(url, token, "/reallocations"), columns, as_json)


def undo(
    code: Annotated[str, typer.Argument(metavar="REALLOCATION")],
    why: Why,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Move hours back by the balanced opposite; both stay on record."""
    moved = next((row for row in everything(url, token, "/reallocations") if row["code"] == code), None)
    if moved is None:
        end(f"There is no reallocation {code}.", 1)
    answer = ask("POST", url, token, f"/reallocations/{moved['partition']}/{code}/undo", {"why": why})
    tell(f"{code} is undone by {answer['code']}.", answer, as_json)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    group(
        app,
        "call",
        "Open a call, and its applications from submitted to scored.",
        open=open_call,
        show=show_call,
        close=close_call,
        applications=applications_of_call,
        check=check_call,
        assign=assign,
        settle=settle_call,
        tasks=tasks,
    )
    group(
        app,
        "application",
        "One application: judge it, withdraw it, object.",
        show=judgement,
        check=check,
        assess=assess,
        replace_reviewer=replace,
        score=score,
        withdraw=applicants.withdraw,
        attach=applicants.attach,
        detach=applicants.detach,
        attachment=applicants.attachment,
        reply=applicants.reply,
        object=applicants.object_to,
        explain=explaining.why,
    )
    group(
        app,
        "decision",
        "Propose, look, publish.",
        list=decisions,
        propose=propose,
        show=show_decision,
        publish=publish,
        discard=discard,
        initial=signing_off.initial,
        send_back=signing_off.send_back,
        download=download,
    )
    group(app, "objection", "Objections to decisions.", list=objections, answer=answer_objection)
    group(
        app,
        "programme",
        "Under whose promise hours are given.",
        list=programmes,
        establish=establish_programme,
        rename=rename_programme,
        sign_off=signing_off.sign_off,
    )
    group(
        app,
        "promise",
        "Floors, caps and baselines; `fabriek promises` measures them.",
        show=show_promise,
        make=make_promise,
        end=end_promise,
    )
    group(
        app,
        "share",
        "Which programme has which part of a partition.",
        list=shares,
        establish=establish_shares,
        reallocate=reallocate,
        moves=moves,
        undo=undo,
    )
