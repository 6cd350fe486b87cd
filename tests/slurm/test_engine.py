"""Awards become limits that Slurm itself holds jobs to; jobs run as their user and are never submitted twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.slurm.sites import Site

from fabriek.compute.engine import EngineError, SubmitRefused, difference
from fabriek.compute.slurm import jobs
from fabriek.compute.slurm.accounts import qos_name
from fabriek.compute.slurm.commands import CommandFailed
from fabriek.compute.slurm.controller import mark_of
from fabriek.compute.slurm.steps import SACCTMGR
from fabriek.compute.wire import TaskOrder
from fabriek.demo.slurm import Bed

AS_ROOT = os.geteuid() == 0


@pytest.fixture
def site(bed: Bed, job_user: str, folder: Path) -> Site:
    return Site(bed, "alpha", job_user, folder)


# Limits


def test_what_was_made_so_is_read_back_without_a_difference_and_is_not_made_again(site):
    wanted = [
        site.award("one"),
        site.award("two", programme="industry", fairshare=100, core_seconds_limit=7_230),
        site.award("three", partition="cpu", accelerator_seconds_limit=0, core_seconds_limit=6_000),
        site.award("four", active=False, users=[]),
    ]
    todo, refused = site.engine.plan(wanted)
    assert todo
    assert refused == {}
    assert site.engine.enforced() == [], "a plan changes nothing"
    assert site.engine.provision(wanted) == {}
    assert difference(wanted, site.engine.enforced()) == []
    assert site.engine.plan(wanted) == ([], {})
    assert site.engine.drift() == []
    assert difference(wanted, site.new_engine().enforced()) == []


@pytest.mark.parametrize("fails", ["nothing", "what is loaded", "sessions"])
def test_many_new_awards_are_made_in_one_go_or_one_by_one_where_that_fails(site, monkeypatch, fails):
    wanted = [site.award(f"many{number}", accelerator_seconds_limit=60 * number) for number in range(25)]
    (load,) = [step for step in site.engine.plan(wanted)[0] if step.given]
    assert load.keys == {(state.account, "gpu") for state in wanted}
    run, broken = site.engine._commands.run, {"what is loaded": load.words, "sessions": SACCTMGR}.get(fails)
    ran = []

    def counted(words, **more):
        ran.append(words)
        if words == broken:
            raise CommandFailed(words, "error: it did not work")
        return run(words, **more)

    monkeypatch.setattr(site.engine._commands, "run", counted)
    assert site.engine.provision(wanted) == {}
    assert difference(wanted, site.engine.enforced()) == []
    assert site.engine.plan(wanted) == ([], {})
    root = site.bed.run("alpha", "sacctmgr", "-nP", "show", "assoc", "account=root", "format=Fairshare,QOS")
    assert set(root.splitlines()) == {"1|normal"}, "the cluster's own root stays as it was"
    assert (len(ran) > 25) == (fails == "sessions")


def test_awards_with_long_names_that_begin_alike_have_limits_of_their_own(site):
    """Slurm's database compares the first 42 characters of a name, and takes the second of two for the first."""
    long = "a" * (40 - len(site.root))
    wanted = [
        site.award(long, accelerator_seconds_limit=600),
        site.award(long, partition="cpu", accelerator_seconds_limit=0, core_seconds_limit=6_000),
        site.award(f"{long}b", accelerator_seconds_limit=1_200),
    ]
    assert site.engine.provision(wanted) == {}
    assert difference(wanted, site.engine.enforced()) == []
    assert site.engine.plan(wanted) == ([], {})
    site.engine.close()
    (site.folder / "agent" / "slurm.sqlite3").unlink()
    found = {(a.account, a.partition): a.accelerator_seconds_limit for a in site.new_engine().enforced()}
    assert found == {(w.account, w.partition): w.accelerator_seconds_limit for w in wanted}
    assert len({qos_name(site.settings, w.account, w.partition)[:42] for w in wanted}) == 3


