"""What is written in a standard and read again is the same record, whatever it says."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from tests.factories.records import records

from fabriek.catalogue.record import Record
from fabriek.catalogue.standards import cards, croissant, dcat

BASE = "https://fabriek.example/catalogue/"
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.mark.parametrize("form", ["turtle", "json-ld", "xml"])
@few
@given(record=records())
def test_dcat_ap(form: dcat.Form, record: Record) -> None:
    assert dcat.read(dcat.write([record], base=BASE, form=form), form, base=BASE).record == record


@few
@given(record=records("dataset"))
def test_croissant(record: Record) -> None:
    assert croissant.read(croissant.write(record, base=BASE)).record == record


@few
@given(record=records("model", "dataset"))
def test_cards(record: Record) -> None:
    assert cards.read(cards.write(record), record.kind).record == record
