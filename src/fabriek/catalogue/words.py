"""What a record's fields are called, and what is wrong with them, in the reader's language."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.catalogue.errors import RecordInvalid
from fabriek.catalogue.record import Fault, Record, RecordBroken, read_record

LABELS: dict[str, Any] = {
    "code": gettext_lazy("Code"),
    "title": gettext_lazy("Title"),
    "language": gettext_lazy("Language of the description"),
    "summary": gettext_lazy("Summary"),
    "description": gettext_lazy("Description"),
    "translations": gettext_lazy("Translations"),
    "keywords": gettext_lazy("Keywords"),
    "tasks": gettext_lazy("Tasks"),
    "sectors": gettext_lazy("Sectors"),
    "languages": gettext_lazy("Languages"),
    "version": gettext_lazy("Version"),
    "licence": gettext_lazy("Licence"),
    "access": gettext_lazy("Access"),
    "conditions": gettext_lazy("Conditions"),
    "owner": gettext_lazy("Owner"),
    "creators": gettext_lazy("Creators"),
    "contact": gettext_lazy("Contact"),
    "factory": gettext_lazy("Factory"),
    "homepage": gettext_lazy("Its own page"),
    "documentation": gettext_lazy("Documentation"),
    "identifier": gettext_lazy("Lasting identifier"),
    "issued": gettext_lazy("First issued"),
    "modified": gettext_lazy("Last modified"),
    "distributions": gettext_lazy("Where it lies"),
    "relations": gettext_lazy("Ties"),
    "personal_data": gettext_lazy("Personal data"),
    "ai_act_role": gettext_lazy("Role under the AI Act"),
    "ai_act_risk": gettext_lazy("Risk class under the AI Act"),
    "facts": gettext_lazy("Sources"),
    "modalities": gettext_lazy("Modalities"),
    "records": gettext_lazy("Records"),
    "tokens": gettext_lazy("Tokens"),
    "bytes": gettext_lazy("Size in bytes"),
    "covers_from": gettext_lazy("Covers from"),
    "covers_until": gettext_lazy("Covers until"),
    "places": gettext_lazy("Places covered"),
    "columns": gettext_lazy("Columns"),
    "sheet": gettext_lazy("Data sheet"),
    "motivation": gettext_lazy("Why it was made"),
    "composition": gettext_lazy("What it consists of"),
    "collection": gettext_lazy("How it was collected"),
    "preprocessing": gettext_lazy("How it was prepared"),
    "uses": gettext_lazy("What it is for, and what not"),
    "distribution": gettext_lazy("How it is given out"),
    "maintenance": gettext_lazy("Who maintains it"),
    "citation": gettext_lazy("How to cite it"),
    "parameters": gettext_lazy("Parameters"),
    "architecture": gettext_lazy("Architecture"),
    "library": gettext_lazy("Library"),
    "context_length": gettext_lazy("Context length in tokens"),
    "training_tokens": gettext_lazy("Tokens trained on"),
    "training_gpu_hours": gettext_lazy("GPU-hours of training"),
    "co2_grams": gettext_lazy("CO₂ of training in grams"),
    "metrics": gettext_lazy("Measured"),
    "intended_use": gettext_lazy("Intended use"),
    "limitations": gettext_lazy("Limitations"),
    "card": gettext_lazy("Model card"),
    "form": gettext_lazy("Form"),
    "repository": gettext_lazy("Repository"),
    "programming_languages": gettext_lazy("Programming languages"),
    "needs": gettext_lazy("Needs"),
    "level": gettext_lazy("Level"),
    "mode": gettext_lazy("Way of teaching"),
    "teaches": gettext_lazy("Teaches"),
    "requires": gettext_lazy("Asks beforehand"),
    "hours": gettext_lazy("Hours"),
    "starts": gettext_lazy("Starts"),
    "ends": gettext_lazy("Ends"),
    "place": gettext_lazy("Place"),
    "price": gettext_lazy("Price"),
    "skills": gettext_lazy("Skills"),
    "countries": gettext_lazy("Countries"),
    "free_from": gettext_lazy("Free from"),
    "hours_a_month": gettext_lazy("Hours a month"),
    "months": gettext_lazy("Free by month"),
    "month": gettext_lazy("Month"),
    "stage": gettext_lazy("Stage"),
    "built": gettext_lazy("What it built on the factory"),
    "seeks": gettext_lazy("Looks for"),
    "activity": gettext_lazy("Activity"),
    "audience": gettext_lazy("For whom"),
    "programme": gettext_lazy("Programme"),
    "opens": gettext_lazy("Opens"),
    "closes": gettext_lazy("Last day to apply"),
    "least": gettext_lazy("At least, in euros"),
    "most": gettext_lazy("At most, in euros"),
    "rate": gettext_lazy("Per cent of the costs"),
    "classes": gettext_lazy("Classes of applicant"),
    "ticket_least": gettext_lazy("Smallest ticket in euros"),
    "ticket_most": gettext_lazy("Largest ticket in euros"),
    "rounds": gettext_lazy("Rounds"),
    "project": gettext_lazy("Project"),
    "round": gettext_lazy("Round"),
    "seeks_amount": gettext_lazy("Amount sought in euros"),
    "team": gettext_lazy("Team"),
    "traction": gettext_lazy("Traction"),
    "organisation": gettext_lazy("Organisation"),
    "year": gettext_lazy("Year"),
    "gpu_hours": gettext_lazy("GPU-hours"),
    "outcome": gettext_lazy("What came of it"),
    # Of parts.
    "name": gettext_lazy("Name"),
    "url": gettext_lazy("Address"),
    "country": gettext_lazy("Country"),
    "email": gettext_lazy("E-mail"),
    "storage": gettext_lazy("Kind of storage"),
    "location": gettext_lazy("Address or path"),
    "site": gettext_lazy("Site"),
    "media_type": gettext_lazy("Media type"),
    "sha256": gettext_lazy("SHA-256"),
    "kind": gettext_lazy("Kind"),
    "target": gettext_lazy("Code of an entry here, or an address"),
    "type": gettext_lazy("Type"),
    "value": gettext_lazy("Value"),
    "dataset": gettext_lazy("On which data"),
    "source": gettext_lazy("Source"),
    "confidence": gettext_lazy("Confidence"),
    "seen_on": gettext_lazy("Seen on"),
    "field": gettext_lazy("Field"),
}
"""By the last name of a field's path."""

