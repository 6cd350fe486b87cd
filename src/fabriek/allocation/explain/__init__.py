"""Why: of each application, of each promise, of each partition; in data and in words.

reasons.py      why an application got nothing: the refusals of a plan
application.py  why one application got what it got, and the smallest changes that would have made it (`changes.py`)
estimates.py    how far all refused ones were, by the prices
prices.py       what keeping a promise costs, and what more of a partition would add
words.py        the sentences; model.py the data, `fabriek/explanation/1`
"""

from fabriek.allocation.explain.reasons import refusals_of  # first: what solves needs it

from fabriek.allocation.explain.application import explain_all, explain_application  # isort: skip
from fabriek.allocation.explain.estimates import estimates_of  # isort: skip
from fabriek.allocation.explain.model import Change, Explanation, PartitionPrice, PromisePrice  # isort: skip
from fabriek.allocation.explain.prices import price_partitions, price_promises  # isort: skip
from fabriek.allocation.explain.words import partition_sentence, promise_sentence, sentences  # isort: skip

__all__ = [
    "Change",
    "Explanation",
    "PartitionPrice",
    "PromisePrice",
    "estimates_of",
    "explain_all",
    "explain_application",
    "partition_sentence",
    "price_partitions",
    "price_promises",
    "promise_sentence",
    "refusals_of",
    "sentences",
]