def test_an_account_whose_name_slurm_would_cut_is_refused(site):
    state = site.award("a" * 40)
    refused = site.engine.provision([state])
    assert "at most 42" in refused[state.account, "gpu"]
    assert site.engine.enforced() == []


def test_only_what_differs_is_changed(site):
    first, second = site.made("one"), site.made("two")
    (step,) = site.engine.plan([first.model_copy(update={"accelerator_seconds_limit": 1_200}), second])[0]
    assert qos_name(site.settings, first.account, "gpu") in " ".join(step.words)
    assert step.keys == {(first.account, "gpu")}


def test_a_job_beyond_the_award_is_refused_by_slurm_itself(site):
    state = site.made("poor", accelerator_seconds_limit=60)
    with pytest.raises(SubmitRefused, match="QOSGrpGRESMinutes"):
        site.engine.submit(site.order(state, directives="--gpus=2 -t 1"))


IN_FORMS = [
    ["--gres=gpu:1"],
    ["--gres=gpu:h100:1"],
    ["--gpus=1"],
    ["--gpus=h100:1"],
    ["--gpus-per-node=1"],
    ["--gpus-per-task=1", "-n", "2"],
    ["--gpus-per-socket=1", "--sockets-per-node=1"],
    ["--ntasks-per-gpu=1", "-n", "2"],
    ["--gpus=1", "--cpus-per-gpu=1"],
    ["-N", "2", "--gres=gpu:1"],
    ["--array=1-2", "--gpus=1"],
    ["--gpus=1", "-n1", ":", "--gpus=1"],
]
WITHOUT = [
    [],
    ["-n", "2"],
    ["--exclusive"],
    ["--gres=gpu:0"],
    ["--gpus=0"],
    ["--array=1-2"],
    ["--gpus=1", ":", "-n1"],
    ["-n1", ":", "--gpus=1"],
]


def test_where_gpu_hours_alone_were_awarded_slurm_takes_every_job_with_a_gpu_and_none_without(site):
    """In whatever words it asks, and of a heterogeneous job for each part."""
    state = site.made("gpus", accelerator_seconds_limit=60_000)
    within = ["-A", state.account, "-p", "gpu", "-t", "1"]

    def sbatch(words):
        # Options of sbatch itself, and of a heterogeneous job those of its parts in the script.
        first, *others = " ".join(words).split(" : ")
        parts = "".join(f"#SBATCH hetjob\n#SBATCH {' '.join(within)} {part}\n" for part in others)
        script = f"#!/bin/sh\n#SBATCH {first}\n{parts}true\n"
        # Held, so that they don't wait for one another.
        return site.engine._commands.run(
            ["sbatch", "--parsable", "--hold", "--chdir=/tmp", "--output=/dev/null", *within],
            user=site.user,
            stdin=script,
        )

    numbers = [sbatch(words).strip() for words in IN_FORMS]
    for words in WITHOUT:
        with pytest.raises(CommandFailed, match="QOSMinGRES"):
            sbatch(words)
    site.bed.run("alpha", "scancel", *numbers)
    with pytest.raises(SubmitRefused, match="QOSMinGRES"):
        site.engine.submit(site.order(state, directives="-n 1 -t 1"))
    cores = state.model_copy(update={"core_seconds_limit": 6_000})
    assert site.engine.provision([cores]) == {}
    assert difference([cores], site.engine.enforced()) == []
    assert site.ended(site.engine.submit(site.order(cores, directives="-n 1 -t 1"))).state == "COMPLETED"


