"""What can be wrong with a problem or a plan, told with the path in the file and what to do about it."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import ValidationError

PLAIN_KEY = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


class FormatError(Exception):
    """A file does not hold what its format says.

    path: where, as in `applications[3].alternatives[0].hours` (`$` is the whole file); sentence: what to do.
    """

    def __init__(self, path: str, sentence: str) -> None:
        super().__init__(f"{path} {sentence}")
        self.path = path
        self.sentence = sentence


class ProblemError(FormatError):
    """A decision problem that can't be solved as it stands."""


class PlanError(FormatError):
    """A file that is not a plan."""


def place(*steps: str | int) -> str:
    """The path of a place in a JSON file.

    `place("programmes", 0, "shares", "a/b")` gives `programmes[0].shares["a/b"]`.
    """
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif PLAIN_KEY.match(step):
            path += f".{step}" if path else step
        else:
            path += f"[{json.dumps(step, ensure_ascii=not step.isprintable())}]"
    return path or "$"


def first_fault(error: ValidationError, kind: type[FormatError] = ProblemError) -> FormatError:
    """The first of pydantic's faults as one of ours."""
    fault = error.errors(include_url=False)[0]
    steps = [step for step in fault["loc"] if step != "[key]"]
    return kind(place(*steps), _sentence(fault))


def _sentence(fault: Any) -> str:
    given = _shown(fault.get("input"))
    context = fault.get("ctx", {})
    sentences = {
        "missing": "is missing; add it",
        "extra_forbidden": "is not a field of this format; remove it or correct its name",
        "finite_number": f"is {given}; give a finite number",
        "float_type": f"is {given}; {_number_wanted(fault.get('input'))}",
        "int_type": f"is {given}; give a whole number, without quotes",
        "int_from_float": f"is {given}; give a whole number",
        "string_unicode": f"is {given}, which holds half a character; give a text of whole ones",
        "string_type": f"is {given}; give a text in quotes",
        "bool_type": f"is {given}; give true or false",
        "list_type": f"is {given}; give a list",
        "dict_type": f"is {given}; give an object",
        "model_type": f"is {given}; give an object",
        "string_too_short": "is empty; give a text",
        "string_too_long": f"is longer than {context.get('max_length')} characters; shorten it",
        "too_short": f"has {context.get('actual_length')} rows; give at least {context.get('min_length')}",
        "too_long": f"has {context.get('actual_length')} rows; give at most {context.get('max_length')}",
        "greater_than_equal": f"is {given}; give at least {context.get('ge')}",
        "greater_than": f"is {given}; give more than {context.get('gt')}",
        "less_than_equal": f"is {given}; give at most {_number(context.get('le'))}",
        "literal_error": f"is {given}; give {context.get('expected')}",
        "string_pattern_mismatch": f"is {given}; it must look like {_example(context.get('pattern'))}",
    }
    return sentences.get(fault["type"], f"is {given}: {fault['msg']}")


def _number_wanted(given: Any) -> str:
    is_number = isinstance(given, int) and not isinstance(given, bool)
    return "that is too large for this format" if is_number else "give a number, without quotes"


def _number(number: Any) -> str:
    return f"{number:g}" if isinstance(number, float) else str(number)


def _example(pattern: Any) -> str:
    return "2027-01" if pattern and pattern.startswith("^[0-9]{4}-") else f"the pattern {pattern}"


def _shown(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 60 else text[:57] + "..."
