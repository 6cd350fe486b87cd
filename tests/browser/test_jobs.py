"""Jobs as one watches them: what changes comes by itself, and what one reads, ticked or has under one's hands stays."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser.test_accessibility import SCREENS, faults_at

pytestmark = pytest.mark.browser
# Writes a line at a time, and ends once it is told to by being stopped or after some hundred lines.
TALKS = """#!/bin/bash
#SBATCH --gpus=1 --time=00:05:00
for i in $(seq 1 400); do echo "line $i <b>"; sleep 0.1; done
"""


def submitted(page: Any, name: str, script: str) -> str:
    """Submit a job in the first project of the list, and its page's address."""
    page.goto("/projects/")
    page.goto(page.locator("table a[href^='/projects/']").first.get_attribute("href") + "jobs/new/")
    page.fill("#id_name", name)
    page.fill("#id_script", script)
    page.click("#job-form button[type=submit]")
    page.wait_for_url("**/jobs/*-*/")
    return str(page.url)


def test_output_comes_as_it_is_written_and_a_reader_who_scrolls_up_is_left_there(enter: Any) -> None:
    page = enter("founder")
    submitted(page, "talks", TALKS)
    output = page.locator("#output")
    output.get_by_text("line 60 <b>").wait_for()
    text = output.inner_text()
    lines = [line for line in text.splitlines() if line]
    assert lines == [f"line {n} <b>" for n in range(1, len(lines) + 1)], "each once, in order, nothing between"
    at_end = "element => element.scrollHeight - element.scrollTop - element.clientHeight < 30"
    assert output.evaluate(at_end), "the last line is in sight"
    output.evaluate("element => (element.scrollTop = 0)")
    page.wait_for_function("() => !document.getElementById('follow-output').checked")
    grown = "length => document.getElementById('output').textContent.length > length"
    page.wait_for_function(grown, arg=len(text) + 100)
    assert output.evaluate("element => element.scrollTop") == 0
    page.get_by_role("checkbox", name="Follow").first.check()
    assert output.evaluate(at_end)


def test_a_running_job_is_stopped_and_its_page_tells_its_end_by_itself(enter: Any) -> None:
    page = enter("founder", 390)
    submitted(page, "stopped", TALKS)
    page.locator("#output").get_by_text("line 5 <b>").wait_for()
    page.get_by_role("button", name="Stop this job…").click()
    # The dialog stays open while the page beneath it changes.
    page.wait_for_timeout(2_500)
    assert page.locator("dialog[open]").count() == 1
    page.get_by_role("button", name="Stop it").click()
    page.get_by_text("It is being stopped").first.wait_for()
    page.locator(".state", has_text="Cancelled").first.wait_for()
    page.get_by_text("What it used of what it asked").wait_for()
    assert page.locator("#job[hx-trigger]").count() == 0, "what has ended is not asked for again"


def test_the_list_changes_under_ones_hands_and_what_is_ticked_stays(enter: Any) -> None:
    page = enter("founder")
    submitted(page, "kept", TALKS)
    submitted(page, "other", TALKS)
    page.get_by_role("link", name="Jobs", exact=True).click()
    rows = page.locator("tbody tr")
    box = page.get_by_role("checkbox", name="Choose kept")
    box.check()
    box.focus()
    first = rows.first.element_handle()
    page.locator("tr", has_text="kept").get_by_text("seconds").wait_for()
    told = page.locator("tr", has_text="kept").inner_text()
    page.wait_for_function(
        "told => ![...document.querySelectorAll('tr')].some(row => row.innerText === told)", arg=told
    )
    assert box.is_checked()
    assert page.evaluate("document.activeElement.id").startswith("choose-")
    assert first.evaluate("row => row.isConnected"), "the same rows, not new ones"
    page.get_by_role("button", name="Stop the chosen jobs…").click()
    page.get_by_role("button", name="Stop them").click()
    page.get_by_text("1 job is being stopped.").wait_for()
    page.locator("tr", has_text="kept").get_by_text("Cancelled").wait_for()
    assert page.locator("tr", has_text="other").get_by_text("Running").count() == 1


def test_what_a_script_comes_to_is_told_while_one_writes(enter: Any, tmp_path: Any) -> None:
    page = enter("founder")
    page.goto("/projects/")
    page.goto(page.locator("table a[href^='/projects/']").first.get_attribute("href") + "jobs/new/")
    page.fill("#id_script", "#!/bin/bash\n#SBATCH --gpus=4 --time=03:00:00\n")
    page.locator("#estimate").get_by_text("4 GPUs, 1 core, 3 hours").wait_for()
    assert page.locator("#estimate strong").inner_text() == "12"
    page.fill("#id_script", "#!/bin/bash\n#SBATCH --gpus=4 --time=soon\n")
    page.locator("#script-fault").get_by_text("Line 2").wait_for()
    file = tmp_path / "train.sh"
    file.write_text("#!/bin/bash\n#SBATCH --gpus=2 --time=01:00:00\necho from the file\n")
    page.set_input_files("#id_file", str(file))
    page.locator("#estimate").get_by_text("2 GPUs, 1 core, 1 hour").wait_for()
    assert "from the file" in page.input_value("#id_script")
    assert page.locator("#script-fault").is_hidden()


TASKS = """#!/bin/bash
#SBATCH --gpus=1 --time=00:05:00 --array=3-5
for i in 1 2 3; do echo "task $SLURM_ARRAY_TASK_ID line $i"; sleep 0.2; done
"""


def test_a_task_of_an_array_is_chosen_and_its_output_comes_by_itself(enter: Any) -> None:
    page = enter("founder")
    address = submitted(page, "array", TASKS)
    page.get_by_label("Output of task").fill("4")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/task/?task=4")
    page.locator("#output").get_by_text("task 4 line 3").wait_for()
    page.locator(".state", has_text="Completed").first.wait_for()
    assert "task 3" not in page.locator("#output").inner_text()
    assert page.locator("#task-now[hx-trigger]").count() == 0, "what has ended is not asked for again"
    for width, language in SCREENS:
        narrow = enter("founder", width)
        narrow.context.add_cookies([{"name": "django_language", "value": language, "url": address}])
        assert faults_at(narrow, page.url, width) == []
