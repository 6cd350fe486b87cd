"""What somebody looks for in the catalogue: as an address says it, as a saved search keeps it, as search is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from fabriek.catalogue.search.documents import FACETS

MOST_VALUES = 20
"""Of one facet."""
LONGEST = 200


@dataclass(frozen=True)
class Asked:
    """`q`: words. `narrowed`: the values that were chosen, by facet (FACETS): those of one widen what it leaves, facets
    narrow. `exact`: all words as they are typed, none taken for another. `sort`: a column, with a minus for the other
    way; empty: as found."""

    q: str = ""
    narrowed: Mapping[str, list[str]] = field(default_factory=dict)
    exact: bool = False
    sort: str = ""

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Asked:
        """From texts, or lists of texts, by name; what is unknown or empty is passed over, what is too long is cut."""
        texts = {name: list(filter(None, map(_cut, _list(said.get(name))))) for name in ("q", "sort", *FACETS)}
        words, sort = (next(iter(texts[name]), "") for name in ("q", "sort"))
        return cls(
            q=words,
            narrowed={name: list(dict.fromkeys(texts[name]))[:MOST_VALUES] for name in FACETS if texts[name]},
            exact=bool(words) and any(_list(said.get("exact"))),
            sort=sort,
        )

    def said(self) -> dict[str, Any]:
        """What is asked, by name, without the order: {'q': 'speech', 'kind': ['dataset']}."""
        words = {"q": self.q} if self.q else {}
        return {**words, **self.narrowed, **({"exact": "1"} if self.exact else {})}

    def query(self) -> str:
        """What repeats it, after the `?` of the catalogue's address."""
        return urlencode({**self.said(), **({"sort": self.sort} if self.sort else {})}, doseq=True)

    def turned(self, facet: str, value: str) -> Asked:
        """With this value of a facet chosen, or without it where it was."""
        now = self.narrowed.get(facet, [])
        values = [one for one in now if one != value] if value in now else [*now, value]
        return replace(self, narrowed={**self.narrowed, facet: values} if values else _without(self.narrowed, facet))


def _list(said: Any) -> list[Any]:
    return [said] if said is None or isinstance(said, str | bool) or not isinstance(said, Iterable) else list(said)


def _cut(said: Any) -> str:
    return "" if said is None else str(said).replace("\x00", "").strip()[:LONGEST].rstrip()


def _without(narrowed: Mapping[str, list[str]], facet: str) -> dict[str, list[str]]:
    return {name: values for name, values in narrowed.items() if name != facet}
