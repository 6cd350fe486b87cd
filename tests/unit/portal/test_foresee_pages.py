"""Foresee: a policy is tried on a workload with sliders, followed, read, copied, deleted and taken back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from tests.factories.traces import UNITS, kept_workload, simulated_figures, swf_file
from tests.factories.world import make_person, make_world
from tests.unit.portal.test_decide import rows_of, signed_in, text_of

from fabriek.conf.apart import Fault
from fabriek.foresight import actions, working
from fabriek.foresight.asking import Asked
from fabriek.foresight.computing import Answer
from fabriek.foresight.models import Study, Workload
from fabriek.foresight.policies import ClassRules, StudyPolicy
from fabriek.people.models import Person

pytestmark = pytest.mark.django_db
FLOOR = StudyPolicy(classes={"startup": ClassRules(floor=25)})


@pytest.fixture
def board(settings: Any, tmp_path: Path) -> Person:
    settings.FABRIEK_FOLDER = tmp_path
    return make_person("board")


def page(client: Client, name: str, *args: Any, query: str = "") -> Any:
    return client.get(reverse(f"portal:{name}", args=args) + query)


def ask(board: Person, **changes: Any) -> Study:
    workload = Workload.objects.first() or kept_workload(board)
    return actions.ask_study(
        board, workload, Asked("A quarter?", StudyPolicy(), FLOOR, units=UNITS, count=3, **changes)
    )


def answered(board: Person, said: Answer | Fault | None = None) -> Study:
    study = ask(board)
    holder = "here"
    assert working.LINE.claim(holder) == study.pk
    assert working.keep(study, holder, said or Answer(json.dumps(simulated_figures()), 1.0))
    return study


def filled(client: Client, query: str = "", **answers: Any) -> Any:
    """The form as it stands, with some answers changed, sent."""
    shown = page(client, "ask_study", query=query)
    form, sent = (
        shown.context["form"],
        {"name": "A quarter?", "units": UNITS, "workload": shown.context["workload"].code},
    )
    for one in (form, form.before, form.after):
        for field in one:
            if field.value() not in (None, False):
                sent.setdefault(field.html_name, field.value())
    if shown.context["start"]:
        sent["from"] = shown.context["start"].code
    return client.post(reverse("portal:ask_study"), {**sent, **answers})


# Asking


def test_without_a_workload_the_page_says_where_one_comes_from(board: Person) -> None:
    client = signed_in(board)
    assert "Nothing has been tried yet" in text_of(page(client, "studies"))
    assert "There is no workload yet" in text_of(page(client, "ask_study"))


def test_a_policy_is_tried_with_sliders(board: Person) -> None:
    kept_workload(board)
    client = signed_in(board)
    shown = page(client, "ask_study").content.decode()
    assert 'name="after-floor-startup"' in shown
    assert shown.count("data-slider") == 10, "floors and shares of two classes, in two policies, and their demand"
    assert filled(client).status_code == 422, "both policies are the same"
    response = filled(client, **{"after-floor-startup": "25", "after-order": "shares", "after-share-academia": "70"})
    assert response.status_code == 303, text_of(response)
    study = Study.objects.get()
    assert response["Location"] == reverse("portal:study", args=[study.code])
    after = StudyPolicy.model_validate(study.after)
    assert after == StudyPolicy(
        by_shares=True, classes={"startup": ClassRules(floor=25), "academia": ClassRules(share=70)}
    )
    assert StudyPolicy.model_validate(study.before) == StudyPolicy()


def test_what_is_wrong_is_told_and_what_was_said_stays(board: Person) -> None:
    kept_workload(board)
    response = filled(signed_in(board), **{"after-floor-startup": "60", "after-floor-academia": "60"})
    assert response.status_code == 422
    assert "The floors come to 120 % of the machine" in text_of(response)
    assert 'value="60"' in response.content.decode()
    assert "more than there is" in text_of(response)
    assert not Study.objects.exists()
    response = filled(signed_in(board), **{"after-floor-startup": "130"})
    assert response.status_code == 422


def test_the_sum_follows_the_sliders(board: Person) -> None:
    workload = kept_workload(board)
    query = f"?workload={workload.code}&after-floor-startup=20&after-floor-academia=15&after-backfill=easy"
    shown = page(signed_in(board), "weigh_floors", query=query)
    assert "35 % is kept free for classes; 65 % serves everybody." in text_of(shown)
    assert page(signed_in(board), "weigh_floors", query="?after-floor-startup=x").status_code == 200


def test_a_study_is_copied_to_change_it(board: Person) -> None:
    first = ask(board)
    client = signed_in(board)
    response = filled(client, f"?from={first.code}", **{"after-floor-startup": "40"})
    assert response.status_code == 303, text_of(response)
    second = Study.objects.exclude(pk=first.pk).get()
    assert second.copied_from == first
    assert second.after["classes"]["startup"]["floor"] == 40
    assert first.code in text_of(page(client, "study", second.code))


def test_demand_changes_on_workloads_that_are_drawn(board: Person) -> None:
    kept_workload(board)
    client = signed_in(board)
    assert filled(client, **{"demand-startup": "2"}).status_code == 422
    answers = {"demand-startup": "2", "way": "seeds", "demand_before": "no"}
    assert filled(client, **answers).status_code == 303
    study = Study.objects.get()
    assert (study.demand, study.demand_before) == ({"startup": 2.0}, False)
    assert "Start-up submit 2 times as much" in text_of(page(client, "study", study.code))


# Following


def test_how_far_it_is_is_told_until_it_is_over(board: Person) -> None:
    study, client = ask(board), signed_in(board)
    assert "Waits for the worker" in text_of(page(client, "study", study.code))
    working.LINE.claim("worker")
    working.LINE.renew(study.pk, "worker", "3/8")
    now = page(client, "study_now", study.code)
    assert "3 of 8 simulations" in text_of(now)
    assert "HX-Refresh" not in now
    client.post(reverse("portal:cancel_study", args=[study.code]))
    assert page(client, "study_now", study.code)["HX-Refresh"] == "true"
    assert "Somebody cancelled it" in text_of(page(client, "study", study.code))
    client.post(reverse("portal:ask_study_again", args=[study.code]))
    assert "Waits for the worker" in text_of(page(client, "study", study.code))


def test_why_it_failed_is_told(board: Person) -> None:
    study = answered(board, Fault("There was not enough memory."))
    assert "There was not enough memory." in text_of(page(signed_in(board), "study", study.code))


# Reading


def test_a_board_member_reads_a_verdict_for_each_class_with_plots_and_their_tables(board: Person) -> None:
    study, client = answered(board), signed_in(board)
    shown = page(client, "study", study.code)
    told, html = text_of(shown), shown.content.decode()
    for row in simulated_figures()["classes"]:
        assert {"academia": "Academia: ", "startup": "Start-up: "}[row["name"]] in told
    assert "half of the jobs start within" in told
    # Two curves, two plots of use, two of the machine, one of changes: each with words for who doesn't see it.
    assert html.count('class="drawing__whole" role="img" aria-label=') == 7
    assert html.count("Show as a table") == 7
    assert "style=" not in html, "a strict policy refuses it"
    floor = simulated_figures()["floors"][0]
    assert f"kept in {floor['after']['kept']} of 3" in told


def test_in_dutch_it_is_all_dutch_and_the_plots_stay_plots(board: Person) -> None:
    study, client = answered(board), signed_in(board)
    english = page(client, "study", study.code).content.decode()
    client.cookies["django_language"] = "nl"
    dutch = page(client, "study", study.code)
    assert "de helft van de jobs begint binnen" in text_of(dutch)

    def paths(html: str) -> list[str]:
        return [part.split('"')[0] for part in html.split(' d="')[1:]]

    assert paths(dutch.content.decode()) == paths(english), "no decimal comma in a path"


@pytest.mark.parametrize("of", ["classes", "programmes", "waits", "use", "machine", "floors"])
def test_every_figure_is_there_as_csv(board: Person, of: str) -> None:
    study = answered(board)
    rows = rows_of(page(signed_in(board), "study", study.code, query=f"?format=csv&of={of}"))
    assert rows
    assert page(signed_in(board), "study", study.code, query="?format=csv&of=nothing").status_code == 404


def test_the_table_of_one_plot_is_its_own(board: Person) -> None:
    study = answered(board)
    rows = rows_of(page(signed_in(board), "study", study.code, query="?format=csv&of=waits&class=startup"))
    assert {row["class"] for row in rows} == {"startup"}


def test_the_policy_is_given_as_settings_of_slurm(board: Person) -> None:
    study = ask(board)
    said = page(signed_in(board), "study_slurm", study.code)
    text = said.content.decode()
    assert text.startswith(f"# {study.code}: A quarter?")
    assert "scontrol create reservation" in text
    assert "startup" in text


# Lists, deleting


def test_the_list_is_sorted_and_a_deleted_study_comes_back(board: Person) -> None:
    study, client = answered(board), signed_in(board)
    for sort in ("name", "-state", "workload", "units", "-asked_at"):
        assert study.name in text_of(page(client, "studies", query=f"?sort={sort}"))
    assert "Delete this study?" in text_of(page(client, "delete_study", study.code))
    response = client.post(reverse("portal:delete_study", args=[study.code]))
    after = client.get(response["Location"])
    assert "is deleted" in text_of(after)
    assert page(client, "study", study.code).status_code == 404
    client.post(reverse("portal:restore_study", args=[study.code]))
    assert page(client, "study", study.code).status_code == 200


def test_who_only_reads_is_offered_nothing_to_change(board: Person) -> None:
    study, administrator = answered(board), signed_in(make_person("administrator"))
    html = page(administrator, "study", study.code).content.decode()
    assert "Change it, and ask again" not in html
    assert page(administrator, "ask_study").status_code == 403


# Workloads


def test_a_file_is_sent_with_classes_and_leads_to_the_form(board: Person) -> None:
    client = signed_in(board)

    def send(**answers: Any) -> Any:
        file = SimpleUploadedFile("t.swf.gz", swf_file())
        return client.post(reverse("portal:send_workload"), {"name": "March", "by": "group", "file": file, **answers})

    refused = send(classes="g1;startup")
    assert refused.status_code == 422
    assert "Line 1 isn't a name and its class" in text_of(refused)
    assert send(classes="g1,startup").status_code == 303
    assert Workload.objects.get().classes_are == "told"
    assert send(**{"part-startup": "20", "part-academia": "80"})["Location"].endswith("?workload=march-2")
    told = text_of(page(client, "workloads", query="?sort=-jobs"))
    assert "Made up" in told


def test_what_ran_here_is_asked_by_partition_and_day(settings: Any, tmp_path: Path) -> None:
    settings.FABRIEK_FOLDER = tmp_path
    world = make_world()
    client = signed_in(world.operator)
    answers = {"name": "Ours", "partition": world.partition.code, "since": "2026-01-01", "until": "2026-02-01"}
    response = client.post(reverse("portal:record_workload"), answers)
    assert response.status_code == 422
    assert "has been recorded" in text_of(response)


def test_a_workload_is_deleted_after_asking_and_stays_where_a_study_is_about_it(board: Person) -> None:
    study, client = ask(board), signed_in(board)
    url = reverse("portal:delete_workload", args=[study.workload.code])
    assert "Delete this workload?" in text_of(client.get(url))
    assert "studies are about this workload" in text_of(client.post(url, follow=True))
    study.delete()
    client.post(url)
    assert not Workload.objects.exists()
