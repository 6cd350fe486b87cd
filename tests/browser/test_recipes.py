"""A recipe from the form to the result, in the browser; and the pages of results are in nobody's way."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.browser.axe import violations

from fabriek.compute.environment import torch_python

pytestmark = pytest.mark.browser
RESULT = {
    "format": "fabriek/result/1", "kind": "model", "name": "By hand", "summary": "Made without a recipe.",
    "datasets": [{"name": "letters", "version": "1", "bytes": 1000, "sha256": "c" * 64}],
    "outputs": [{"path": "/data/by-hand/checkpoint.pt", "kind": "checkpoint", "bytes": 5, "sha256": "a" * 64}],
    "metrics": {"validation_loss": 1.25},
    "series": [{"name": "training loss", "points": [[n, 5 / (n + 1)] for n in range(20)]},
               {"name": "validation loss", "points": [[n, 5.5 / (n + 1)] for n in range(0, 20, 5)]}],
}  # fmt: skip


def project_of(page: Any) -> str:
    page.goto("/projects/")
    return str(page.locator("main tbody a[href^='/projects/']").first.get_attribute("href"))


def until(page: Any, what: str, patience: int = 180) -> None:
    """The job's page loads itself again; what is waited for comes with it."""
    page.locator("#job [role=status]").first.get_by_text(what).wait_for(timeout=patience * 1_000)


def faults(page: Any) -> list[str]:
    return [f"{page.url}: {violation}" for violation in violations(page)]


def test_what_it_will_take_follows_the_answers_and_questions_come_and_go(enter: Any) -> None:
    page = enter("founder")
    page.goto(project_of(page) + "recipes/train-small-lm/")
    told = page.locator("#estimate")
    assert "GPU-hours" in told.inner_text()
    where = page.locator("[name=path]")
    assert not where.is_visible()
    page.get_by_text("Your own text at the site").click()
    where.wait_for(state="visible")
    told.get_by_text("Look at: Where your text lies.").wait_for()
    page.get_by_text("Made stories in Dutch").click()
    where.wait_for(state="hidden")
    page.fill("[name=steps]", "1000000")
    page.locator("[name=seed]").click()
    told.get_by_text("be finished within its time limit").wait_for()
    assert "be finished" in page.locator("#estimate-heard").inner_text(), "who doesn't see it hears it"
    page.fill("[name=accelerators]", "0")
    page.locator("[name=seed]").click()
    told.get_by_text("core-hours").first.wait_for()


def test_a_job_s_own_result_is_drawn_and_in_nobody_s_way(enter: Any) -> None:
    page = enter("founder")
    project = project_of(page)
    page.goto(project + "jobs/new/")
    text = json.dumps(RESULT)
    script = f"#!/bin/bash\n#SBATCH --gpus=1 --time=1\ncat > \"$FABRIEK_RESULT_FILE\" <<'END'\n{text}\nEND\n"
    page.fill("[name=script]", script)
    page.get_by_role("button", name="Submit", exact=True).click()
    until(page, "Completed")
    job = page.url
    page.get_by_role("link", name="See what it made").click()
    page.get_by_role("heading", name="By hand").wait_for()
    page.locator("fabriek-plot svg[role=img]").first.wait_for()
    assert page.locator("fabriek-plot svg[role=img]").count() == 1, "both losses in one drawing"
    result = page.url
    found = []
    shelf = [result, job, project, project + "results/", project + "recipes/", "/recipes/"]
    shelf += [project + f"recipes/{code}/" for code in ("train-distributed", "fine-tune-lm")]
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for address in shelf:
            page.goto(address)
            found += faults(page)
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                found.append(f"{address}: scrolls sideways, {wide} of {width}")
    assert found == []


def test_a_model_is_trained_from_the_form_and_the_loss_is_drawn(enter: Any) -> None:
    if not torch_python():
        pytest.skip("no PyTorch: make torch")
    page = enter("founder")
    page.goto(project_of(page) + "recipes/train-small-lm/")
    for name, value in (("steps", "30"), ("stories", "200"), ("accelerators", "0"), ("minutes", "5")):
        page.fill(f"[name={name}]", value)
    page.get_by_role("button", name="Run it").click()
    until(page, "Completed")
    page.get_by_role("link", name="See what it made").click()
    page.locator("fabriek-plot svg[role=img]").wait_for()
    losses = re.findall(r"validation loss (\d\.\d+) to (\d\.\d+)", page.locator("main").inner_text())
    assert float(losses[0][1]) < float(losses[0][0]) - 1
    page.get_by_role("link", name="Evaluate a language model").click()
    assert page.locator("[name=checkpoint] option:checked").get_attribute("value") in page.url
