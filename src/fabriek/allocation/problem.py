"""The decision problem `fabriek/problem/1`: who asks for what, what there is, and what was promised.

Hours are GPU-hours. An alternative's hours are the total over its months, spread evenly. Capacities are GPU-hours a
month, one number per month of the horizon. Shares and fractions are between 0 and 1.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from fabriek.allocation.faults import ProblemError, first_fault, place

HOURS_LIMIT = 1e10
"""No request and no month of a partition is larger: a million GPUs give 8.8e9 GPU-hours in a year."""

FILE_LIMIT = 2**30
"""Bytes. A million applications take less than half of it."""

SHARE_TOLERANCE = 1e-9
"""Shares that add up to this much over one are rounding (three times 0.333...4); capacity itself is never exceeded."""

PLACE_DISCOUNT = 0.05
"""How much less each later alternative of an application counts."""

MOST_ALTERNATIVES = 20
"""The twentieth alternative counts 5 %; a twenty-first would count nothing."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Month = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
Hours = Annotated[float, Field(ge=0, le=HOURS_LIMIT, allow_inf_nan=False)]
RequestedHours = Annotated[float, Field(gt=0, le=HOURS_LIMIT, allow_inf_nan=False)]
Fraction01 = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Row(BaseModel):
    """A row of the problem: strict (a number is a number, not a text) and without unknown fields."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", populate_by_name=True)


class Partition(Row):
    id: Name
    capacity: list[Hours] = Field(description="GPU-hours per month of the horizon.")


class Programme(Row):
    id: Name
    shares: dict[Name, list[Fraction01]] = Field(
        description="Partition to its share per month; a partition that is not named has no share."
    )
    overbooking: float = Field(
        default=1.0,
        ge=1,
        le=10,
        allow_inf_nan=False,
        description="The programme's awards may reach its share times this.",
    )


class Alternative(Row):
    partition: Name
    start: int = Field(ge=0, description="First month, as an index into the horizon.")
    months: int = Field(ge=1, description="Number of months, from the start month on.")
    hours: RequestedHours = Field(description="GPU-hours in total over these months, spread evenly.")


class Application(Row):
    id: Name
    programme: Name
    class_: Name = Field(alias="class")
    organisation: Name
    country: Name
    commercial: bool = False
    score: float = Field(ge=0, le=1e6, allow_inf_nan=False)
    least: float = Field(
        default=1.0,
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="The smallest useful fraction of the request; 1: all or nothing.",
    )
    alternatives: list[Alternative] = Field(
        min_length=1, max_length=MOST_ALTERNATIVES, description="In order of preference."
    )


class Promise(Row):
    """A floor (a guaranteed minimum for a class) or a cap (a limit that is never exceeded)."""

    id: Name
    kind: Literal["floor", "cap"]
    programme: Name | None = Field(default=None, description="Narrows subject and base to one programme.")
    programmes: list[Name] | None = Field(
        default=None, min_length=1, description="Narrows subject and base to these programmes, counted together."
    )
    base: list[Name] | None = Field(
        default=None,
        min_length=1,
        description="The programmes whose hours it is a fraction of, counted together, where they are more than those "
        "of its subject; they include these.",
    )
    partitions: list[Name] | None = Field(
        default=None, min_length=1, description="Narrows subject and base to these partitions."
    )
    class_: Name | None = Field(default=None, alias="class")
    organisation: Name | None = None
    country: Name | None = None
    commercial: Literal[True] | None = None
    fraction: Fraction01
    of: Literal["awarded", "capacity"]
    rank: int = Field(default=1, ge=0, description="Floors of a lower rank come first.")
    reached_before: Hours = Field(
        default=0.0, description="GPU-hours of its subject that earlier decisions awarded; they count."
    )
    base_before: Hours = Field(
        default=0.0, description="GPU-hours that earlier decisions awarded of what it is a fraction of (`of: awarded`)."
    )


class Problem(Row):
    """A whole decision problem; it has been checked once it exists."""

    format: Literal["fabriek/problem/1"] = "fabriek/problem/1"
    months: list[Month] = Field(min_length=1, max_length=1200, description="Consecutive months, the horizon.")
    partitions: list[Partition]
    programmes: list[Programme]
    threshold: float = Field(
        ge=0, le=1e6, allow_inf_nan=False, description="Applications with a lower score are not awarded."
    )
    value: Literal["score", "score*hours", "score*sqrt(hours)"]
    applications: list[Application]
    promises: list[Promise] = Field(default_factory=list)

    def model_post_init(self, _context: Any, /) -> None:
        """Check what holds between rows. Errors: ProblemError."""
        check_rows(self)

    def to_json(self) -> bytes:
        """The problem in its canonical form: rows in order of id, keys in order, defaults left out."""
        return (json.dumps(canonical_rows(self), ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def load_problem(source: Path | str | bytes) -> Problem:
    """Read a problem from a file (a path) or from the bytes of one.

    Errors: ProblemError, with the path of the fault in the file and a sentence that says what to do; OSError if the
    file can't be read.
    """
    raw = source if isinstance(source, bytes) else read_file(Path(source))
    return parse_problem(read_json(raw))


def read_file(path: Path) -> bytes:
    """The bytes of a file. Errors: ProblemError where it is too large, OSError where it can't be read or is no file."""
    # A pipe that nobody writes to would be waited for without end: it is opened so that this can be seen.
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "is not a regular file; name a file", str(path))
        if about.st_size > FILE_LIMIT:
            raise ProblemError(
                "$", f"is larger than {FILE_LIMIT // 2**20} MiB, so it is not this format; check the file"
            )
        return file.read()