CHOICES: dict[str, dict[str, Any]] = {
    "access": {
        "open": gettext_lazy("Open to all"),
        "registered": gettext_lazy("Open to who registers"),
        "on-request": gettext_lazy("On request"),
        "closed": gettext_lazy("Closed"),
        "unknown": gettext_lazy("Not known"),
    },
    "personal_data": {
        "none": gettext_lazy("None in it"),
        "pseudonymised": gettext_lazy("Pseudonymised"),
        "personal": gettext_lazy("Personal data"),
        "special": gettext_lazy("Special categories (GDPR, Article 9)"),
        "unknown": gettext_lazy("Not known"),
    },
    "ai_act_role": {
        "provider": gettext_lazy("Provider"),
        "deployer": gettext_lazy("Deployer"),
        "importer": gettext_lazy("Importer"),
        "distributor": gettext_lazy("Distributor"),
        "product-manufacturer": gettext_lazy("Product manufacturer"),
    },
    "ai_act_risk": {
        "minimal": gettext_lazy("Minimal"),
        "transparency": gettext_lazy("Transparency duties (Article 50)"),
        "high": gettext_lazy("High (Article 6)"),
        "prohibited": gettext_lazy("Prohibited (Article 5)"),
        "gpai": gettext_lazy("General-purpose model (Article 51)"),
        "gpai-systemic": gettext_lazy("General-purpose model with systemic risk (Article 51)"),
    },
    "distributions.storage": {
        "http": gettext_lazy("On the web (http)"),
        "s3": gettext_lazy("Bucket (s3)"),
        "posix": gettext_lazy("Path at a site"),
        "hub": gettext_lazy("Hub (owner/name)"),
        "upload": gettext_lazy("Kept here"),
    },
    "relations.kind": {
        "derived-from": gettext_lazy("Derived from"),
        "trained-on": gettext_lazy("Trained on"),
        "evaluated-on": gettext_lazy("Evaluated on"),
        "based-on": gettext_lazy("Based on"),
        "uses": gettext_lazy("Uses"),
        "documents": gettext_lazy("Documents"),
        "teaches": gettext_lazy("Teaches"),
        "part-of": gettext_lazy("Part of"),
        "version-of": gettext_lazy("Version of"),
        "same-as": gettext_lazy("Same as"),
        "funded-by": gettext_lazy("Funded by"),
        "made-by": gettext_lazy("Made by"),
        "related": gettext_lazy("Related to"),
    },
    "facts.confidence": {
        "high": gettext_lazy("High"),
        "medium": gettext_lazy("Medium"),
        "low": gettext_lazy("Low"),
    },
    "details.columns.type": {
        "text": gettext_lazy("Text"),
        "integer": gettext_lazy("Whole number"),
        "float": gettext_lazy("Number"),
        "boolean": gettext_lazy("Yes or no"),
        "date": gettext_lazy("Date"),
        "image": gettext_lazy("Image"),
        "audio": gettext_lazy("Audio"),
        "url": gettext_lazy("Web address"),
    },
    "details.form": {
        "library": gettext_lazy("Library"),
        "application": gettext_lazy("Application"),
        "algorithm": gettext_lazy("Algorithm"),
        "workflow": gettext_lazy("Workflow"),
        "notebook": gettext_lazy("Notebook"),
        "container": gettext_lazy("Container"),
    },
    "details.level": {
        "beginner": gettext_lazy("Beginner"),
        "intermediate": gettext_lazy("Intermediate"),
        "advanced": gettext_lazy("Advanced"),
    },
    "details.stage": {
        "idea": gettext_lazy("Idea"),
        "prototype": gettext_lazy("Prototype"),
        "pilot": gettext_lazy("Pilot"),
        "customers": gettext_lazy("First customers"),
        "growth": gettext_lazy("Growth"),
    },
    "details.mode": {
        "onsite": gettext_lazy("On site"),
        "online": gettext_lazy("Online"),
        "blended": gettext_lazy("Blended"),
        "material": gettext_lazy("Material to learn from"),
    },
}
"""What the values of a field with fixed ones are called, by its path without numbers."""

