"""How well a reviewer's words fit an application's words: the likeness of texts by TF-IDF.

Salton and Buckley, 'Term-weighting approaches in automatic text retrieval' (1988), as scikit-learn computes it. Nothing
is downloaded and nothing leaves the machine. Words and pairs of words find the same term; groups of three to five
letters find what grew from the same stem, in any language that is written with spaces: 'climate' and 'klimaat' no,
'weather' and 'weathering' yes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

# What is alike to four places is the same: the last bits of a sum differ between machines, and a tie must not.
_PLACES = 4


def fit_of_texts(applications: Sequence[str], reviewers: Sequence[str]) -> np.ndarray:
    """Fit of each application (row) with each reviewer (column), 0 to 1: shape (applications, reviewers).

    The mean of two cosines: over words and over groups of letters. A text without a word fits nothing: 0. How rare a
    word is, is counted over all the texts given, so the order of the texts doesn't matter and the set of them does.
    """
    words = _cosines(applications, reviewers, analyzer="word", ngram_range=(1, 2))
    letters = _cosines(applications, reviewers, analyzer="char_wb", ngram_range=(3, 5))
    return np.round(np.clip((words + letters) / 2, 0.0, 1.0), _PLACES)


def _cosines(applications: Sequence[str], reviewers: Sequence[str], **how: Any) -> np.ndarray:
    """Cosines of the TF-IDF vectors. Only what some reviewer's text holds can be alike: the rest is not counted."""
    nothing = np.zeros((len(applications), len(reviewers)))
    known = TfidfVectorizer(strip_accents="unicode", **how)
    try:
        known.fit(reviewers)
    except ValueError:  # "empty vocabulary": no reviewer's text holds a word
        return nothing
    weigher = TfidfVectorizer(strip_accents="unicode", sublinear_tf=True, vocabulary=known.vocabulary_, **how)
    weighed = weigher.fit_transform([*reviewers, *applications])
    of_reviewers, of_applications = weighed[: len(reviewers)], weighed[len(reviewers) :]
    return np.asarray((of_applications @ of_reviewers.T).toarray())
