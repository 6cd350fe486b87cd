"""From what somebody types to a query of the index, with the reason why each answer is one.

Pure. Each word that is asked may be met in several ways: as it is written, by its stem in any language, as half of a
compound, by the concept that it names. They count as one word: the best of them scores (BM25), at one rarity, that of
the commonest, so that a rare language's word is not worth more than a common one's. All words have to be met; where
next to nothing meets all, half of them. A word that nobody wrote is taken for the nearest one that somebody did.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tantivy import Occur, Query, Searcher

from fabriek.catalogue.search import terms
from fabriek.catalogue.search.index import Index
from fabriek.catalogue.search.spelling import label_words, nearest
from fabriek.catalogue.search.words import COMPOUNDING, LANGUAGES, Word, fold, stems, words_of

MOST_ASKED = 16
"""Words of a query; more are a text, of which the first are looked for."""

WEIGHTS = {"title": 4.0, "tags": 2.5, "summary": 3.0, "text": 1.0}
"""What a word is worth in each field."""
STEM, PART, SPLIT, PREFIX = 0.9, 1.2, 1.5, 2.0
"""What it's worth to meet a word by its stem, as half of a compound, as two words, by its beginning."""
CONCEPT, NAME = {"concepts": 3.0, "heard": 1.5}, 0.6
"""What a concept is worth, and its English name, of what the field is worth."""
TIE, PHRASE, WHOLE = 0.5, 2.0, 3.0
"""What the other ways of meeting a word add to the best one; what it adds that the words are together in the title, and
that all are met where some would do. None is fine: figures half or twice as large change nDCG@10 by 0.02 at most."""

COMMON = 0.5
"""A word that more of the entries have than this doesn't have to be met, where others are asked too."""

_LINKS = ("", "s", "en", "n", "e", "es")
"""What Dutch and German put between two words that they write as one."""


@dataclass
class Asked:
    """What was understood. words: as looked for; corrected: those that were taken for others, by what was typed;
    meant: the concepts that they name; prefix: the word that was not finished."""

    words: list[Word]
    corrected: dict[str, str] = field(default_factory=dict)
    meant: list[terms.Meant] = field(default_factory=list)
    prefix: str = ""
    needed: list[Query] = field(default_factory=list)
    helpful: list[Query] = field(default_factory=list)

    def query(self, least: int) -> Query:
        """Meets at least so many of the needed."""
        if not self.needed:
            return Query.exists_query("published")
        must = Query.boolean_query([(Occur.Should, one) for one in self.needed], least)
        clauses = [(Occur.Must, must), *((Occur.Should, one) for one in self.helpful)]
        if least < len(self.needed):
            # What meets all of them is worth more.
            all_of_them = Query.boolean_query([(Occur.Must, one) for one in self.needed])
            clauses.append((Occur.Should, Query.const_score_query(all_of_them, WHOLE)))
        return Query.boolean_query(clauses)

    def ways(self) -> Iterator[int]:
        """How many of the needed have to be met, from strict to lenient."""
        number = len(self.needed)
        yield number
        if number > 1:
            yield math.ceil(number / 2)
        if number > 2:
            yield 1


@dataclass(frozen=True)
class _Word:
    """A word that is asked, with all that is known of how it is met. common: the documents of its commonest way."""

    query: Query | None
    common: int


def ask(index: Index, text: str, *, typing: bool = False, corrects: bool = True) -> Asked:
    """Understand a query. typing: its last word may not be finished. corrects: take unknown words for known ones."""
    unfinished = typing and not text.endswith(" ")
    return _Asking(index, index.searcher()).ask(words_of(text)[:MOST_ASKED], unfinished, corrects)


