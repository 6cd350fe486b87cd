"""The programmes of the Union and the promises that the law and the Joint Undertaking's policy make about them.

Rules are data with a period in which they hold: the same article has had three wordings since 2021.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction

from fabriek.programmes.models import Pillar, Programme, Promise

UNION = "eu"

_ARTICLE = "Council Regulation (EU) 2021/1173, Article 4(1), as amended by (EU) 2024/1732 and (EU) 2026/150"

# letter, code, name, in force since
_PILLARS = (
    ("a", "administration", "Administration", date(2021, 7, 9)),
    ("b", "infrastructure", "Infrastructure", date(2021, 7, 9)),
    ("c", "federation", "Federation of supercomputing services", date(2021, 7, 9)),
    ("d", "technology", "Technology", date(2021, 7, 9)),
    ("e", "application", "Application", date(2021, 7, 9)),
    ("f", "widening", "Widening usage and skills", date(2021, 7, 9)),
    ("g", "international", "International cooperation", date(2021, 7, 9)),
    ("h", "ai-factory", "AI factory pillar for trustworthy and ethical AI", date(2024, 7, 9)),
    ("i", "ai-gigafactory", "AI gigafactory pillar", date(2026, 1, 20)),
    ("j", "quantum", "Quantum technologies pillar", date(2026, 1, 20)),
    ("", "national", "National", None),
)

AI_FACTORY_ACTIVITIES = [
    "acquire and operate AI-optimised machines",
    "upgrade existing ones",
    "fair access for public and private users, including start-ups and SMEs",
    "service centres: algorithms, development, training, testing, evaluation and validation of models",
    "programming facilities",
    "other AI-enabling services",
    "attract, pool and train talent",
    "interact with other factories and make services available across Europe",
]

# code, parent, pillar, name, who decides
_PROGRAMMES: tuple[tuple[str, str, str, str, str], ...] = (
    (UNION, "", "ai-factory", "Union access time", "EuroHPC Joint Undertaking"),
    ("eu-industrial", UNION, "ai-factory", "AI for Industrial Innovation", "EuroHPC Joint Undertaking"),
    ("eu-industrial-entry", "eu-industrial", "ai-factory", "Playground and Fast Lane", "EuroHPC Joint Undertaking"),
    ("eu-industrial-large", "eu-industrial", "ai-factory", "Large Scale", "EuroHPC Joint Undertaking"),
    ("eu-science", UNION, "ai-factory", "AI for Science and Collaborative EU Projects", "EuroHPC Joint Undertaking"),
    ("eu-regular", UNION, "infrastructure", "Regular, Extreme Scale and other access", "EuroHPC Joint Undertaking"),
)

_POLICY = "EuroHPC Access Policy 2025.12, second-hand"

_PROMISES: tuple[dict[str, Any], ...] = (
    {
        "code": "commercial-use",
        "name": "Paid commercial use",
        "kind": "cap",
        "programme": UNION,
        "commercial": True,
        "fraction": Decimal("0.2"),
        "rank": 1,
        "valid_from": date(2021, 7, 9),
        "legal_basis": "Council Regulation (EU) 2021/1173, Article 18: 20 % of the Union's access time, per system",
        "source": "reg",
        "confidence": "high",
    },
    {
        "code": "industrial-innovation",
        "name": "AI for Industrial Innovation",
        "kind": "cap",
        "programme": "eu-industrial",
        "base": UNION,
        "fraction": Decimal("0.3"),
        "rank": 2,
        "valid_from": date(2025, 12, 1),
        "legal_basis": "Access Policy of the EuroHPC Joint Undertaking",
        "source": _POLICY,
        "confidence": "medium",
    },
    {
        "code": "playground-and-fast-lane",
        "name": "Playground and Fast Lane together",
        "kind": "cap",
        "programme": "eu-industrial-entry",
        "base": UNION,
        "fraction": Decimal("0.1"),
        "rank": 3,
        "valid_from": date(2025, 12, 1),
        "legal_basis": "Access Policy of the EuroHPC Joint Undertaking",
        "source": _POLICY,
        "confidence": "medium",
    },
    {
        "code": "ai-for-science",
        "name": "AI for Science",
        "kind": "cap",
        "programme": "eu-science",
        "base": UNION,
        "fraction": Decimal("0.25"),
        "rank": 4,
        "valid_from": date(2025, 12, 1),
        "legal_basis": "Access Policy of the EuroHPC Joint Undertaking",
        "source": _POLICY,
        "confidence": "medium",
    },
)


@transaction.atomic
def load_programmes() -> None:
    """Load pillars, the Union's programmes and the promises of law. Rows that are there stay as they are."""
    for letter, code, name, since in _PILLARS:
        Pillar.objects.get_or_create(
            code=code,
            defaults={
                "letter": letter,
                "name": name,
                "valid_from": since,
                "legal_basis": _ARTICLE if letter else "",
                "activities": AI_FACTORY_ACTIVITIES if code == "ai-factory" else [],
            },
        )
    pillars = {pillar.code: pillar for pillar in Pillar.objects.all()}
    there = {programme.code: programme for programme in Programme.objects.all()}
    for code, parent, pillar, name, decides in _PROGRAMMES:
        if code not in there:
            there[code] = Programme.objects.create(
                code=code,
                name=name,
                pillar=pillars[pillar],
                parent=there.get(parent),
                kind="union",
                decides=decides,
                legal_basis="Council Regulation (EU) 2021/1173, Articles 16 and 17",
            )
    known = set(Promise.objects.values_list("code", flat=True))
    for row in _PROMISES:
        if row["code"] not in known:
            Promise.objects.create(
                **{**row, "programme": there[row["programme"]], "base": there[row["base"]] if "base" in row else None}
            )
