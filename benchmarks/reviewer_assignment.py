"""How much better is the assignment of reviewers than greedy by fit, and how long does it take?

Drawn panels: applications and reviewers each mix a few of 40 subjects, a twentieth of the pairs has a conflict of
interest, three reviews an application, load limit: the even share and two. `hard`: no slack in the limits, and a third
of the pairs barred. Peer: greedy, which gives each application in turn its best reviewers with room (what a panel does
by hand); where it runs out of room its reviews are counted as missing. `texts`: fits from texts by TF-IDF, timed too.
"""

from __future__ import annotations

import time
from collections import Counter

import numpy as np

from fabriek.allocation.reviewers import assign_reviewers
from fabriek.allocation.similarity import fit_of_texts

EACH = 3


def panel(seed: int, applications: int, reviewers: int, barred: float) -> tuple[np.ndarray, np.ndarray]:
    """Fits and conflicts: shape (applications, reviewers)."""
    draws = np.random.default_rng(seed)
    asked, known = (draws.dirichlet(np.full(40, 0.1), count) for count in (applications, reviewers))
    lengths = np.linalg.norm(asked, axis=1)[:, None] * np.linalg.norm(known, axis=1)
    return np.round(np.clip(asked @ known.T / lengths, 0, 1), 4), draws.random((applications, reviewers)) < barred


def texts(seed: int, applications: int, reviewers: int) -> np.ndarray:
    """Fits of made-up texts: 120 words an application, 8 a reviewer, of 40 subjects of 60 words."""
    draws = np.random.default_rng(seed)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = ["".join(draws.choice(letters, size)) for size in draws.integers(4, 11, 2400)]

    def text(count: int) -> str:
        subjects = draws.integers(0, 40, 3)
        return " ".join(words[int(draws.choice(subjects)) * 60 + int(draws.integers(60))] for _word in range(count))

    return fit_of_texts([text(120) for _ in range(applications)], [text(8) for _ in range(reviewers)])


def greedy(fit: np.ndarray, barred: np.ndarray, limit: int) -> list[list[int]]:
    """Each application in turn its best reviewers without a conflict who have room."""
    load = np.zeros(fit.shape[1], int)
    chosen = []
    for row, no in zip(fit, barred, strict=True):
        best = [int(r) for r in np.argsort(-row, kind="stable") if not no[r] and load[r] < limit][:EACH]
        load[best] += 1
        chosen.append(best)
    return chosen


def told(chosen: list[list[int]], fit: np.ndarray) -> tuple[float, float, int, int]:
    """Sum of fits, the worst tenth's mean fit per application, spread of loads, reviews missing."""
    loads = Counter(r for row in chosen for r in row)
    each = np.array([fit[a, row].sum() for a, row in enumerate(chosen)])
    counts = [loads[r] for r in range(fit.shape[1])]
    worst = float(np.sort(each)[: max(1, len(each) // 10)].mean())
    return float(each.sum()), worst, max(counts) - min(counts), EACH * len(chosen) - sum(counts)


def main() -> None:
    print(
        f"{'panel':<24}{'evenness':>9} |{'fit':>9}{'/greedy':>9} |{'worst tenth':>12}{'greedy':>8} |"
        f"{'spread':>7}{'greedy':>7} |{'missing':>8}{'greedy':>7} |{'seconds':>8}{'greedy':>7}"
    )
    for applications, reviewers, kind in [
        (100, 20, ""),
        (1_000, 100, ""),
        (1_000, 100, "hard"),
        (5_000, 400, ""),
        (5_000, 400, "hard"),
        (1_000, 100, "texts"),
        (5_000, 400, "texts"),
    ]:
        names, people = [f"a{n:04}" for n in range(applications)], [f"r{n:03}" for n in range(reviewers)]
        fit, barred = panel(7, applications, reviewers, 0.33 if kind == "hard" else 0.05)
        made = 0.0
        if kind == "texts":
            began = time.perf_counter()
            fit = texts(7, applications, reviewers)
            made = time.perf_counter() - began
        limit = -(-EACH * applications // reviewers) + (0 if kind == "hard" else 2)
        conflicts = [(names[a], people[r]) for a, r in zip(*np.nonzero(barred), strict=True)]
        began = time.perf_counter()
        peer = told(greedy(fit, barred, limit), fit)
        peer_seconds = time.perf_counter() - began
        place = {name: n for n, name in enumerate(people)}
        for evenness in (1.0, 0.05):
            began = time.perf_counter()
            assigned = assign_reviewers(
                names, people, EACH, conflicts, fit, limits=dict.fromkeys(people, limit), evenness=evenness
            )
            took = time.perf_counter() - began
            mine = told([[place[r] for r in assigned[a]] for a in names], fit)
            print(
                f"{f'{applications} x {reviewers} {kind}':<24}{evenness:>9} |"
                f"{mine[0]:>9,.0f}{mine[0] / peer[0]:>9.3f} |"
                f"{mine[1]:>12.2f}{peer[1]:>8.2f} |{mine[2]:>7}{peer[2]:>7} |{mine[3]:>8}{peer[3]:>7} |"
                f"{took:>8.2f}{peer_seconds:>7.2f}"
            )
        if made:
            print(f"{'':<24}fits from texts: {made:.1f} s, the making of the texts among them")


if __name__ == "__main__":
    main()
