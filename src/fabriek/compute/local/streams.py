"""Where a job's standard output and error go: `--output` and `--error`, inside the job's own folder only.

Names are patterns as Slurm's (https://slurm.schedmd.com/sbatch.html#SECTION_%3CB%3Efilename-pattern%3C/B%3E): %j the
job's number, %A its array's, %a its number in the array, %x its name, %u its user, %% a percent sign.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from fabriek.compute.directives import DirectiveError, read_directives

NOWHERE = "/dev/null"
_PATTERN = re.compile(r"%(\d*)([jAaxu%])")
_LONGEST = 200


@dataclass(frozen=True)
class Streams:
    """Paths under the job's folder, or NOWHERE. `error` is empty where it goes where the output goes."""

    output: str = "output"
    error: str = "error"


@lru_cache(maxsize=256)
def streams_of(script: str, number: str, name: str, user: str, array: str = "", task: str = "") -> Streams:
    """The streams of a job, or of a task of an array. As Slurm: with an output and no error of its own, both go there.

    Errors: DirectiveError.
    """
    asked = read_directives(script)
    # A name with a slash in it names no folder. Outside an array Slurm's own %a is this number.
    said = {
        "j": number,
        "A": array or number,
        "a": task or "4294967294",
        "x": name.replace("/", "_"),
        "u": user.replace("/", "_"),
        "%": "%",
    }
    output, error = (_path(pattern, said) for pattern in (asked.output, asked.error))
    if not output and not error:
        return Streams()
    if error == output:
        error = ""
    if not output:
        return Streams("output", error)
    return Streams(output, error)


def _path(pattern: str, said: dict[str, str]) -> str:
    """The pattern's path under the job's folder, "" for none. Errors: DirectiveError."""
    if not pattern or pattern == NOWHERE:
        return pattern

    def expand(found: re.Match[str]) -> str:
        text = said[found[2]]
        return text.zfill(min(int(found[1]), 10)) if found[1] and found[2] in "jAa" else text

    expanded = _PATTERN.sub(expand, pattern)
    path = PurePosixPath(expanded)
    if path.is_absolute() or ".." in path.parts or not path.name or expanded.endswith("/"):
        raise DirectiveError(
            f"{pattern!r} is not a file in the job's own folder; write a name such as result-%j.txt, or {NOWHERE}"
        )
    if max(map(len, path.parts)) > _LONGEST or "\x00" in expanded:
        raise DirectiveError(f"{pattern!r} is no name for a file; at most {_LONGEST} characters are taken")
    return f"work/{path}"