TIED_BY: dict[str, Any] = {
    "derived-from": gettext_lazy("Came from it"),
    "trained-on": gettext_lazy("Trained on it"),
    "evaluated-on": gettext_lazy("Evaluated on it"),
    "based-on": gettext_lazy("Based on it"),
    "uses": gettext_lazy("Uses it"),
    "documents": gettext_lazy("Documents it"),
    "teaches": gettext_lazy("Teaches it"),
    "part-of": gettext_lazy("Part of it"),
    "version-of": gettext_lazy("A version of it"),
    "same-as": gettext_lazy("Same as it"),
    "funded-by": gettext_lazy("Funded by it"),
    "made-by": gettext_lazy("Made by it"),
    "related": gettext_lazy("Related to it"),
}
"""A tie as the entry at its other end tells it."""

_NAMED = ("translations", "facts")
"""Tables whose rows have names, which are no field's."""


def bare(path: str) -> str:
    """A field's path without the numbers and names of rows: `distributions.0.site` is `distributions.site`."""
    steps = path.split(".")
    if steps[0] in _NAMED and len(steps) > 1:
        # A row of `facts` is named after a field, whose path may have dots of its own.
        return f"{steps[0]}.{steps[-1]}" if len(steps) > 2 else steps[0]
    return ".".join(step for step in steps if not step.isdigit())


