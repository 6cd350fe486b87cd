"""Cards of models and datasets in the Hub's format."""

from __future__ import annotations

import pytest
import yaml
from tests.factories.catalogue import make_record

from fabriek.catalogue.record import ModelDetails
from fabriek.catalogue.standards import cards
from fabriek.catalogue.standards.reading import StandardBroken

FOREIGN = """---
language:
- no
- en
license: apache-2.0
library_name: transformers
pipeline_tag: text-generation
tags: [conversational, 1.10]
base_model: owner/base
datasets:
- owner/text
co2_eq_emissions:
  emissions: 12.5
  source: codecarbon
model-index:
- name: Foreign
  results:
  - task: {type: text-generation}
    dataset: {name: A benchmark, type: bench}
    metrics:
    - {type: accuracy, value: 71.25}
    - {type: broken, value: "n/a"}
inference: false
---
# A foreign model

It <b>works</b>.<script>alert(1)</script>
"""


def test_a_foreign_card_is_read_as_far_as_it_can_be_used() -> None:
    reading = cards.read(FOREIGN, "model", name="owner/foreign-7b")
    read = reading.record
    assert isinstance(read.details, ModelDetails)
    assert (read.code, read.title, read.licence) == ("foreign-7b", "Foreign", "Apache-2.0")
    assert (read.languages, read.tasks, read.keywords) == (
        ["no", "en"],
        ["text-generation"],
        ["conversational", "1.10"],
    )
    assert [(one.kind, one.target) for one in read.relations] == [
        ("based-on", "https://huggingface.co/owner/base"),
        ("trained-on", "https://huggingface.co/datasets/owner/text"),
    ]
    assert (read.details.co2_grams, read.details.library) == (12.5, "transformers")
    assert [(one.name, one.value, one.dataset) for one in read.details.metrics] == [("accuracy", 71.25, "A benchmark")]
    assert read.details.card == "# A foreign model\n\nIt works."
    assert read.distributions[0].location == "owner/foreign-7b"
    assert reading.unused == ("nothing here takes inference",)


def test_a_model_s_card_is_what_the_hub_expects() -> None:
    record = make_record(
        "model",
        title="Small",
        languages=["no"],
        licence="CC-BY-SA-4.0",
        tasks=["text-generation"],
        relations=[{"kind": "based-on", "target": "https://huggingface.co/owner/base"}],
        details={
            "library": "transformers",
            "co2_grams": 3.5,
            "metrics": [{"name": "accuracy", "value": 0.5, "dataset": "bench"}],
            "card": "# Small\n\nA card.",
        },
    )
    text = cards.write(record)
    head = yaml.safe_load(text.split("---\n")[1])
    assert head["language"] == ["no"]
    assert (head["license"], head["base_model"], head["pipeline_tag"]) == (
        "cc-by-sa-4.0",
        ["owner/base"],
        "text-generation",
    )
    assert head["co2_eq_emissions"] == {"emissions": 3.5}
    assert head["model-index"][0]["results"][0]["metrics"] == [{"type": "accuracy", "name": "accuracy", "value": 0.5}]
    assert text.endswith("---\n\n# Small\n\nA card.\n")


def test_a_dataset_s_card_has_its_sheet_as_sections() -> None:
    record = make_record(
        "dataset",
        title="Rain",
        description="Of rain.\n\n## Units\n\nMillimetres.",
        licence="https://example.org/licence",
        details={"records": 50_000, "sheet": {"collection": "By hand.", "uses": "Forecasts."}, "citation": "Cite."},
    )
    text = cards.write(record)
    head = yaml.safe_load(text.split("---\n")[1])
    assert (head["pretty_name"], head["size_categories"]) == ("Rain", ["10K<n<100K"])
    assert (head["license"], head["license_link"]) == ("other", "https://example.org/licence")
    assert "## Collection\n\nBy hand." in text
    read = cards.read(text, "dataset", beside=False).record
    assert read.details.sheet == record.details.sheet  # type: ignore[union-attr]
    assert read.details.citation == "Cite."  # type: ignore[union-attr]
    assert "## Units\n\nMillimetres." in read.description


def test_a_change_of_the_card_by_a_stranger_is_believed() -> None:
    record = make_record("model", details={"card": "# Small\n\nA card."}, tasks=["translation"])
    read = cards.read(cards.write(record).replace("A card.", "A better card."), "model").record
    assert read.details.card == "# Small\n\nA better card."  # type: ignore[union-attr]
    assert read.owner == record.owner


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("---\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n---\n# T\n", "alias"),
        ("---\na: !!python/object/apply:os.system ['true']\n---\n", "title"),
        ("---\n- a\n- b\n---\n# T\n", "no fields"),
        ("---\na: [\n---\n# T\n", "no YAML"),
        ("---\na: " + "[" * 3_000 + "\n---\n# T\n", "YAML"),
        ("---\na: " + "x" * 600_000 + "\n---\n# T\n", "too large"),
        ("no head and no title", "title"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_hostile_cards_are_refused(document: str | bytes, why: str) -> None:
    with pytest.raises(StandardBroken, match=why):
        cards.read(document, "model")


def test_only_models_and_datasets_have_cards() -> None:
    with pytest.raises(ValueError, match="a card is of"):
        cards.write(make_record("story"))
    with pytest.raises(ValueError, match="a card is of"):
        cards.read("# T", "story")
