"""Why: of each application, of each promise, of each partition; in data and in words.

reasons.py      why an application got nothing: the refusals of a plan
"""

from fabriek.allocation.explain.reasons import refusals_of

__all__ = ["refusals_of"]
