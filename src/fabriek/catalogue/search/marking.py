"""Where in a text the words are that were asked: for people to see why it was found. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from fabriek.catalogue.search import terms
from fabriek.catalogue.search.asking import Asked
from fabriek.catalogue.search.words import LANGUAGES, Word, normal, stems, words_of

SNIPPET = 220
"""Letters of a text that are shown."""
_BEGINS = 3


class Piece(NamedTuple):
    """A part of a text; marked: it's what was asked. Plain text: a page escapes it."""

    text: str
    marked: bool = False


@dataclass(frozen=True)
class Marker:
    """Knows which words of an entry were asked. tokens: words and stems; whole: the words; begins: first letters of all
    that may be marked, so that most words of a text are passed over without looking for their stems."""

    tokens: frozenset[str]
    whole: frozenset[str]
    concepts: frozenset[str]
    prefix: str
    begins: frozenset[str]

    @classmethod
    def of(cls, asked: Asked) -> Marker:
        """The marker of what was asked."""
        whole = frozenset(word.folded for word in asked.words)
        found = {stem for word in asked.words for language in LANGUAGES for stem in stems(word.written, language)}
        concepts = frozenset(one.concept for one in asked.meant)
        labels = [label for one in concepts for said in terms.concepts()[one].values() for label in said]
        begins = {word.folded[:_BEGINS] for label in labels for word in words_of(label)}
        return cls(whole | found, whole, concepts, asked.prefix, frozenset(begins | {one[:_BEGINS] for one in whole}))

    def marks(self, word: Word, language: str) -> bool:
        """Whether the word is one that was asked, whatever its ending, or a compound with one."""
        if self.prefix and word.folded.startswith(self.prefix):
            return True
        if len(word.folded) >= 8 and any(len(one) > 3 and self._is_part(one, word.folded) for one in self.whole):
            return True
        if word.folded[:_BEGINS] not in self.begins:
            return False
        return word.folded in self.tokens or not self.tokens.isdisjoint(stems(word.written, language))

    def _is_part(self, one: str, compound: str) -> bool:
        return compound.startswith(one) or compound.endswith(one)

    def pieces(self, text: str, language: str) -> list[Piece]:
        """The whole text."""
        text = normal(text)
        return _cut(text, self._places(text, language), 0, len(text))

    def snippet(self, text: str, language: str, longest: int = SNIPPET) -> list[Piece]:
        """The part of the text that says most of what was asked; empty: it says nothing of it."""
        text = normal(text)
        places = self._places(text, language)
        if not places:
            return []
        if len(text) <= longest:
            return _cut(text, places, 0, len(text))
        best = max(places, key=lambda place: (self._worth(text, places, place[0], longest), -place[0]))
        start = 0 if best[0] < longest // 3 else max(text.rfind(" ", 0, max(0, best[0] - longest // 4)) + 1, 0)
        end = len(text) if start + longest >= len(text) else max(text.rfind(" ", start, start + longest), best[1])
        cut = _cut(text, places, start, end)
        return [*([Piece("… ")] if start else []), *cut, *([Piece(" …")] if end < len(text) else [])]

    def _places(self, text: str, language: str) -> list[tuple[int, int]]:
        words = words_of(text)
        places = {(word.start, word.end) for word in words if self.marks(word, language)}
        if self.concepts:
            for number, word in enumerate(words):
                if word.folded[:_BEGINS] in self.begins and (word.start, word.end) not in places:
                    places |= self._named(words[number : number + terms.LONGEST_LABEL], language)
        return sorted(places)

    def _named(self, words: list[Word], language: str) -> set[tuple[int, int]]:
        """The first words of these that name a concept that was meant."""
        named = [one for one in terms.meant(words, {language, "en"}) if one.start == 0 and one.concept in self.concepts]
        return {(word.start, word.end) for one in named for word in words[: one.end]}

    def _worth(self, text: str, places: list[tuple[int, int]], start: int, longest: int) -> int:
        """Different words in a window."""
        return len(
            {text[one:end].casefold() for one, end in places if start <= one and end <= start + longest * 3 // 4}
        )


def beginning(text: str, longest: int = SNIPPET) -> list[Piece]:
    """The first words of a text, none of them marked."""
    text = normal(text)
    if len(text) <= longest:
        return [Piece(text)] if text else []
    return [Piece(text[: max(text.rfind(" ", 0, longest), longest // 2)]), Piece(" …")]


def _cut(text: str, places: list[tuple[int, int]], start: int, end: int) -> list[Piece]:
    pieces, at = [], start
    for first, last in places:
        if first < start or last > end:
            continue
        pieces += [Piece(text[at:first]), Piece(text[first:last], True)]
        at = last
    pieces.append(Piece(text[at:end]))
    return [piece for piece in pieces if piece.text]
