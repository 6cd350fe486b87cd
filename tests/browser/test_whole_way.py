"""In a real browser: a founder applies, reviewers score, an officer proposes, others sign, the founder runs a job."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.browser.axe import checked

pytestmark = pytest.mark.browser
REVIEWERS = ("reviewer", "sigrid", "marco", "elena", "jonas", "claire")
TITLE = "A small language model for windmills"


def test_the_whole_way(enter: Any) -> None:
    founder = enter("founder")
    apply(founder)
    officer = enter("officer")
    officer.goto("/decisions/")
    officer.get_by_role("link", name=re.compile("Playground")).last.click()
    officer.get_by_role("button", name="Check all").click()
    officer.get_by_role("button", name="Assign reviewers").click()
    assert any(review(enter(who)) for who in REVIEWERS)
    officer.reload()
    officer.get_by_role("button", name="Settle by the mean").click()
    officer.goto("/decisions/")
    officer.get_by_role("button", name="Ask the optimiser").click()
    officer.wait_for_url(re.compile(r"/scenarios/scenario-"))
    # The page follows the solver by itself.
    officer.get_by_role("button", name="Choose this plan…").click(timeout=60_000)
    officer.get_by_role("button", name="Propose it").click()
    officer.wait_for_url(re.compile(r"/decisions/decision-"))
    assert officer.get_by_text(TITLE).count()
    for who in ("second-officer", "board"):
        assert not officer.get_by_role("button", name="Publish…").count()
        sign_off(enter(who))
        officer.reload()
    officer.get_by_role("button", name="Publish…").click()
    officer.get_by_role("button", name="Publish now").click()
    officer.get_by_text("Published").first.wait_for()
    run_a_job(founder)


def apply(page: Any, title: str = TITLE) -> None:
    page.goto("/calls/")
    page.get_by_role("link", name=re.compile("^Playground")).click()
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("button", name="Save and continue").click()
    page.get_by_label("GPU-hours").first.fill("50")
    # At a month's end the next one is proposed, and the job below runs now.
    page.get_by_label("From").first.select_option(index=0)
    page.get_by_role("button", name="Save and continue").click()
    page.get_by_label("Title").fill(title)
    page.get_by_text("Saved", exact=True).wait_for()
    page.get_by_label("What will you do").fill("We train a small model on the sound of windmills.")
    page.get_by_label("How: software").fill("PyTorch on one GPU.")
    page.get_by_role("button", name="Save and continue").click()
    page.get_by_label("Which data").fill("Our own recordings.")
    page.get_by_role("button", name="Save and continue").click()
    # No answer is not a no: the questions of ethics are asked before it can be submitted.
    page.get_by_text("Not complete yet").wait_for()
    assert not page.get_by_role("button", name="Submit the application").count()
    page.get_by_role("link", name="Data and ethics").first.click()
    for question in ("personal data", "high risk", "military ends", "protected by copyright"):
        page.get_by_role("group", name=question).get_by_label("No", exact=True).check()
    page.get_by_role("button", name="Save and continue").click()
    page.get_by_role("button", name="Submit the application").click()
    page.get_by_text("Submitted").first.wait_for()


def review(page: Any) -> bool:
    """Do the review of this application, if it was given to this reviewer."""
    page.goto("/reviews/")
    link = page.get_by_role("link", name=TITLE)
    if not link.count():
        return False
    link.click()
    for group in page.locator("form fieldset").all():
        group.get_by_label("5", exact=True).check()
    page.get_by_label("To the applicant").fill("Sound and modest.")
    # It is kept while it is written: a window that is closed too early loses nothing.
    page.get_by_text("Saved", exact=True).wait_for()
    page.reload()
    page.get_by_text("Not handed in yet").wait_for()
    assert page.get_by_label("To the applicant").input_value() == "Sound and modest."
    assert page.get_by_label("5", exact=True).first.is_checked()
    page.get_by_role("button", name="Hand in").click()
    page.get_by_text("Your review was handed in").wait_for()
    return True


def sign_off(page: Any) -> None:
    """What waits for this person's initials is found, looked at, and signed."""
    page.goto("/decisions/")
    page.get_by_role("link", name=re.compile("^Give your initials")).click()
    page.get_by_role("link", name="Give your initials").click()
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        page.reload()
        checked(page, width)
    page.get_by_label("Remark").fill("The floors hold.")
    page.get_by_role("button", name="Give initials").click()
    page.get_by_text("Your initials are given.").wait_for()
    checked(page, 1440)


def run_a_job(page: Any) -> None:
    page.goto("/projects/")
    page.get_by_role("link", name=TITLE).click()
    project = page.url
    page.get_by_role("link", name="Submit a job").click()
    page.get_by_label("Batch script").fill(
        "#!/bin/bash\n#SBATCH --gpus=8\n#SBATCH --time=00:02:00\necho hello from $SLURM_JOB_ACCOUNT\nsleep 2\n"
    )
    page.get_by_role("button", name="Submit").click()
    page.locator("#job [role=status]").first.get_by_text("Completed").wait_for(timeout=40_000)
    page.get_by_text("hello from demo-playground").wait_for()
    page.goto(project)
    page.get_by_role("heading", name="Usage records").wait_for()
    for _attempt in range(20):
        if page.get_by_role("cell", name=re.compile(r"^(16|24|32)$")).count():
            break
        page.wait_for_timeout(500)
        page.reload()
    assert page.get_by_role("cell", name=re.compile(r"^(16|24|32)$")).count(), "the budget has to fall by what ran"


def test_a_job_beyond_the_budget_is_refused_with_numbers(enter: Any) -> None:
    page = enter("founder")
    page.goto("/projects/")
    page.locator("tbody a").last.click()
    page.get_by_role("link", name="Submit a job").click()
    page.get_by_label("Batch script").fill("#!/bin/bash\n#SBATCH --gpus=1024\n#SBATCH --time=9-00:00:00\ntrue\n")
    page.get_by_role("button", name="Submit").click()
    page.get_by_text("are left").first.wait_for()
    page.get_by_label("Batch script").fill("#!/bin/bash\n#SBATCH --warp=9\ntrue\n")
    page.get_by_role("button", name="Submit").click()
    page.get_by_text("Line 2").first.wait_for()


def test_the_front_door_answers_without_a_reload(enter: Any) -> None:
    page = enter()
    page.goto("/what-can-i-get/")
    page.get_by_label("Parameters of your model").fill("7")
    page.get_by_label("Tokens of your data").fill("20")
    page.get_by_role("button", name="Show what fits").click()
    page.get_by_text("You need about").wait_for()
    page.get_by_role("link", name="See the call and apply").first.click()
    assert "/calls/" in page.url


def test_a_request_over_the_limit_is_told_before_submitting(enter: Any) -> None:
    page = enter("founder")
    page.goto("/calls/")
    page.get_by_role("link", name=re.compile("^Playground")).click()
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("button", name="Save and continue").click()
    page.get_by_label("GPU-hours").first.fill("9000")
    page.get_by_role("button", name="Save and continue").click()
    page.get_by_text("more than this call's 5,000").first.wait_for()
    assert page.get_by_label("GPU-hours").first.input_value() == "9000", "what was written stays"
    page.goto(page.url.replace("/request/", "/check/"))
    page.get_by_text("more than this call's 5,000").first.wait_for()
    assert not page.get_by_role("button", name="Submit the application").count()
