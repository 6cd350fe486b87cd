"""Words of a text as search knows them: folded, with their place, and their stems in the 24 languages of the Union.

Nothing is a stop word: 'who', 'it' and 'de' are words like others, that weigh little where they are everywhere. A word
is folded (case, accents, ß and the like), so that 'Genève' is found by 'geneve'. Its stem is marked with its language
('nl:vertal'), so that the Dutch stem of a word never meets an English one by chance.

Stems come from Snowball (https://snowballstem.org) for 18 of the 24 languages, and its Serbian for Croatian. Bulgarian,
Latvian, Maltese, Slovak and Slovene have none: there the commonest endings of nouns and adjectives are taken off, which
finds other cases of a word and no more than that.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

import snowballstemmer

SNOWBALL = {
    "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish", "et": "estonian",
    "fi": "finnish", "fr": "french", "ga": "irish", "hr": "serbian", "hu": "hungarian", "it": "italian",
    "lt": "lithuanian", "nl": "dutch", "pl": "polish", "pt": "portuguese", "ro": "romanian", "sv": "swedish",
}  # fmt: skip
ENDINGS = {
    "bg": "ията ията ите ият ият ята ото ове ища ове ния ни на но ът та то те ия ия ят ен а я о е и ъ",
    "lv": "ajiem ajām ajam iem ām ēm īm ais ajā as es is us os ai am ā ē ī ū a e i s š u",
    "mt": "ijiet iet ija iċi ali iku ika in at i a",
    "sk": "ového ovému ového ými ého ému ých ých ami ach och iam ia ie om ou ov ej ým ia á é í ý a e i o u y",
    "sl": "skega skemu ega emu imi ami ama ih im em om oma ah eh ov ev a e i o u",
}
LANGUAGES = tuple(sorted([*SNOWBALL, *ENDINGS]))
"""The official languages of the Union, by ISO 639-1."""
COMPOUNDING = frozenset({"da", "de", "et", "fi", "hu", "nl", "sv"})
"""Languages that write what English says in several words as one."""
SHORTEST_PART, LONGEST_PART = 4, 14
LONGEST_WORD = 64
"""Letters; what is longer is no word but data."""

# A word: letters and digits; a version's points stay in it ('3.1'), and the signs of 'c++' and 'c#'.
_WORD = re.compile(r"[^\W_]+(?:\.\d+)*(?:\+\+|#(?!\w))?")
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "þ": "th", "ð": "d"})
_stemmers = {code: snowballstemmer.stemmer(name) for code, name in SNOWBALL.items()}
_endings = {code: sorted(set(endings.split()), key=len, reverse=True) for code, endings in ENDINGS.items()}


class Word(NamedTuple):
    """A word of a text: as written in lower case, folded, and where it stands (`text[start:end]` of `normal(text)`)."""

    written: str
    folded: str
    start: int
    end: int


def normal(text: str) -> str:
    """The text in the one form in which words have their places."""
    return unicodedata.normalize("NFC", text)


@lru_cache(maxsize=200_000)
def fold(word: str) -> str:
    """The word without case and accents."""
    apart = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).translate(_LETTERS)


def words_of(text: str) -> list[Word]:
    """The words of a text, in order."""
    text = normal(text)
    found = []
    for match in _WORD.finditer(text):
        written = match.group().lower()[:LONGEST_WORD]
        found.append(Word(written, fold(written), match.start(), match.end()))
    return found


def joined(text: str) -> list[str]:
    """What hyphens tie, folded and without them: 'fine-tuning' is found by 'finetuning'."""
    tied = re.findall(r"[^\W\d_]{2,}(?:[-‐‑][^\W_]+)+", normal(text))
    return [fold(re.sub(r"[-‐‑]", "", one.lower()))[:LONGEST_WORD] for one in tied]


@lru_cache(maxsize=400_000)
def stems(written: str, language: str) -> tuple[str, ...]:
    """The stems of a word in a language, folded and marked with it.

    Two where accents decide what an ending is: of the word as written, and of the word as a hasty reader types it.
    """
    if not written.isalpha():
        return (f"{language}:{fold(written)}",)
    bare = fold(written)
    both = [_stem(written, language)] if bare == written else [_stem(written, language), _stem(bare, language)]
    return tuple(dict.fromkeys(f"{language}:{fold(one)}" for one in both))


def parts(word: str) -> list[str]:
    """Beginnings and ends of a long word, in which one that is written together is found by either half."""
    longest = min(LONGEST_PART, len(word) - 3)
    if len(word) < 8 or not word.isalpha():
        return []
    sizes = range(SHORTEST_PART, longest + 1)
    return [*(word[:size] for size in sizes), *(word[-size:] for size in sizes)]


def _stem(word: str, language: str) -> str:
    stemmer = _stemmers.get(language)
    if stemmer is not None:
        return str(stemmer.stemWord(word))
    for ending in _endings.get(language, ()):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def mistakes_forgiven(word: str) -> int:
    """How many letters may be wrong, missing, too many or swapped: none in a short word, which would be another one."""
    if len(word) < 4 or not word.isalpha():
        return 0
    return 1 if len(word) < 8 else 2


def distance(one: str, other: str, most: int) -> int:
    """Letters to change, add, drop or swap with a neighbour to come from one to the other; `most` + 1: too far."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        last, row = row, [i]
        for j, its in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != its))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == its:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before = last
    return row[-1]
