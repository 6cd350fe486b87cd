"""Why a job waits and how it ended, in sentences with what a member can do: where Slurm's words become ours.

Codes: https://slurm.schedmd.com/job_reason_codes.html and https://slurm.schedmd.com/job_state_codes.html. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise

NOBODY, MEMBER, SITE = "nobody", "member", "site"


@dataclass(frozen=True)
class Explanation:
    """A reason or an end: what it is, what can be done, and whose move it is: nobody's (it goes on by itself), a
    member's, or the site's operators'. detail: the scheduler's own words, where they say more than its code."""

    sentence: Text
    advice: Text = ""
    move: str = NOBODY
    detail: str = ""


_LESS = _("Ask for fewer GPUs or less time, wait until running jobs end, or ask for more hours.")
_ASK_SITE = _("Only the site's operators can change this. Ask them, with the job's number.")
_GAP = _("Nothing to do. A shorter time limit or fewer GPUs may let it start sooner, in a gap.")
_CHANGE = _("It will not start as it is: cancel it, change the script and submit it again.")

# The first pattern that fits counts, so what is narrower comes first.
_REASONS: tuple[tuple[str, Text, Text, str], ...] = (
    ("Priority", _("Jobs with a higher priority go first."), _GAP, NOBODY),
    ("Resources", _("It is at the front, and waits until enough GPUs, cores or memory are free."), _GAP, NOBODY),
    ("None", _("The scheduler has not looked at it yet."), "", NOBODY),
    (
        "DependencyNeverSatisfied",
        _("It waits for a job that did not end as it had to, so it will never start."),
        _("Cancel it, mend the other job and submit both again."),
        MEMBER,
    ),
    ("Dependency", _("It waits for another job to end."), _("Nothing to do, if that job goes well."), NOBODY),
    (
        "BeginTime",
        _("It may not start before a set time. After a failed node Slurm puts a job off for some minutes itself."),
        _("Nothing to do: it starts by itself."),
        NOBODY,
    ),
    ("Cleaning", _("What it left behind in an earlier run is being cleaned up."), "", NOBODY),
    ("Prolog", _("The nodes are being made ready for it."), "", NOBODY),
    (
        "JobArrayTaskLimit",
        _("As many tasks of the array run as its script allows at once."),
        _("Nothing to do. The number behind % in --array says how many may."),
        NOBODY,
    ),
    ("*Grp*GRES*Minutes*", _("The project's GPU-hours don't cover it beside the jobs that run."), _LESS, MEMBER),
    (
        "*Grp*CPU*Minutes*",
        _("The project's core-hours don't cover it beside the jobs that run."),
        _("Ask for fewer cores or less time, wait until running jobs end, or ask for more hours."),
        MEMBER,
    ),
    ("*Grp*Billing*Minutes*", _("What the project may use in all doesn't cover it."), _LESS, MEMBER),
    ("*Grp*Minutes*", _("What the project may use in all doesn't cover it."), _LESS, MEMBER),
    (
        "AssocGrp*",
        _("The project's running jobs hold as much as it may at once."),
        _("Nothing to do: it starts when one of them ends."),
        NOBODY,
    ),
    (
        "QOSGrp*",
        _("All jobs of this quality of service together hold as much as they may."),
        _("Nothing to do: it starts when one of them ends."),
        NOBODY,
    ),
    ("*MaxGRESPerJob*", _("It asks for more GPUs than one job may have here."), _CHANGE, MEMBER),
    ("*MaxCpuPerJob*", _("It asks for more cores than one job may have here."), _CHANGE, MEMBER),
    ("*MaxNodePerJob*", _("It asks for more nodes than one job may have here."), _CHANGE, MEMBER),
    ("*MaxMemoryPerJob*", _("It asks for more memory than one job may have here."), _CHANGE, MEMBER),
    ("*MaxWallDurationPerJob*", _("It asks for more time than one job may have here."), _CHANGE, MEMBER),
    (
        "*Max*Minutes*PerJob*",
        _("Its GPUs or cores times its time are more than a job may have."),
        _CHANGE,
        MEMBER,
    ),
    ("*Max*PerNode*", _("It asks for more of one node than a job may have here."), _CHANGE, MEMBER),
    (
        "*Max*PerUser*",
        _("You have as much running or waiting as one person may."),
        _("Nothing to do: it starts when another job of yours ends."),
        NOBODY,
    ),
    (
        "*Max*PerAccount*",
        _("The project has as much running or waiting as it may."),
        _("Nothing to do: it starts when another job of the project ends."),
        NOBODY,
    ),
    (
        "*MaxJobsLimit*",
        _("As many jobs run or wait as may at once."),
        _("Nothing to do: it starts when another one ends."),
        NOBODY,
    ),
    ("AssocMax*", _("It asks for more than one job of this project may have."), _CHANGE, MEMBER),
    ("QOSMax*", _("It asks for more than one job of this quality of service may have."), _CHANGE, MEMBER),
    ("MaxMemPerLimit", _("It asks for more memory per core than the cluster gives."), _CHANGE, MEMBER),
    (
        "QOSUsageThreshold",
        _("The project has used so much of this quality of service that its jobs wait."),
        _("Nothing to do: use counts less as it gets older."),
        NOBODY,
    ),
    (
        "QOSMinGRES*",
        _("It asks for no GPU, and what the project was awarded here is GPU-hours."),
        _("Ask for a GPU, as with --gpus=1; or submit it where the project has core-hours."),
        MEMBER,
    ),
    (
        "QOSMin*",
        _("It asks for less than a job of this quality of service must."),
        _CHANGE,
        MEMBER,
    ),
    (
        "QOS*Limit",
        _("All jobs of this quality of service together hold as much as they may."),
        _("Nothing to do: it starts when one of them ends."),
        NOBODY,
    ),
    (
        "InvalidAccount",
        _("The project's account is not active on this cluster now: its period has not begun or is over, or it ended."),
        _("See the project's allocations. If one runs today, tell the site's operators."),
        MEMBER,
    ),
    ("InvalidQOS", _("Its quality of service is not one of the project's."), _CHANGE, MEMBER),
    ("AccountNotAllowed", _("The project may not use this partition."), _CHANGE, MEMBER),
    ("AccountingPolicy", _("A limit of the project or of its quality of service holds it back."), _LESS, MEMBER),
    ("QOSNotAllowed", _("Its quality of service may not use this partition."), _CHANGE, MEMBER),
    ("PartitionTimeLimit", _("It asks for more time than this partition gives."), _CHANGE, MEMBER),
    ("PartitionNodeLimit", _("It asks for more nodes than this partition has for one job."), _CHANGE, MEMBER),
    (
        "PartitionDown",
        _("The partition starts no jobs at the moment."),
        _("It starts when the site opens it again."),
        SITE,
    ),
    ("PartitionInactive", _("The partition takes and starts no jobs at the moment."), _ASK_SITE, SITE),
    ("PartitionConfig", _("It asks for something that this partition doesn't have."), _CHANGE, MEMBER),
    (
        "ReqNodeNotAvail",
        _("Nodes that it needs are down, being serviced or kept free for a maintenance."),
        _("It starts when they are back. A time limit that ends before the maintenance may let it start now."),
        SITE,
    ),
    (
        "Nodes required for job are DOWN*",
        _("Nodes that it needs are down, being serviced or kept free for a maintenance."),
        _("It starts when they are back. A time limit that ends before the maintenance may let it start now."),
        SITE,
    ),
    ("NodeDown", _("A node that it needs is down."), _("It starts when the node is back."), SITE),
    ("ReservationDeleted", _("The reservation that it was for is gone."), _CHANGE, MEMBER),
    ("Reservation", _("It waits for its reservation to begin."), _("Nothing to do: it starts by itself."), NOBODY),
    ("BadConstraints", _("No node here has what it asks for."), _CHANGE, MEMBER),
    ("Licenses", _("It waits for a licence to be free."), _("Nothing to do: it starts by itself."), NOBODY),
    (
        "JobHeldUser",
        _("It is held by the one who submitted it."),
        _("Release it on the cluster with “scontrol release”, or cancel it."),
        MEMBER,
    ),
    ("JobHeldAdmin", _("It is held by the site's operators."), _ASK_SITE, SITE),
    (
        "launch failed requeued held",
        _("A node could not start it; Slurm put it back in the queue and holds it there."),
        _("Cancel it and submit it again. If that goes the same way, tell the site's operators the job's number."),
        MEMBER,
    ),
    (
        "*requeued held",
        _("It was put back in the queue and is held there."),
        _("Cancel it and submit it again. If that goes the same way, tell the site's operators the job's number."),
        MEMBER,
    ),
    (
        "user env retrieval failed*",
        _("The cluster could not read your log-in environment."),
        _("Look at your shell's start-up files on the cluster, then cancel the job and submit it again."),
        MEMBER,
    ),
    (
        "JobHoldMaxRequeue",
        _("It was put back in the queue as often as it may be, and is held now."),
        _("Look into its output for what goes wrong, cancel it and submit it again."),
        MEMBER,
    ),
    (
        "JobLaunchFailure",
        _("It could not be launched: a file, a folder or a program that it needs may not be there."),
        _("Look at the paths in the script, then submit it again. If they are right, tell the site's operators."),
        MEMBER,
    ),
    ("SystemFailure", _("The cluster itself failed."), _("Submit it again. It is not your script."), MEMBER),
    ("NonZeroExitCode", _("The script ended with an error."), _("Its output and errors below say more."), MEMBER),
    ("RaisedSignal*", _("It was stopped by a signal."), _("Its output and errors below say more."), MEMBER),
    (
        "TimeLimit",
        _("It reached its time limit."),
        _("Ask for more time, or write checkpoints and go on from the last one."),
        MEMBER,
    ),
    ("OutOfMemory", _("It needed more memory than it had asked for."), _("Ask for more with --mem."), MEMBER),
    # What our own agents say of states that they know and we don't.
    (
        "SlurmLostJob",
        _("Slurm has lost it: its controller went down before it had written the job down."),
        _("Submit it again; where it wrote checkpoints, from the last one. It is not your script."),
        MEMBER,
    ),
    (
        "suspended by an operator",
        _("The site's operators have stopped it for a while. It keeps its place, and goes on from where it is."),
        _("Nothing to do."),
        SITE,
    ),
    ("its nodes are being made ready", _("Its nodes are being made ready."), "", NOBODY),
    (
        "stopped for a job that goes before it",
        _("It was stopped for a job that goes before it."),
        _("Submit it again; where it wrote checkpoints, from the last one."),
        MEMBER,
    ),
    ("its deadline passed", _("Its deadline passed before it could end."), _CHANGE, MEMBER),
    ("its node did not start", _("Its node did not start."), _("Submit it again. It is not your script."), MEMBER),
    (
        "put back into the queue and held",
        _("It was put back in the queue and is held there."),
        _("Cancel it and submit it again. If that goes the same way, tell the site's operators the job's number."),
        MEMBER,
    ),
    ("FrontEndDown", _("The cluster can't start jobs at the moment."), _ASK_SITE, SITE),
    ("Burst*", _("It waits for its fast storage."), _("Nothing to do: it starts by itself."), NOBODY),
    ("FedJobLock", _("The clusters settle which of them runs it."), "", NOBODY),
)

_AGAIN = _("Submit it again; where it wrote checkpoints, from the last one. What it used until then counts.")
_ENDS: dict[str, tuple[Text, Text]] = {
    "NODE_FAIL": (_("It was lost: a node, or the scheduler itself, failed under it. It is not your script."), _AGAIN),
    "TIMEOUT": (
        _("It reached its time limit and was stopped."),
        _("Ask for more time, or write checkpoints and go on from the last one."),
    ),
    "OUT_OF_MEMORY": (
        _("It needed more memory than it had asked for, and was stopped."),
        _("Ask for more with --mem, or make smaller batches."),
    ),
    "FAILED": (
        _("The script ended with an error."),
        _("Its output and errors say more. Mend it, and submit it again."),
    ),
    "REFUSED": (_("The scheduler did not take it."), _("Change what it names, and submit it again.")),
}


def explain(state: str, reason: str) -> Explanation | None:
    """What is to be said of a job in this state with this reason of the scheduler's; None: its state says all."""
    known = _of_reason(reason) if reason else None
    if known is not None:
        return known
    if state in _ENDS:
        sentence, advice = _ENDS[state]
        return Explanation(sentence, advice, MEMBER, reason)
    return Explanation(_("The scheduler says in its own words:"), "", NOBODY, reason) if reason else None


def _of_reason(text: str) -> Explanation | None:
    """The explanation of a reason as squeue or sacct writes it: Priority, (Priority), launch_failed_requeued_held."""
    text = text.strip().removeprefix("(").removesuffix(")")
    words = text.replace("_", " ") if text.islower() else text
    code = words if words.islower() else re.split(r"[,:]", words)[0].strip()
    for pattern, sentence, advice, move in _REASONS:
        if fnmatchcase(code, pattern) or fnmatchcase(words, pattern):
            # What stands behind the code, such as which nodes, says more.
            return Explanation(sentence, advice, move, text if words not in (code, pattern) else "")
    return None