def test_a_job_that_does_not_fit_yet_waits_and_a_top_up_frees_it(site):
    state = site.made("tight", accelerator_seconds_limit=180)
    running = site.engine.submit(site.order(state, "sleep 60", "--gpus=2 -t 1"))
    site.until(running, lambda report: report.state == "RUNNING")
    waiting = site.engine.submit(site.order(state, directives="--gpus=2 -t 1"))
    report = site.until(waiting, lambda report: report.reason == "QOSGrpGRESMinutes")
    assert (report.state, report.queue_position) == ("PENDING", 1)
    site.engine.provision([state.model_copy(update={"accelerator_seconds_limit": 600})])
    assert site.ended(waiting).state == "COMPLETED"
    site.engine.cancel(running)


def test_an_award_that_ended_starts_nothing_and_one_that_goes_on_starts_again(site):
    state = site.made("over", accelerator_seconds_limit=60_000)
    blocker = site.engine.submit(site.order(state, "sleep 1800", "--gpus=4 -N 2 -t 40"))
    site.until(blocker, lambda report: report.state == "RUNNING")
    waiting = site.engine.submit(site.order(state, directives="--gpus=4 -N 2 -t 1"))
    site.engine.provision([state.model_copy(update={"active": False})])
    with pytest.raises(SubmitRefused, match="QOSGrpSubmitJobsLimit"):
        site.engine.submit(site.order(state))
    site.engine.cancel(blocker)
    site.ended(blocker)
    held = site.until(waiting, lambda report: report.reason.startswith("QOSGrp"))
    assert held.state == "PENDING"
    site.engine.provision([state])
    assert site.ended(waiting).state == "COMPLETED"


def test_who_left_the_project_may_not_submit(site):
    state = site.made("left")
    site.engine.provision([state.model_copy(update={"users": []})])
    with pytest.raises(SubmitRefused):
        site.engine.submit(site.order(state))
    assert site.engine.enforced()[0].users == []


def test_what_waits_of_who_left_the_project_starts_when_they_are_back_and_no_sooner(site):
    state = site.made("waits", accelerator_seconds_limit=60_000)
    blocker = site.engine.submit(site.order(state, "sleep 1800", "--gpus=8 -N 2 -t 40"))
    site.until(blocker, lambda report: report.state == "RUNNING")
    waiting = site.engine.submit(site.order(state, directives="--gpus=8 -N 2 -t 1"))
    gone = state.model_copy(update={"users": []})
    assert site.engine.provision([gone]) == {}
    assert site.engine.report(blocker).state == "RUNNING", "what runs goes on"
    site.engine.cancel(blocker)
    site.ended(blocker)
    held = site.until(waiting, lambda report: report.reason.startswith("AssocMaxJobs"))
    assert held.state == "PENDING"
    assert difference([gone], site.engine.enforced()) == []
    assert site.engine.plan([gone]) == ([], {})
    assert site.engine.provision([state]) == {}
    assert site.ended(waiting).state == "COMPLETED"


def test_what_was_changed_by_hand_waits_but_who_left_and_the_end_do_not(site):
    state = site.made("ends")
    name = qos_name(site.settings, state.account, "gpu")
    site.bed.run("alpha", "sacctmgr", "-i", "modify", "qos", name, "set", "GrpTRESMins=gres/gpu=100")
    site.engine.tick()
    assert site.engine.withdraw([state]) == (0, {})
    over = state.model_copy(update={"active": False, "users": [], "accelerator_seconds_limit": 1_200})
    planned, refused = site.engine.plan([], [over])
    assert [step.words[-2:] for step in planned] == [("GrpJobs=0", "GrpSubmitJobs=0"), ("MaxJobs=0", "MaxSubmitJobs=0")]
    assert refused == {}
    assert site.engine.withdraw([over]) == (1, {})
    assert site.engine.plan([], [over]) == ([], {})
    assert [(d.what, d.desired, d.enforced) for d in site.engine.drift()] == [("accelerator-seconds", "600", "6000")]
    (found,) = site.engine.enforced()
    assert (found.active, found.users) == (False, [])
    with pytest.raises(SubmitRefused):
        site.engine.submit(site.order(state))
    assert site.engine.withdraw([over]) == (0, {})


