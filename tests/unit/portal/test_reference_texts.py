"""What the reference data says is read in the reader's language; what somebody wrote is not touched."""

from __future__ import annotations

import html

import pytest
from django.test import Client
from django.utils.translation import gettext, override
from tests.factories.world import make_world

from fabriek.access.actions.decisions import HOW_TO_OBJECT
from fabriek.access.models import AccessMode
from fabriek.access.reference import load_access_modes
from fabriek.demo.machines import EMBEDDED, ON_SLURM
from fabriek.portal.components.reference_texts import TEXTS, reference_text
from fabriek.programmes.models import Programme, Promise
from fabriek.programmes.reference import load_programmes
from fabriek.register.models import System
from fabriek.register.reference import load_reference


@pytest.mark.django_db
def test_every_sentence_of_the_reference_data_is_known() -> None:
    load_reference()
    load_programmes()
    load_access_modes()
    stored = {HOW_TO_OBJECT}
    for rows, *names in (
        (Programme.objects.all(), "legal_basis"),
        (Promise.objects.all(), "legal_basis"),
        (AccessMode.objects.all(), "cost", "eligibility"),
        (System.objects.all(), "system_class"),
    ):
        for name in names:
            stored |= set(rows.values_list(name, flat=True))
    stored |= {part.model for machine in (*EMBEDDED, *ON_SLURM) for part in machine.parts}
    assert sorted(stored - TEXTS - {""}) == []


def test_each_is_told_in_dutch_and_others_stay_as_they_were_written() -> None:
    with override("nl"):
        untold = {text for text in TEXTS if gettext(text) == text}
        assert reference_text("free") == "gratis"
        # "Yes" has a translation, and is no text of ours here.
        assert reference_text("Yes") == "Yes"
    assert not untold


@pytest.mark.django_db
def test_a_calls_page_tells_cost_and_eligibility_in_dutch() -> None:
    world = make_world()
    AccessMode.objects.filter(pk=world.call.access_mode_id).update(cost="free", eligibility="Whoever asks.")
    client = Client(headers={"accept-language": "nl"})
    page = html.unescape(client.get(f"/calls/{world.call.code}/").content.decode())
    assert ">gratis<" in page
    assert "Whoever asks." in page