def parse_problem(data: Any) -> Problem:
    """Make a problem of what JSON gives (dictionaries and lists). Errors: ProblemError."""
    if not isinstance(data, dict):
        raise ProblemError("$", "is not a JSON object; start from the example in the format's documentation")
    if data.get("format") != "fabriek/problem/1":
        raise ProblemError("format", f'is {data.get("format")!r}; it must be "fabriek/problem/1"')
    try:
        return Problem.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as error:
        raise first_fault(error) from None


def read_json(raw: bytes) -> Any:
    """Parse JSON that names each key once. Errors: ProblemError, never a parser's own."""
    doubled: list[dict[str, Any]] = []
    try:
        data = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=lambda pairs: _object(pairs, doubled))
    except UnicodeDecodeError as error:
        raise ProblemError("$", f"is not UTF-8 text (byte {error.start}); save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        raise ProblemError(
            "$", f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}; mend the file there"
        ) from None
    except RecursionError:
        raise ProblemError("$", "is nested too deeply to be this format; check the file") from None
    except ValueError:
        # What remains: Python reads no whole number of more than 4,300 digits.
        raise ProblemError("$", "holds a number of thousands of digits; shorten it") from None
    if doubled:
        raise ProblemError(place(*_doubled_at(data)), "is named twice in one object; keep one of the two")
    return data


def canonical(problem: Problem) -> Problem:
    """The same problem with its rows in order of id, so that their order in the file can't change the plan."""
    return problem.model_copy(
        update={
            "partitions": sorted(problem.partitions, key=lambda row: row.id),
            "programmes": sorted(problem.programmes, key=lambda row: row.id),
            "applications": sorted(problem.applications, key=lambda row: row.id),
            "promises": sorted(problem.promises, key=lambda row: row.id),
        }
    )


def canonical_rows(problem: Problem) -> dict[str, Any]:
    """The problem as JSON values with rows in order of id and without fields that have their default.

    Leaving defaults out keeps the fingerprint of old problems when the format gains an optional field.
    """
    rows = problem.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    rows["format"] = problem.format
    for kind in ("partitions", "programmes", "applications", "promises"):
        rows[kind] = sorted(rows.get(kind, []), key=lambda row: row["id"])
    for promise in rows["promises"]:
        for names in ("programmes", "base", "partitions"):
            if names in promise:
                promise[names] = sorted(set(promise[names]))
    return rows