def test_a_script_cant_leave_its_award(site):
    rich, poor = site.made("rich", accelerator_seconds_limit=6_000), site.made("poor", accelerator_seconds_limit=60)
    rich_qos = qos_name(site.settings, rich.account, "gpu")
    with pytest.raises(SubmitRefused, match="QOSGrpGRESMinutes"):
        site.engine.submit(
            site.order(poor, directives=f"--gpus=2 -t 1 --account={rich.account} --qos={rich_qos} --partition=cpu")
        )


# Whose accounts


def test_an_account_that_is_not_the_platforms_is_never_touched(site):
    theirs = site.award("theirs")
    bed = site.bed
    bed.run("alpha", "sacctmgr", "-i", "add", "account", theirs.account, "cluster=alpha", "fairshare=77")
    failed = site.engine.provision([theirs, site.award("ours")])
    assert list(failed) == [(theirs.account, "gpu")]
    assert "isn't touched" in failed[theirs.account, "gpu"]
    shown = bed.run("alpha", "sacctmgr", "-nP", "show", "assoc", f"account={theirs.account}", "format=Fairshare,User")
    assert shown.splitlines() == ["77|"]
    assert [state.account for state in site.engine.enforced()] == [site.award("ours").account]


@pytest.mark.parametrize(
    ("what", "by_hand"),
    [
        ("accelerator-seconds", ("modify", "qos", "{qos}", "set", "GrpTRESMins=gres/gpu=9999")),
        ("accelerator-seconds", ("modify", "qos", "{qos}", "set", "Flags-=NoDecay")),
        ("core-seconds", ("modify", "qos", "{qos}", "set", "MinTRESPerJob=gres/gpu=-1")),
        ("active", ("modify", "qos", "{qos}", "set", "GrpSubmitJobs=0")),
        ("users", ("add", "user", "daemon", "account={account}", "cluster=alpha")),
        ("users", ("add", "user", "daemon", "account={account}", "cluster=alpha", "partition=gpu", "qos=normal")),
        (
            "users",
            ("modify", "user", "where", "name={user}", "account={account}", "set", "qos=normal", "defaultqos=normal"),
        ),
        ("users", ("modify", "account", "{account}", "cluster=alpha", "set", "MaxSubmitJobs=0")),
        ("users", ("modify", "account", "{account}", "cluster=alpha", "set", "MaxJobs=0")),
        ("users", ("modify", "account", "{account}", "cluster=alpha", "set", "GrpSubmitJobs=0")),
        ("users", ("modify", "account", "{account}", "cluster=alpha", "set", "GrpJobs=0", "GrpTRES=cpu=0,node=0")),
        ("users", ("modify", "account", "{root}-science", "cluster=alpha", "set", "GrpTRES=mem=0")),
        ("users", ("modify", "user", "where", "name={user}", "account={account}", "set", "GrpJobs=0")),
        ("fair share", ("modify", "account", "{root}-science", "cluster=alpha", "set", "fairshare=5")),
    ],
)
def test_what_was_changed_by_hand_is_found_and_changed_back(site, what, by_hand):
    state = site.made("drifts")
    names = {
        "qos": qos_name(site.settings, state.account, "gpu"),
        "account": state.account,
        "root": site.root,
        "user": site.user,
    }
    site.bed.run("alpha", "sacctmgr", "-i", *(word.format(**names) for word in by_hand))
    site.engine.tick()
    assert what in {found.what for found in site.engine.drift()}
    assert difference([state], site.engine.enforced())
    assert site.engine.provision([state]) == {}
    assert site.engine.drift() == []
    assert difference([state], site.engine.enforced()) == []


