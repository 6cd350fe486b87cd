"""What recipes refuse."""

from __future__ import annotations

from fabriek.conf.errors import Invalid, NotFound, Refused


class UnknownRecipe(NotFound):
    """There is no recipe of this code."""

    slug = "unknown-recipe"


class ParametersInvalid(Invalid):
    """What was filled in doesn't hold; `faults` names each parameter."""

    slug = "parameters-invalid"


class RecipeRefused(Refused):
    """The recipe can't run on this allocation."""

    slug = "recipe-refused"
