"""A board member tries a policy: sliders and numbers go together, with and without scripts, and a simulated study is
read on a desk's and on a phone's screen without anything in the way."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from tests.browser.test_accessibility import SCREENS, faults_at, look
from tests.factories.traces import SWF

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SIMULATING = 900_000
"""Milliseconds that the demonstration's study may take on a busy machine, with compiling."""


@pytest.mark.parametrize(("width", "language"), SCREENS)
def test_the_study_of_the_demonstration_is_simulated_and_nothing_is_in_the_way(
    enter: Any, portal: str, width: int, language: str
) -> None:
    page = enter("board", width)
    page.goto("/foresee/")
    page.locator("main tbody a").first.click()
    # The page asks by itself how far it is, and loads anew once it is over.
    page.locator("#verdicts").wait_for(timeout=SIMULATING)
    page.context.add_cookies([{"name": "django_language", "value": language, "url": portal}])
    faults, read = look(page, page.url, width, language)
    assert faults == []
    assert page.locator("figure.drawing").count() == 9
    assert page.locator("figure.drawing svg path").count() > 100
    # Tables that are folded up are looked at too.
    for summary in page.locator("figure.drawing summary").all():
        summary.click()
    assert look(page, "", width, language)[0] == []
    assert read["wide"] <= width


def test_a_slider_and_its_number_go_together_and_the_sum_follows(enter: Any) -> None:
    page = enter("board")
    page.goto("/foresee/new/")
    number = page.locator("#id_after-floor-startup")
    slider = page.locator(".slider:has(#id_after-floor-startup) input[type=range]")
    number.fill("20")
    assert slider.input_value() == "20"
    page.get_by_text("20 % is kept free for classes; 80 % serves everybody.").first.wait_for()
    slider.focus()
    slider.press("ArrowRight")
    assert number.input_value() == "21"
    page.get_by_text("21 % is kept free").first.wait_for()
    assert slider.get_attribute("aria-label") == "Start-up"


def test_without_scripts_the_numbers_are_enough(enter: Any, portal: str, chromium: Any) -> None:
    page = enter("board")
    state = page.context.storage_state()
    context = chromium.new_context(base_url=portal, storage_state=state, java_script_enabled=False)
    try:
        plain = context.new_page()
        plain.goto("/foresee/new/")
        assert plain.locator("input[type=range]").count() == 0
        plain.locator("#id_name").fill("Without scripts?")
        plain.locator("#id_after-floor-startup").fill("10")
        plain.get_by_role("button", name="Simulate").click()
        plain.get_by_role("heading", name="Without scripts?").wait_for()
        plain.get_by_text("10 % is kept free for Start-up").wait_for()
        plain.get_by_role("button", name="Cancel").click()
        plain.get_by_text("Somebody cancelled it").wait_for()
        plain.get_by_role("button", name="Delete…").click()
        plain.get_by_role("button", name="Delete it").click()
        plain.get_by_role("button", name="Take it back").click()
        plain.get_by_text("The study is back.").wait_for()
    finally:
        context.close()


@pytest.mark.parametrize("width", [width for width, _language in SCREENS])
def test_a_workload_is_sent_and_deleted(enter: Any, tmp_path: Path, width: int) -> None:
    file = tmp_path / "cluster.swf.gz"
    file.write_bytes(gzip.compress(SWF.encode()))
    page = enter("operator", width)
    page.goto("/foresee/workloads/new/")
    page.get_by_role("button", name="Take it in").click()
    page.locator(".error-summary").wait_for()
    assert look(page, "", width)[0] == []
    page.locator("#id_name").fill(f"Cluster {width}")
    page.locator("#id_file").set_input_files(file)
    page.get_by_label("Classes are told of").select_option("group")
    page.get_by_label("Who is of which class").fill("g1,startup")
    page.get_by_role("button", name="Take it in").click()
    page.get_by_text(f"Cluster {width} is taken in, with 300 jobs.").wait_for()
    assert faults_at(page, f"/foresee/workloads/cluster-{width}/delete/", width) == []
    page.get_by_role("button", name="Delete it").click()
    page.get_by_text(f"Cluster {width} is deleted.").wait_for()