def test_people_and_partitions_are_called_as_the_sites_directory_calls_them(site):
    """One by one and by a file, which tell their names in other ways; and read back as the platform's."""
    people = {"u000001": "J.de.Vries", "u000002": "anna+x@uni.example", "u000003": "123abc"}
    site.settings = site.settings.model_copy(update={"default_user": None, "users": people})
    site.engine = site.new_engine()
    one = site.award("one", partition="gpu.a100", users=list(people))
    many = [site.award(f"many{number}", partition="gpu.a100", users=list(people)) for number in range(20)]
    for wanted in ([one], many):
        assert site.engine.provision(wanted) == {}
        assert site.engine.plan(wanted) == ([], {})
    assert difference([one, *many], site.engine.enforced()) == []
    gone = one.model_copy(update={"users": ["u000002"]})
    assert site.engine.provision([gone]) == {}
    assert difference([gone, *many], site.engine.enforced()) == []
    odd = one.model_copy(update={"users": ["u000002", "o'neill"], "accelerator_seconds_limit": 1_200})
    assert "o'neill" in site.engine.provision([odd])[one.account, "gpu.a100"]
    (found,) = [state for state in site.engine.enforced() if state.account == one.account]
    assert (found.users, found.accelerator_seconds_limit) == (["u000002"], 1_200), "the others have what they should"
    assert site.engine.drift() == [], "and nobody changed anything by hand"
    over = odd.model_copy(update={"active": False})
    assert site.engine.provision([over]) == {}
    assert not next(state for state in site.engine.enforced() if state.account == one.account).active


HOSTILE = ["a b", "a;id", "$(id)", "a|b", "a,b", "a=b", "../x", "-rf", "a\nb", "a'b", 'a"b', "a.b", "a%b", ""]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("field", ["account", "partition", "programme", "users"])
def test_hostile_names_are_refused_and_leave_nothing_behind(site, field, name):
    state = site.award("x").model_copy(update={field: [name] if field == "users" else name})
    if field == "users":
        site.settings = site.settings.model_copy(update={"default_user": None})
        site.engine = site.new_engine()
    if field == "programme" and name in ("", "-rf"):
        pytest.skip("behind the platform's own prefix it is a name like any other")
    if field in ("partition", "users") and name == "a.b":
        pytest.skip("partitions and people may have a dot")
    # An award is made without a person who has no name, and nobody else comes to be in its place.
    what = ("user", "format=user") if field == "users" else ("assoc", "format=account,user")
    shown = ("sacctmgr", "-nP", "show", *what)
    before = site.bed.run("alpha", *shown)
    assert site.engine.provision([state]) != {}
    assert site.bed.run("alpha", *shown) == before


# Jobs


def test_a_job_runs_as_its_user_and_tells_what_it_did(site, job_user):
    state = site.made("runs")
    body = "whoami\npwd\nenv | grep -ci fabriek_\necho oops >&2\nsleep 2\nexit 3"
    number = site.engine.submit(site.order(state, body, name='x"; touch /tmp/hostile; $(id) \n'))
    report = site.ended(number)
    assert (report.state, report.reason, report.engine_job) == ("FAILED", "ended with exit status 3", number)
    assert report.output is not None
    assert report.output.split("\n")[0] == job_user
    assert "/jobs/" in report.output
    assert "oops" in report.output
    assert (report.accelerators, report.cores) == (1, 1)
    assert report.used is not None
    assert report.used.elapsed_seconds >= 2
    assert not Path("/tmp/hostile").exists()


def test_the_agents_own_environment_does_not_reach_the_job(site, monkeypatch):
    monkeypatch.setenv("FABRIEK_TOKEN", "secret-of-the-agent")
    report = site.ended(site.engine.submit(site.order(site.made("clean"), "env")))
    assert report.output
    assert "secret-of-the-agent" not in report.output


@pytest.mark.skipif(not AS_ROOT, reason="as root only: others can't read what isn't theirs anyway")
def test_a_job_cant_make_the_agent_show_what_its_user_may_not_read(site):
    secret = site.folder / "secret"
    secret.write_text("only for root")
    secret.chmod(0o600)
    state = site.made("peeks")
    number = site.engine.submit(site.order(state, f"rm -f out; ln -s {secret} out; sleep 3", "--gpus=1 -t 1 -o out"))
    report = site.ended(number)
    assert report.state == "COMPLETED"
    assert "only for root" not in (report.output or "")


