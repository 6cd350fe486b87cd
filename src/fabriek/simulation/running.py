"""Running jobs: a heap of their real ends, and a list sorted by the ends that they were estimated to have.

The sorted list is kept in blocks, each with the sum of its jobs' units, so that "when is there room for so many" skips
whole blocks: `order[pool, :blocks]` are a pool's blocks, `pairs[b, :count]` the instants and jobs of block b.
Neighbours that could share half a block are merged: with R jobs there are at most R / 16 + 2 blocks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.compiled import ENDLESS, jit
from fabriek.simulation.state import BLOCK, HEAPED, PAIR, SPARE

_MOST = 64


@jit
def _before(pair, when, who):
    return pair.when < when or (pair.when == when and pair.who < who)


@jit
def _rise(heap, place, when, who):
    """Put a pair here, or above as far as it comes before."""
    while place > 0:
        above = (place - 1) // 2
        if _before(heap[above], when, who):
            break
        heap[place].when, heap[place].who = heap[above].when, heap[above].who
        place = above
    heap[place].when, heap[place].who = when, who


@jit
def _sink(heap, held, place, when, who):
    """Put a pair here, or below as far as it comes after."""
    while True:
        below = 2 * place + 1
        if below >= held:
            break
        if below + 1 < held and _before(heap[below + 1], heap[below].when, heap[below].who):
            below += 1
        if not _before(heap[below], when, who):
            break
        heap[place].when, heap[place].who = heap[below].when, heap[below].who
        place = below
    heap[place].when, heap[place].who = when, who


@jit
def heap_push(heap, counts, when, who):
    """Add an end: of the earliest instant first, of one instant the lowest job."""
    counts[HEAPED] += 1
    _rise(heap, counts[HEAPED] - 1, when, who)


@jit
def heap_pop(heap, counts):
    """Take the first end out; returns its job."""
    found = heap[0].who
    counts[HEAPED] -= 1
    last = counts[HEAPED]
    _sink(heap, last, 0, heap[last].when, heap[last].who)
    return found


@jit
def heap_remove(heap, counts, who):
    """Take a job's end out, wherever it is."""
    place = 0
    while heap[place].who != who:
        place += 1
    counts[HEAPED] -= 1
    last = counts[HEAPED]
    if place < last:
        _sink(heap, last, place, heap[last].when, heap[last].who)
        _rise(heap, place, heap[place].when, heap[place].who)


def room_for_ends(pools: int, most: int) -> dict[str, NDArray[Any]]:
    """Nothing runs, and at most `most` jobs ever do at once: the fields of `Simulation` for that."""
    blocks = most // 16 + 3 * pools + 1
    return {
        "heap": np.zeros(most + 1, PAIR),
        "order": np.zeros((pools, blocks), np.int64),
        "blocks": np.zeros(blocks, BLOCK),
        "pairs": np.zeros((blocks, _MOST), PAIR),
        "spare": np.arange(blocks),
    }


@jit
def _block_of(order, blocks, pairs, count, when, who):
    """Place in a pool's order of the first block that doesn't end before this pair; the number of blocks: none."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        block = order[middle]
        if _before(pairs[block, blocks[block].count - 1], when, who):
            low = middle + 1
        else:
            high = middle
    return low


@jit
def _open_block(order, blocks, spare, counts, pool, place):
    """A new block at this place of a pool's order."""
    counts[SPARE] -= 1
    block = spare[counts[SPARE]]
    for other in range(pool.blocks, place, -1):
        order[other] = order[other - 1]
    order[place] = block
    pool.blocks += 1
    blocks[block].count = 0
    blocks[block].total = 0
    return block


@jit
def _close_block(order, spare, counts, pool, place):
    spare[counts[SPARE]] = order[place]
    counts[SPARE] += 1
    pool.blocks -= 1
    for other in range(place, pool.blocks):
        order[other] = order[other + 1]


@jit
def ends_add(simulation, number, units, when, who):
    """A job starts in this pool that is estimated to end then."""
    blocks, pairs = simulation.blocks, simulation.pairs
    order, pool = simulation.order[number], simulation.pools[number]
    if pool.blocks == 0:
        _open_block(order, blocks, simulation.spare, simulation.counts, pool, 0)
        place = 0
    else:
        place = min(_block_of(order, blocks, pairs, pool.blocks, when, who), pool.blocks - 1)
    block = order[place]
    if blocks[block].count == _MOST:
        other = _open_block(order, blocks, simulation.spare, simulation.counts, pool, place + 1)
        half = _MOST // 2
        for n in range(half, _MOST):
            pair = pairs[block, n]
            pairs[other, n - half].when, pairs[other, n - half].who = pair.when, pair.who
            blocks[other].total += simulation.jobs[pair.who].units
        blocks[other].count = _MOST - half
        blocks[block].count = half
        blocks[block].total -= blocks[other].total
        if _before(pairs[block, half - 1], when, who):
            block = other
    n = blocks[block].count
    while n > 0 and not _before(pairs[block, n - 1], when, who):
        pairs[block, n].when, pairs[block, n].who = pairs[block, n - 1].when, pairs[block, n - 1].who
        n -= 1
    pairs[block, n].when, pairs[block, n].who = when, who
    blocks[block].count += 1
    blocks[block].total += units


@jit
def _merge(order, blocks, pairs, spare, counts, pool, place):
    """Let the block of this place take in the next one, where both are small."""
    if place < 0 or place + 1 >= pool.blocks:
        return
    block, other = order[place], order[place + 1]
    count = blocks[block].count
    if count + blocks[other].count > _MOST // 2:
        return
    for n in range(blocks[other].count):
        pairs[block, count + n].when, pairs[block, count + n].who = pairs[other, n].when, pairs[other, n].who
    blocks[block].count += blocks[other].count
    blocks[block].total += blocks[other].total
    _close_block(order, spare, counts, pool, place + 1)


@jit
def ends_remove(simulation, number, units, when, who):
    """A job of this pool ends, or is stopped, that was estimated to end then."""
    blocks, pairs, spare, counts = simulation.blocks, simulation.pairs, simulation.spare, simulation.counts
    order, pool = simulation.order[number], simulation.pools[number]
    place = _block_of(order, blocks, pairs, pool.blocks, when, who)
    block = order[place]
    n = 0
    while pairs[block, n].who != who:
        n += 1
    blocks[block].count -= 1
    blocks[block].total -= units
    for other in range(n, blocks[block].count):
        pairs[block, other].when, pairs[block, other].who = pairs[block, other + 1].when, pairs[block, other + 1].who
    if blocks[block].count == 0:
        _close_block(order, spare, counts, pool, place)
        return
    _merge(order, blocks, pairs, spare, counts, pool, place)
    _merge(order, blocks, pairs, spare, counts, pool, place - 1)


@jit
def room_at(simulation, number, need):
    """When, by the estimates, `need` units of a pool are free that aren't yet, and how many more are free then: all
    that end at that instant count."""
    jobs, blocks, pairs = simulation.jobs, simulation.blocks, simulation.pairs
    order, pool = simulation.order[number], simulation.pools[number]
    gathered = pool.free
    instant = ENDLESS
    for place in range(pool.blocks):
        block = order[place]
        if instant == ENDLESS and gathered + blocks[block].total < need:
            gathered += blocks[block].total
            continue
        for n in range(blocks[block].count):
            when = pairs[block, n].when
            if when > instant:
                return instant, gathered - need
            gathered += jobs[pairs[block, n].who].units
            if instant == ENDLESS and gathered >= need:
                instant = when
    return instant, (gathered - need if instant < ENDLESS else 0)
