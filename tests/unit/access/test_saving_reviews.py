"""A review saves itself while it is written, and counts for nothing until it is handed in."""

from __future__ import annotations

import pytest
from django.test import Client
from tests.factories.world import World, make_person, make_submitted, make_world

from fabriek.access.actions import (
    assign_reviewers,
    check_eligibility,
    decline_review,
    save_review,
    settle_all,
    settle_consensus,
    submit_review,
)
from fabriek.access.errors import OldVersion, ReviewsMissing, WrongState
from fabriek.access.models import Review, ReviewState
from fabriek.access.queries import review_of
from fabriek.audit.models import Event
from fabriek.conf.errors import Invalid, NotAllowed

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world(reviewers=1)


@pytest.fixture
def review(world: World) -> Review:
    make_person("reviewer")
    application = make_submitted(world)
    check_eligibility(world.officer, application)
    (made,) = assign_reviewers(world.officer, [application])
    return made


def points(review: Review, number: float = 4) -> dict[str, float]:
    return {criterion["code"]: number for criterion in review.application.call.criteria}


def test_a_draft_is_kept_in_parts_and_what_is_left_out_stays(review: Review) -> None:
    first, *_others = points(review)
    saved = save_review(review.reviewer, review, 0, scores={first: 3})
    saved = save_review(review.reviewer, review, saved.version, remark="So far so good.")
    assert saved.draft == {"scores": {first: 3}, "remark": "So far so good.", "confidential_remark": ""}
    assert (saved.version, saved.saved_at is not None) == (2, True)


def test_a_draft_counts_for_nothing(world: World, review: Review) -> None:
    saved = save_review(review.reviewer, review, 0, scores=points(review), remark="Excellent.")
    assert (saved.state, saved.scores, saved.remark, saved.submitted_at) == (ReviewState.ASSIGNED, {}, "", None)
    with pytest.raises(ReviewsMissing):
        settle_consensus(world.officer, review.application)
    done, (refused,) = settle_all(world.officer, [review.application])
    assert (done, type(refused)) == (0, ReviewsMissing)
    assert not Event.objects.filter(verb__contains="review", actor=review.reviewer).exists()


def test_what_was_handed_in_counts_until_the_draft_is_handed_in_too(world: World, review: Review) -> None:
    handed_in = submit_review(review.reviewer, review, points(review, 5), "Good.")
    save_review(review.reviewer, review, handed_in.version, scores=points(review, 0), remark="On second thoughts.")
    assert settle_consensus(world.officer, review.application).score == 100
    review.refresh_from_db()
    assert review.remark == "Good."


def test_handing_in_takes_the_draft_away(review: Review) -> None:
    saved = save_review(review.reviewer, review, 0, remark="Half a thought")
    done = submit_review(review.reviewer, review, points(review), "A whole one.")
    assert (done.draft, done.saved_at, done.version) == ({}, None, saved.version + 1)
    with pytest.raises(OldVersion):
        save_review(review.reviewer, review, saved.version, remark="A save that was under way")


def test_another_window_does_not_write_over_what_is_newer(review: Review) -> None:
    save_review(review.reviewer, review, 0, remark="Newer")
    with pytest.raises(OldVersion):
        save_review(review.reviewer, review, 0, remark="Older")
    review.refresh_from_db()
    assert review.draft["remark"] == "Newer"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"scores": {"beauty": 3}}, "beauty"),
        ({"remark": "x" * 20_001}, "remark"),
        ({"confidential_remark": "x" * 20_001}, "confidential_remark"),
    ],
)
def test_a_draft_holds_only_what_a_review_may(review: Review, said: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        save_review(review.reviewer, review, 0, **said)  # type: ignore[arg-type]
    assert field in refusal.value.faults


@pytest.mark.parametrize("number", [-1, 1000, float("nan")])
def test_points_off_the_scale_are_not_kept(review: Review, number: float) -> None:
    with pytest.raises(Invalid):
        save_review(review.reviewer, review, 0, scores=points(review, number))


def test_nobody_else_saves_it_nor_anybody_once_it_is_closed(world: World, review: Review) -> None:
    with pytest.raises(NotAllowed):
        save_review(make_person("reviewer"), review, 0, remark="Mine")
    decline_review(review.reviewer, review, "We publish together.")
    with pytest.raises(WrongState):
        save_review(review.reviewer, review, 0, remark="Late")


def client_of(review: Review) -> Client:
    client = Client()
    client.force_login(review.reviewer)
    return client


def test_the_page_saves_by_itself_and_shows_it_again(review: Review) -> None:
    client, first = client_of(review), next(iter(points(review)))
    page = client.get(f"/reviews/{review.pk}/").content.decode()
    assert f'hx-post="/reviews/{review.pk}/save/"' in page
    assert "Not handed in yet" not in page
    answer = client.post(f"/reviews/{review.pk}/save/", {"version": "0", first: "2", "remark": "Half a thought"})
    assert answer.status_code == 200
    assert 'value="1"' in answer.content.decode()
    page = client.get(f"/reviews/{review.pk}/").content.decode()
    assert "Half a thought" in page
    assert "Not handed in yet" in page
    assert "draft saved" in client.get("/reviews/").content.decode()
    found = review_of(review.reviewer, review.pk)
    assert found is not None
    assert found.draft["scores"] == {first: 2}


def test_the_page_says_when_it_was_not_saved(review: Review) -> None:
    client = client_of(review)
    client.post(f"/reviews/{review.pk}/save/", {"version": "0", "remark": "Newer"})
    answer = client.post(f"/reviews/{review.pk}/save/", {"version": "0", "remark": "Older"})
    assert answer.status_code == 409
    assert "changed in another window" in answer.content.decode()