@pytest.mark.skipif(not AS_ROOT, reason="as root only: others have no root to become")
@pytest.mark.parametrize(("user", "why"), [("root", "nobody's job runs as root"), ("nosuchuser", "no user")])
def test_no_job_runs_as_root_or_as_somebody_who_is_not_there(site, user, why):
    state = site.made("who", users=["u000001"])
    site.settings = site.settings.model_copy(update={"users": {"u000001": user}})
    site.engine = site.new_engine()
    with pytest.raises(SubmitRefused, match=why):
        site.engine.submit(site.order(state))


def test_a_submission_whose_answer_was_lost_is_found_and_not_made_again(site, monkeypatch):
    state = site.made("twice")
    order = site.order(state)
    number = site.engine.submit(order)
    with site.engine._store.change() as change:
        change.execute("UPDATE job SET number = NULL WHERE uuid = ?", (order.uuid,))
    assert site.engine.find(order.uuid) == number
    assert site.engine.submit(order) == number
    site.ended(number)
    with site.engine._store.change() as change:
        change.execute("UPDATE job SET number = NULL WHERE uuid = ?", (order.uuid,))
    monkeypatch.setattr(jobs, "SETTLED_AFTER", 0.0)
    assert site.new_engine().find(order.uuid) == number


@pytest.mark.skipif(not AS_ROOT, reason="as root only: all jobs are one user's otherwise")
def test_nobody_passes_another_ones_job_off_as_an_order_s(site):
    state = site.made("forged")
    order = site.order(state, "sleep 60")
    number = site.engine.submit(order)
    victim = site.bed.run("alpha", "sbatch", "--parsable", "--wrap=sleep 60", "-A", "root", "-p", "gpu").strip()
    comment = f"--comment=x\n{victim} {mark_of('other')}"
    words = [
        "sbatch",
        "--parsable",
        comment,
        f"--account={state.account}",
        "--partition=gpu",
        f"--qos={qos_name(site.settings, state.account, 'gpu')}",
        "--gpus=1",
        "-t",
        "1",
    ]
    forged = site.engine._commands.run([*words, "--chdir=/tmp", "--wrap=sleep 60"], user=site.user).strip()
    with site.engine._store.change() as change:
        change.execute("UPDATE job SET number = NULL, uuid = 'other' WHERE uuid = ?", (order.uuid,))
    with pytest.raises(EngineError, match="looked for"):
        site.engine.find("other")
    site.bed.run("alpha", "scancel", number, victim, forged)


def test_while_nobody_knows_whether_it_arrived_it_is_not_submitted_again(site, monkeypatch):
    monkeypatch.setattr(jobs, "SETTLED_AFTER", 3_600.0)
    order = site.order(site.made("unsure"))
    site.engine.submit(order)
    with site.engine._store.change() as change:
        change.execute("UPDATE job SET number = NULL, uuid = 'other' WHERE uuid = ?", (order.uuid,))
    with pytest.raises(EngineError, match="looked for"):
        site.engine.submit(order.model_copy(update={"uuid": "other"}))


def test_another_ones_job_is_not_cancelled(site):
    state = site.made("cancels")
    theirs = site.bed.run("alpha", "sbatch", "--parsable", "--wrap=sleep 30", "-A", "root", "-p", "gpu", check=False)
    with pytest.raises(EngineError, match="no job that was submitted"):
        site.engine.cancel(theirs.strip() or "1")
    own = site.engine.submit(site.order(state, "sleep 60"))
    site.engine.cancel(own)
    assert site.ended(own).state == "CANCELLED"


