"""What the recipes learn from and are judged by: texts made here, by rules and a seed, or files of the project's own.

The made texts are small stories about an AI factory, in English or Dutch. They need no licence, no download and no
personal data, they are the same everywhere (the digest says so), and a tiny model learns them in a minute.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .settings import Trouble

VERSION = "1"
MOST_BYTES = 2 * 1024**3
HELD_OUT = 10
"""One part in this many, the last, is never trained on."""

_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "who": ("a founder", "a scientist", "the operator", "a young engineer", "the reviewer", "a small team"),
        "made": ("a model that reads letters", "a model of the weather", "a translator of old laws",
                 "a helper for nurses", "a model that finds cracks in dikes", "a game that teaches sums"),
        "place": ("Utrecht", "Bologna", "Kajaani", "Barcelona", "Luxembourg", "Linz", "Athens"),
        "trouble": ("the data had gaps", "the queue was long", "the loss would not fall", "the disk was full",
                    "the first run stopped halfway", "nobody had written down the seed"),
        "deed": ("looked again at every line", "asked a colleague for help", "made the model smaller",
                 "cleaned the data by hand", "started once more from the last checkpoint", "measured before guessing"),
        "end": ("In the morning the loss had fallen, and everyone was glad.",
                "It worked, and it was written down so that others could repeat it.",
                "Two hours were left over, and they went to another project.",
                "The answer was right, and nobody had to be asked twice."),
    },
    "nl": {
        "who": ("een oprichter", "een onderzoeker", "de beheerder", "een jonge ingenieur", "de beoordelaar",
                "een klein team"),
        "made": ("een model dat brieven leest", "een model van het weer", "een vertaler van oude wetten",
                 "een hulp voor verpleegkundigen", "een model dat scheuren in dijken vindt",
                 "een spel dat leert rekenen"),
        "place": ("Utrecht", "Bologna", "Kajaani", "Barcelona", "Luxemburg", "Linz", "Athene"),
        "trouble": ("de gegevens hadden gaten", "de wachtrij was lang", "het verlies wilde niet dalen",
                    "de schijf was vol", "de eerste poging stopte halverwege", "niemand had het begingetal genoteerd"),
        "deed": ("keek elke regel nog eens na", "vroeg een collega om hulp", "maakte het model kleiner",
                 "schoonde de gegevens met de hand", "begon opnieuw bij het laatste bewaarde punt",
                 "mat voordat er geraden werd"),
        "end": ("De volgende ochtend was het verlies gedaald, en iedereen was blij.",
                "Het werkte, en het werd opgeschreven zodat anderen het konden herhalen.",
                "Er bleven twee uren over, en die gingen naar een ander project.",
                "Het antwoord klopte, en niemand hoefde het twee keer te vragen."),
    },
}  # fmt: skip
_STORY = {
    "en": "In {place}, {who} wanted {made}. There were {gpus} GPUs and {hours} hours: {total} GPU-hours in all. "
    "But {trouble}. So {who} {deed}. {end}\n",
    "nl": "In {place} wilde {who} {made}. Er waren {gpus} GPU's en {hours} uren: samen {total} GPU-uren. "
    "Maar {trouble}. Dus {who} {deed}. {end}\n",
}


@dataclass(frozen=True)
class Text:
    """A text, and what is said of it in the result."""

    name: str
    version: str
    source: str
    licence: str
    content: bytes
    records: int

    @property
    def learned(self) -> bytes:
        """The part to train on."""
        return self.content[: len(self.content) - len(self.content) // HELD_OUT]

    @property
    def held_out(self) -> bytes:
        """The part to judge by."""
        return self.content[len(self.content) - len(self.content) // HELD_OUT :]

    def described(self) -> dict[str, Any]:
        """As a result names it."""
        return {
            "name": self.name,
            "version": self.version,
            "source": self.source,
            "licence": self.licence,
            "bytes": len(self.content),
            "records": self.records,
            "sha256": hashlib.sha256(self.content).hexdigest(),
        }


def text_of(settings: dict[str, Any]) -> Text:
    """The text that the parameters `text`, `stories`, `seed` and `path` name. Errors: Trouble."""
    kind = settings["text"]
    if kind == "own":
        return own(Path(settings["path"]))
    return made(kind.removeprefix("made-"), settings["stories"], settings["seed"])


def made(language: str, stories: int, seed: int) -> Text:
    """Stories by rules: the same for the same language, number and seed."""
    words, draw = _WORDS[language], random.Random(f"{VERSION}:{language}:{seed}")  # noqa: S311 - no secret
    written = []
    for _number in range(stories):
        chosen = {name: draw.choice(some) for name, some in words.items()}
        gpus, hours = draw.choice((1, 2, 4, 8)), draw.randrange(2, 60)
        written.append(_STORY[language].format(**chosen, gpus=gpus, hours=hours, total=gpus * hours))
    return Text(
        name=f"factory-stories-{language}",
        version=f"edition {VERSION}, {stories} stories, seed {seed}",
        source="made by the recipe",
        licence="CC0-1.0",
        content="".join(written).encode(),
        records=stories,
    )


def own(path: Path) -> Text:
    """A file of the project, or all .txt and .md files under a folder, in the order of their names. Errors: Trouble."""
    try:
        files = sorted(p for p in path.rglob("*") if p.suffix in (".txt", ".md")) if path.is_dir() else [path]
        if sum(file.stat().st_size for file in files) > MOST_BYTES:
            raise Trouble(f"{path} holds more than {MOST_BYTES // 1024**3} GiB; this recipe keeps its text in memory.")
        content = b"\n".join(file.read_bytes() for file in files)
    except OSError as error:
        raise Trouble(f"{path} can't be read on {_here()}: {error.strerror}. Give a path at the site.") from error
    if len(content) < 10_000:
        raise Trouble(f"{path} holds {len(content)} bytes of text; at least 10,000 are needed to learn from.")
    return Text(path.name, "", str(path), "", content, len(files))


def _here() -> str:
    import platform

    return platform.node() or "this machine"
