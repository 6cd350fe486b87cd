"""The queue with an index by size: the next job that may start is found without looking at those that can't.

Every job of the trace has a place, fixed beforehand, in the order in which its lane is served. A binary tree over
blocks of places keeps, of the jobs that wait below a node, the fewest units that one asks, and the shortest estimate
among those of at most each class of size (powers of two). A job may be backfilled where it asks at most `extra`
units, or at most `room` and ends within `window`: a node is gone into only if both minima leave that open. Only jobs
in the topmost class of size can make it look in vain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.compiled import ENDLESS, bits, jit

_BLOCK = 16


def empty_tree(places: int, most: int) -> NDArray[np.int64]:
    """The tree over so many places of which nobody waits; no job asks more than `most` units.

    Of a node, column 0 has the fewest units, column 1 + k the shortest estimate of classes up to k.
    """
    leaves = 1
    while leaves * _BLOCK < places:
        leaves *= 2
    return np.full((2 * leaves, 1 + most.bit_length()), ENDLESS, np.int64)


@jit
def put(places, tree, place):
    """Let the job of this place wait."""
    units, estimate = places[place].units, places[place].estimate
    places[place].queued = True
    node = len(tree) // 2 + place // _BLOCK
    least = 1 + bits(units)
    while node >= 1:
        changed = units < tree[node, 0]
        if changed:
            tree[node, 0] = units
        # The shortest falls with the class: once it isn't longer, it isn't in any class above either.
        for k in range(least, tree.shape[1]):
            if estimate >= tree[node, k]:
                break
            tree[node, k] = estimate
            changed = True
        if not changed:
            return
        node >>= 1


@jit
def take(places, tree, place):
    """Let the job of this place wait no longer."""
    places[place].queued = False
    columns = tree.shape[1]
    block = place // _BLOCK
    node = len(tree) // 2 + block
    units, estimate = places[place].units, places[place].estimate
    if units > tree[node, 0] and estimate > tree[node, 1 + bits(units)]:
        return
    tree[node, :] = ENDLESS
    for other in range(block * _BLOCK, min((block + 1) * _BLOCK, len(places))):
        if places[other].queued:
            tree[node, 0] = min(tree[node, 0], places[other].units)
            k = 1 + bits(places[other].units)
            tree[node, k] = min(tree[node, k], places[other].estimate)
    for k in range(2, columns):
        tree[node, k] = min(tree[node, k], tree[node, k - 1])
    node >>= 1
    while node >= 1:
        changed = False
        for k in range(columns):
            least = min(tree[2 * node, k], tree[2 * node + 1, k])
            if least != tree[node, k]:
                tree[node, k] = least
                changed = True
        if not changed:
            return
        node >>= 1


@jit
def column_of(tree, room):
    """The tree's column for jobs of at most so many units."""
    return 1 + min(bits(room), tree.shape[1] - 2)


@jit
def may_fit(tree, node, column, extra, window):
    """Whether the minima of a node leave it open that a job below asks at most `extra` units, or is of the column's
    class of size and no longer than `window`."""
    return tree[node, 0] <= extra or tree[node, column] <= window


@jit
def next_fit(places, tree, first, last, room, extra, window):
    """The first place from `first`, before `last`, whose job asks at most `extra` units, or at most `room` and no
    longer than `window`; -1: none does. `extra` is at most `room`."""
    if first >= last or room < 1:
        return -1
    leaves, column = len(tree) // 2, column_of(tree, room)
    node = leaves + first // _BLOCK
    start = first
    while True:
        if may_fit(tree, node, column, extra, window):
            for place in range(start, min((node - leaves + 1) * _BLOCK, last)):
                if places[place].queued:
                    units = places[place].units
                    if units <= extra or (units <= room and places[place].estimate <= window):
                        return place
        # On to the next subtree to the right in which the minima leave it open, and down to its first such block.
        while True:
            while node & 1:
                node >>= 1
                if node <= 1:
                    return -1
            node += 1
            leaf = node
            while leaf < leaves:
                leaf <<= 1
            if (leaf - leaves) * _BLOCK >= last:
                return -1
            if may_fit(tree, node, column, extra, window):
                break
        while node < leaves:
            node <<= 1
            if not may_fit(tree, node, column, extra, window):
                node += 1
        start = (node - leaves) * _BLOCK
