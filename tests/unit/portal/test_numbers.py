"""Numbers are typed as the reader writes them, kept as they were typed, and told where they can be read in two ways."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django import forms
from django.test import Client
from django.utils.translation import override
from tests.factories.world import make_organisation, make_person, make_world

from fabriek.access.actions import start_application
from fabriek.portal.components.numbers import DecimalField, FloatField, IntegerField


class Numbers(forms.Form):
    whole = IntegerField(required=False)
    exact = DecimalField(required=False)
    loose = FloatField(required=False)


def read(language: str, **typed: str) -> Any:
    """What a form makes of it, or its refusal."""
    with override(language):
        form = Numbers(typed)
        form.is_valid()
        (name,) = typed
        return form.cleaned_data.get(name) if name not in form.errors else str(form.errors[name][0])


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize(
    ("typed", "read_as"),
    [
        ("1000", "1000"),
        ("1.000,5", "1000.5"),
        ("1,000.5", "1000.5"),
        ("1.000.000", "1000000"),
        ("1,000,000", "1000000"),
        ("1 000,5", "1000.5"),
        ("0,125", "0.125"),
        ("0.125", "0.125"),
        ("2,5", "2.5"),
        ("-2.5", "-2.5"),
    ],
)
def test_what_has_one_reading_is_read_in_either_language(language: str, typed: str, read_as: str) -> None:
    assert read(language, exact=typed) == Decimal(read_as)
    assert read(language, loose=typed) == float(read_as)


def test_one_sign_before_three_digits_is_read_by_the_language_or_told() -> None:
    assert read("nl", whole="1.000") == 1000
    assert read("en", whole="1,000") == 1000
    assert read("nl", exact="5,125") == Decimal("5.125")
    assert read("en", exact="5.125") == Decimal("5.125")
    assert read("en", whole="1.000") == "“1.000” can be read in two ways. Write 1000 or 1."
    assert "1,5" in read("nl", whole="1,500")
    assert "5125" in read("nl", exact="5.125")
    assert "5,125" in read("nl", exact="5.125")
    assert "5.125" in read("en", exact="5,125")


@pytest.mark.parametrize("typed", ["many", "1.2.3", "1,00,000", "1.000,5,5", "--1", "1.5"])
def test_what_is_no_whole_number_is_refused_and_stays_in_its_box(typed: str) -> None:
    with override("en"):
        form = Numbers({"whole": typed})
        assert not form.is_valid()
        assert f'value="{typed}"' in str(form["whole"])
        assert 'type="text"' in str(form["whole"])


def test_what_the_platform_fills_in_is_written_as_the_language_writes_it() -> None:
    with override("nl"):
        form = Numbers(initial={"whole": 5000, "exact": Decimal("0.5")})
        assert 'value="5000"' in str(form["whole"])
        assert 'value="0,5"' in str(form["exact"])


@pytest.mark.django_db
def test_hours_are_asked_as_one_writes_them() -> None:
    world = make_world()
    person = make_person(organisation=make_organisation())
    draft = start_application(person, world.call)
    client = Client(headers={"accept-language": "nl"})
    client.force_login(person)
    address = f"/applications/{draft.code}/request/"
    said = {"version": draft.version, "gpu_hours_0": "1.000,5"}
    refused = client.post(address, said)
    assert refused.status_code == 422
    assert 'value="1.000,5"' in refused.content.decode()
    assert client.post(address, {**said, "gpu_hours_0": "1.000"}).status_code == 302
    assert draft.alternatives.get().gpu_hours == 1000
