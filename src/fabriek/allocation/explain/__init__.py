"""Why: of each application, of each promise, of each partition; in data and in words.

reasons.py      why an application got nothing: the refusals of a plan
application.py  why one application got what it got, and the smallest changes that would have made it (`changes.py`)
holders.py      who holds the hours that an application was displaced from
estimates.py    how far all refused ones were, by the prices
prices.py       what keeping a promise costs, and what more of a partition would add
words.py        the sentences; model.py the data, `fabriek/explanation/1`
"""

from fabriek.allocation.explain.reasons import refusals_of  # first: what solves needs it

from fabriek.allocation.explain.application import explain_all, explain_application, explain_below, explain_some  # isort: skip
from fabriek.allocation.explain.estimates import estimates_of  # isort: skip
from fabriek.allocation.explain.model import Change, Explanation, Holder, PartitionPrice, PromisePrice  # isort: skip
from fabriek.allocation.explain.prices import price_partitions, price_promises  # isort: skip
from fabriek.allocation.explain.words import (  # isort: skip
    Speech,
    change_sentences,
    outcome_sentences,
    partition_sentence,
    passed_over_sentence,
    promise_sentence,
    reason_sentences,
    sentences,
    short_reason,
    short_words,
)

__all__ = [
    "Change",
    "Explanation",
    "Holder",
    "PartitionPrice",
    "PromisePrice",
    "Speech",
    "change_sentences",
    "estimates_of",
    "explain_all",
    "explain_application",
    "explain_below",
    "explain_some",
    "outcome_sentences",
    "partition_sentence",
    "passed_over_sentence",
    "price_partitions",
    "price_promises",
    "promise_sentence",
    "reason_sentences",
    "refusals_of",
    "sentences",
    "short_reason",
    "short_words",
]