def label_of(path: str) -> str:
    """A field's name, with that of the part and the number of the row that it is of: "Where it lies 2: Site"."""
    steps = path.split(".")
    if steps[0] == "details":
        steps = steps[1:] or steps
    label = str(LABELS.get(steps[0], steps[0]))
    rest = steps[1:]
    if rest and rest[0].isdigit():
        label, rest = f"{label} {int(rest[0]) + 1}", rest[1:]
    elif len(rest) > 1:
        label, rest = f"{label} ({'.'.join(rest[:-1])})", rest[-1:]
    if rest:
        label = f"{label}: {LABELS.get(rest[-1], rest[-1])}"
    return label


def choice_of(path: str, value: str) -> str:
    """A value of a field with fixed ones, in words; any other as it is."""
    return str(CHOICES.get(bare(path), {}).get(value, value))


def sentence_of(fault: Fault) -> str:
    """What is wrong, and what to do."""
    values = fault.values
    match fault.what:
        case "missing" | "string_too_short" | "too_short":
            return _("This is not answered yet.")
        case "string_too_long":
            return _("At most %(most)s characters.") % {"most": values["max_length"]}
        case "too_long":
            return _("At most %(most)s of these.") % {"most": values["max_length"]}
        case "greater_than_equal":
            return _("At least %(least)s.") % {"least": values["ge"]}
        case "less_than_equal" | "less_than":
            return _("At most %(most)s.") % {"most": values.get("le", values.get("lt"))}
        case "extra_forbidden":
            return _("An entry of this kind has no such field.")
        case "literal_error" | "union_tag_invalid" | "union_tag_not_found":
            return _("Choose one of those that are offered.")
        case "string_pattern_mismatch":
            return _pattern(fault.path)
        case "value_error":
            return _own(fault.said)
    kind = fault.what.partition("_")[0]
    kinds = {
        "int": _("Write a whole number."),
        "float": _("Write a number."),
        "finite": _("Write a number."),
        "date": _("Write a date as 2026-11-28."),
        "string": _("Write a text."),
    }
    return kinds.get(kind, fault.said)


def _pattern(path: str) -> str:
    by_name = {
        "languages": _("Write languages as codes of small letters: nl, en, mt."),
        "language": _("Write a language as its code of small letters: nl, en, mt."),
        "countries": _("Write countries as two capitals: NL, DE."),
        "country": _("Write a country as two capitals: NL."),
        "month": _("Write a month as 2026-12."),
        "email": _("Write an e-mail address as name@example.org."),
        "sha256": _("A SHA-256 has 64 digits from 0 to f, in small letters."),
        "translations": _("Write a language as its code of small letters: nl, en, mt."),
    }
    steps = [step for step in path.split(".") if not step.isdigit()]
    name = steps[0] if steps[0] == "translations" else steps[-1]
    return by_name.get(name, _("Use small letters, digits and hyphens between them."))


def _own(said: str) -> str:
    """The record's own refusals (record.py), by how they begin."""
    own = {
        "has control characters": _("This has characters in it that can't be shown. Type it again."),
        "is blank": _("This is not answered yet."),
        "is no address": _("Write an address that starts with https://, http://, ftp://, s3://, doi: or mailto:."),
        "has a space": _("An address has no spaces: write %20."),
        "location is none": _("This is no address or path of this kind of storage."),
    }
    return next((sentence for begin, sentence in own.items() if said.startswith(begin)), said)


def faults_of(broken: RecordBroken) -> dict[str, list[str]]:
    """Sentences by the field's path."""
    told: dict[str, list[str]] = {}
    for fault in broken.found:
        sentences = told.setdefault(fault.path, [])
        if (sentence := sentence_of(fault)) not in sentences:
            sentences.append(sentence)
    return told


def record_from(said: Any) -> Record:
    """The record that somebody sent. Errors: RecordInvalid with what doesn't hold, by field."""
    try:
        return read_record(said)
    except RecordBroken as broken:
        raise RecordInvalid(_("Mend the fields that are named."), faults=faults_of(broken)) from broken