def problem_sha256(problem: Problem) -> str:
    """The fingerprint of the problem, in hexadecimal: it doesn't depend on the order of rows or of keys."""
    text = json.dumps(canonical_rows(problem), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def check_rows(problem: Problem) -> None:
    """Check what holds between the rows of a problem. Errors: ProblemError."""
    _check_months(problem.months)
    for kind in ("partitions", "programmes", "applications", "promises"):
        _check_ids(kind, getattr(problem, kind))
    partitions = {partition.id for partition in problem.partitions}
    programmes = {programme.id for programme in problem.programmes}
    for p, partition in enumerate(problem.partitions):
        _check_length(place("partitions", p, "capacity"), partition.capacity, problem.months)
    _check_shares(problem, partitions)
    for i, application in enumerate(problem.applications):
        _check_application(place("applications", i), application, partitions, programmes, len(problem.months))
    for g, promise in enumerate(problem.promises):
        _check_promise(place("promises", g), promise, partitions, programmes)


def _check_months(months: list[str]) -> None:
    numbers = [int(month[:4]) * 12 + int(month[5:]) for month in months]
    for t in range(1, len(numbers)):
        if numbers[t] != numbers[t - 1] + 1:
            raise ProblemError(
                place("months", t),
                f"is {months[t]}, which does not follow {months[t - 1]}; name consecutive months",
            )


def _check_ids(kind: str, rows: Iterable[Any]) -> None:
    first: dict[str, int] = {}
    for i, row in enumerate(rows):
        if row.id in first:
            raise ProblemError(
                place(kind, i, "id"),
                f"is {row.id!r}, which {place(kind, first[row.id])} has too; give each row its own id",
            )
        first[row.id] = i


def _check_length(path: str, numbers: list[float], months: list[str]) -> None:
    if len(numbers) != len(months):
        raise ProblemError(path, f"has {len(numbers)} numbers for {len(months)} months; give one number for each month")


def _check_shares(problem: Problem, partitions: set[str]) -> None:
    totals = {partition: [0.0] * len(problem.months) for partition in partitions}
    for q, programme in enumerate(problem.programmes):
        for partition, shares in programme.shares.items():
            path = place("programmes", q, "shares", partition)
            if partition not in partitions:
                raise ProblemError(
                    path, "is not a partition of this problem; add it to `partitions` or correct its name"
                )
            _check_length(path, shares, problem.months)
            for t, share in enumerate(shares):
                totals[partition][t] += share
                if totals[partition][t] > 1 + SHARE_TOLERANCE:
                    raise ProblemError(
                        place("programmes", q, "shares", partition, t),
                        f"brings the shares of {partition} in {problem.months[t]} to "
                        f"{100 * totals[partition][t]:.6g} %; lower the shares so that they add up to at most 100 %",
                    )


def _check_application(
    path: str, application: Application, partitions: set[str], programmes: set[str], horizon: int
) -> None:
    if application.programme not in programmes:
        raise ProblemError(
            f"{path}.programme",
            f"is {application.programme!r}, which is not a programme of this problem; add it or correct its name",
        )
    asked: dict[tuple[str, int, int], int] = {}
    for a, alternative in enumerate(application.alternatives):
        # A smaller request for the same place and months is a fallback; the same or a larger one is no order at all.
        where = (alternative.partition, alternative.start, alternative.months)
        before = asked.get(where)
        if before is not None and alternative.hours >= application.alternatives[before].hours:
            raise ProblemError(
                f"{path}.alternatives[{a}]",
                f"asks for no fewer hours of {alternative.partition} in the same months than alternatives[{before}], "
                "so the order of preference contradicts itself; keep one of the two, or ask for less in the later one",
            )
        asked[where] = a
        if alternative.partition not in partitions:
            raise ProblemError(
                f"{path}.alternatives[{a}].partition",
                f"is {alternative.partition!r}, which is not a partition of this problem; add it or correct its name",
            )
        if alternative.start + alternative.months > horizon:
            raise ProblemError(
                f"{path}.alternatives[{a}].months",
                f"ends {alternative.start + alternative.months} months into a horizon of {horizon}; "
                "shorten it, start it earlier, or extend `months`",
            )


def _check_promise(path: str, promise: Promise, partitions: set[str], programmes: set[str]) -> None:
    if promise.programme is not None and promise.programme not in programmes:
        raise ProblemError(
            f"{path}.programme",
            f"is {promise.programme!r}, which is not a programme of this problem; add it or correct its name",
        )
    if promise.programme is not None and promise.programmes is not None:
        raise ProblemError(
            f"{path}.programmes", "stands beside `programme`, which says the same of one; keep one of the two"
        )
    for field, what, names, known in (
        ("programmes", "programme", promise.programmes, programmes),
        ("base", "programme", promise.base, programmes),
        ("partitions", "partition", promise.partitions, partitions),
    ):
        for k, name in enumerate(names or []):
            if name not in known:
                raise ProblemError(
                    f"{path}.{field}[{k}]",
                    f"is {name!r}, which is not a {what} of this problem; add it or correct its name",
                )
    if promise.base is not None:
        subject = programmes if promise.programmes is None else set(promise.programmes)
        missing = (subject if promise.programme is None else {promise.programme}) - set(promise.base)
        if missing:
            raise ProblemError(
                f"{path}.base",
                f"leaves out {min(missing)!r}, whose hours are its subject; a part is of a whole that holds it: add it",
            )
    subjects = [
        name
        for name, given in (
            ("class", promise.class_),
            ("organisation", promise.organisation),
            ("country", promise.country),
            ("commercial", promise.commercial),
        )
        if given is not None
    ]
    if promise.kind == "floor" and subjects != ["class"]:
        raise ProblemError(path, "is a floor, so it names a class and nothing else: give it `class` only")
    if promise.kind == "cap" and len(subjects) != 1:
        raise ProblemError(
            path,
            f"is a cap on {' and '.join(subjects) or 'nothing'}; "
            "name exactly one of `class`, `organisation`, `country` and `commercial: true`",
        )


class _Doubled(dict[str, Any]):
    """An object that names a key twice."""

    twice: str = ""


def _object(pairs: list[tuple[str, Any]], doubled: list[dict[str, Any]]) -> dict[str, Any]:
    """The object of these pairs; one that names a key twice is added to `doubled`."""
    row = dict(pairs)
    if len(row) == len(pairs):
        return row
    found = _Doubled(row)
    seen: set[str] = set()
    found.twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    doubled.append(found)
    return found


def _doubled_at(data: Any) -> tuple[str | int, ...]:
    """Where a key is named twice."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), data)]
    while waiting:
        steps, value = waiting.pop()
        if isinstance(value, _Doubled):
            return (*steps, value.twice)
        if isinstance(value, dict):
            waiting += [((*steps, key), inner) for key, inner in value.items() if isinstance(inner, (dict, list))]
        elif isinstance(value, list):
            waiting += [((*steps, n), inner) for n, inner in enumerate(value) if isinstance(inner, (dict, list))]
    return ()