class _Asking:
    def __init__(self, index: Index, searcher: Searcher) -> None:
        self._schema, self._searcher = index.schema, searcher
        self._all = max(searcher.num_docs, 1)

    def ask(self, typed: Sequence[Word], unfinished: bool, corrects: bool) -> Asked:
        asked = Asked(list(typed))
        asked.prefix = typed[-1].folded if unfinished and typed else ""
        if corrects:
            self._correct(asked)
        asked.meant = self._meant(asked.words)
        found = [self._word(word, asked, number) for number, word in enumerate(asked.words)]
        self._weigh(asked, found)
        return asked

    def _meant(self, words: Sequence[Word]) -> list[terms.Meant]:
        """What the words name; a compound that nobody wrote, what a part of it names."""
        found = terms.meant(words)
        told = _numbers(found)
        for number, word in enumerate(words):
            if number not in told and not self._written(word):
                found += [terms.Meant(number, number + 1, one) for one in sorted(terms.within(word))]
        return found

    def _correct(self, asked: Asked) -> None:
        told = _numbers(terms.meant(asked.words))
        if asked.prefix:
            told.add(len(asked.words) - 1)
        for number, word in enumerate(asked.words):
            if number in told or self._is_known(word):
                continue
            other = nearest(self._searcher, self._schema, word.folded)
            if other is not None:
                asked.corrected[word.written] = other
                asked.words[number] = Word(other, fold(other), word.start, word.end)

    def _weigh(self, asked: Asked, found: Sequence[_Word]) -> None:
        """Group words that name one thing together, and part what has to be met from what helps."""
        groups = list(self._groups(asked, found))
        rare = [query for query, common in groups if common <= COMMON * self._all]
        for query, common in groups:
            needed = common <= COMMON * self._all or not rare
            (asked.needed if needed else asked.helpful).append(query)
        if len(asked.words) > 1:
            phrase = Query.phrase_query(self._schema, "title", [word.folded for word in asked.words], 1)
            asked.helpful.append(Query.boost_query(phrase, PHRASE))

    def _groups(self, asked: Asked, found: Sequence[_Word]) -> Iterator[tuple[Query, int]]:
        spans = sorted({(one.start, one.end) for one in asked.meant if one.end - one.start > 1})
        at = 0
        while at < len(found):
            end = next((end for start, end in spans if start == at), at + 1)
            if end == at + 1:
                yield found[at].query or Query.empty_query(), found[at].common
            else:
                yield self._together(asked, found, at, end)
            at = end

    def _together(self, asked: Asked, found: Sequence[_Word], start: int, end: int) -> tuple[Query, int]:
        """Words that name a concept together: each of them is met, or the concept."""
        each = [(Occur.Must, one.query or Query.empty_query()) for one in found[start:end]]
        named = [one.concept for one in asked.meant if (one.start, one.end) == (start, end)]
        common = max((self._freq("concepts", one) + self._freq("heard", one) for one in named), default=0)
        ways = [Query.boolean_query(each), *self._concepts(named, common, 1 + (end - start - 1) / 4)]
        return Query.disjunction_max_query(ways, TIE), max(common, min(one.common for one in found[start:end]))

    def _word(self, word: Word, asked: Asked, number: int) -> _Word:
        ways = self._written(word)
        named = [one.concept for one in asked.meant if (one.start, one.end) == (number, number + 1)]
        common = max((freq for _f, _t, _w, freq in ways), default=0)
        common = max([common, *(self._freq("concepts", one) + self._freq("heard", one) for one in named)])
        rarity = self._rarity(common)
        queries = [
            Query.boost_query(Query.term_query(self._schema, name, token), weight * rarity / self._rarity(freq))
            for name, token, weight, freq in ways
        ]
        queries += self._concepts(named, common, 1.0)
        queries += self._halves(word, rarity)
        if asked.prefix and number == len(asked.words) - 1:
            queries += self._beginnings(asked.prefix, rarity)
        elif not queries:
            queries += self._split(word, rarity) or self._beginnings(word.folded, rarity)
        return _Word(Query.disjunction_max_query(queries, TIE) if queries else None, common)

    def _written(self, word: Word) -> list[tuple[str, str, float, int]]:
        """(field, token, weight, documents) of each way in which the word itself is there."""
        tokens = dict.fromkeys([stem for language in LANGUAGES for stem in stems(word.written, language)], STEM)
        tokens[word.folded] = 1.0
        found = []
        for name, of_field in WEIGHTS.items():
            for token, weight in tokens.items():
                freq = self._freq(name, token)
                if freq:
                    found.append((name, token, weight * of_field, freq))
        return found

    def _is_known(self, word: Word) -> bool:
        if word.folded in label_words() or self._written(word) or self._split(word, 1.0):
            return True
        return any(self._freq("parts", part) for part in self._as_part(word))

    def _concepts(self, named: Sequence[str], common: int, words: float) -> list[Query]:
        """Entries of the concepts, and those that call them by an English name, which most entries are written in."""
        rarity = self._rarity(common)
        queries = [
            Query.const_score_query(Query.term_query(self._schema, name, concept), weight * words * rarity)
            for concept in named
            for name, weight in CONCEPT.items()
        ]
        for said in (said for concept in named for said in terms.names(concept, "en")):
            label = words_of(said)
            for name, weight in WEIGHTS.items():
                each = [Query.term_query(self._schema, name, stems(word.written, "en")[0]) for word in label]
                together = Query.boolean_query([(Occur.Must, one) for one in each])
                share = min((self._freq(name, stems(word.written, "en")[0]) for word in label), default=0)
                if share:
                    worth = weight * NAME * words * rarity / self._rarity(share) / len(label)
                    queries.append(Query.boost_query(together, worth))
        return queries

    def _halves(self, word: Word, rarity: float) -> list[Query]:
        """Compounds that begin or end with the word."""
        return [
            Query.const_score_query(Query.term_query(self._schema, "parts", part), PART * rarity)
            for part in self._as_part(word)
            if self._freq("parts", part)
        ]

    def _as_part(self, word: Word) -> list[str]:
        stemmed = [stem.partition(":")[2] for language in COMPOUNDING for stem in stems(word.written, language)]
        return [part for part in dict.fromkeys([word.folded, *stemmed]) if len(part) > 3]

    def _split(self, word: Word, rarity: float) -> list[Query]:
        """A compound that nobody wrote, as the two words of which it's made, where both are known."""
        whole = word.folded
        if len(whole) < 8 or not whole.isalpha():
            return []
        for at in range(len(whole) - 4, 3, -1):
            last = Word(whole[at:], whole[at:], 0, 0)
            ways = self._written(last)
            if not ways:
                continue
            for link in _LINKS:
                first = whole[:at].removesuffix(link)
                if len(first) + len(link) != at or len(first) < 4:
                    continue
                before = self._written(Word(first, first, 0, 0))
                if before:
                    both = [(Occur.Must, self._any(one)) for one in (before, ways)]
                    return [Query.const_score_query(Query.boolean_query(both), SPLIT * rarity)]
        return []

    def _any(self, ways: Sequence[tuple[str, str, float, int]]) -> Query:
        return Query.disjunction_max_query(
            [Query.term_query(self._schema, name, token) for name, token, _weight, _freq in ways]
        )

    def _beginnings(self, prefix: str, rarity: float) -> list[Query]:
        """Words that begin so. One letter begins too many."""
        if len(prefix) < 2:
            return []
        return [
            Query.const_score_query(
                Query.fuzzy_term_query(self._schema, name, prefix, 0, prefix=True), PREFIX * weight * rarity
            )
            for name, weight in (("title", 1.0), ("spelling", 0.5))
        ]

    def _freq(self, name: str, token: str) -> int:
        return self._searcher.doc_freq(name, token)

    def _rarity(self, documents: int) -> float:
        """BM25's, as Tantivy computes it."""
        documents = min(documents, self._all)
        return math.log(1 + (self._all - documents + 0.5) / (documents + 0.5))


def _numbers(meant: Sequence[terms.Meant]) -> set[int]:
    """Of the words that name something."""
    return {number for one in meant for number in range(one.start, one.end)}
