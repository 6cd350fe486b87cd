"""How the loops are compiled: by numba, cached on disk, so that a process compiles only what changed."""

from __future__ import annotations

import numba
import numpy as np

jit = numba.njit(cache=True, nogil=True)

ENDLESS = np.iinfo(np.int64).max // 4
"""Later than any instant, longer than any time, more than any number of processors; adding two doesn't overflow."""


@jit
def bits(number: int) -> int:
    """How often a whole number can be halved before it is 1: its class of size. 0 for 1 and below."""
    found = 0
    while number > 1:
        number >>= 1
        found += 1
    return found