def test_an_array_is_followed_as_one_job(site):
    state = site.made("array", accelerator_seconds_limit=6_000)
    number = site.engine.submit(site.order(state, "echo task $SLURM_ARRAY_TASK_ID", "--gpus=1 -t 1 --array=1-3"))
    report = site.ended(number)
    assert (report.state, report.tasks) == ("COMPLETED", {"COMPLETED": 3})
    assert report.output
    assert all(f"task {task}" in report.output for task in (1, 2, 3))


def test_the_tasks_of_an_array_that_went_wrong_are_told_while_it_runs_and_when_it_is_over(site):
    state = site.made("wrong", accelerator_seconds_limit=6_000)
    body = (
        'case $SLURM_ARRAY_TASK_ID in 2|5) exit 3;; 7) until [ -e "$SLURM_SUBMIT_DIR/go" ]; do sleep 0.2; done;; esac'
    )
    number = site.engine.submit(site.order(state, body, "--gpus=1 -t 2 --array=2-7"))
    report = site.until(number, lambda report: report.tasks == {"COMPLETED": 3, "FAILED": 2, "RUNNING": 1})
    assert (report.state, report.failed_tasks) == ("RUNNING", [2, 5])
    site.bed.run("alpha", "touch", f"{site.engine._store.job(number=number)['folder']}/go")
    report = site.ended(number)
    assert (report.state, report.tasks, report.failed_tasks) == ("FAILED", {"COMPLETED": 4, "FAILED": 2}, [2, 5])


@pytest.mark.parametrize(
    ("directives", "output", "error"),
    [("", "task 2\noops\n", None), ("-o %x/of-%A-%3a.txt -e %j.err", "task 2\n", "oops\n")],
)
def test_a_single_task_of_an_array_is_told_by_itself(site, directives, output, error):
    state = site.made("alone", accelerator_seconds_limit=6_000)
    body = "echo task $SLURM_ARRAY_TASK_ID; echo oops >&2"
    order = site.order(state, body, f"--gpus=1 -t 1 --array=1-3 {directives}", name="sweep")
    (site.folder / "jobs" / order.uuid / "sweep").mkdir(parents=True)
    for folder in (site.folder / "jobs" / order.uuid, site.folder / "jobs" / order.uuid / "sweep"):
        folder.chmod(0o777)
    number = site.engine.submit(order)
    site.ended(number)
    said = {"uuid": order.uuid, "engine_job": number, "name": order.name, "script": order.script}
    report = site.engine.report_task(TaskOrder(**said, task=2))
    assert (report.state, report.output, report.error_output) == ("COMPLETED", output, error)
    rest = site.engine.report_task(TaskOrder(**said, task=2, output_from=5))
    assert (rest.output, rest.output_from) == (output[5:], 5)
    only_there = "#!/bin/bash\n#SBATCH --array=1-3 -o %N.txt\ntrue\n"
    assert site.engine.report_task(TaskOrder(**{**said, "script": only_there}, task=2)).problem == "unknown-file"
    assert site.engine.report_task(TaskOrder(**{**said, "engine_job": "99999"}, task=2)).problem == "unknown-task"


def test_output_that_grows_by_much_comes_whole_and_once(site):
    state = site.made("writes", accelerator_seconds_limit=6_000)
    number = site.engine.submit(site.order(state, "echo first; until [ -e go ]; do sleep 0.1; done; seq 30000"))
    first = site.until(number, lambda report: report.output == "first\n")
    job = site.engine._store.job(number=number)
    site.bed.run("alpha", "touch", f"{job['folder']}/go")
    whole = "".join(f"{line}\n" for line in range(1, 30_001))
    site.ended(number)
    report = site.engine.report(number, {"output": 6})
    assert (first.output_from, report.output_from, report.output) == (0, 6, whole)
    nothing = site.engine.report(number, {"output": 6 + len(whole)})
    assert (nothing.output, nothing.output_from) == ("", 6 + len(whole))
