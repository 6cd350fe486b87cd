"""Traces of a few jobs on a small machine, drawn by hypothesis: times close together, so that much happens at once."""

from __future__ import annotations

from hypothesis import strategies as st

from fabriek.simulation.jobs import Jobs, jobs_of

WHOLE = 8

_JOB = st.tuples(
    st.integers(0, 40),
    st.integers(0, 12),
    st.integers(0, 8),
    st.integers(1, WHOLE),
    *[st.integers(0, 2)] * 4,
)


def drawn_jobs(rows: list[tuple[int, ...]]) -> Jobs:
    """From rows of submission, run, what the estimate is more, processors, user, account, class and QOS."""
    submit, run, more, size, user, account, klass, qos = zip(*rows, strict=True)
    return jobs_of(
        submit,
        run,
        size,
        estimate=[max(1, r + m) for r, m in zip(run, more, strict=True)],
        user=user,
        account=account,
        klass=klass,
        qos=qos,
        users=("ada", "bob", "cy"),
        accounts=("physics", "life", "firm"),
        klasses=("academia", "startup", "sme"),
        qoses=("normal", "high", "low"),
    )


TRACES = st.lists(_JOB, min_size=1, max_size=40).map(drawn_jobs)
