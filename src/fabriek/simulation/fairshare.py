"""Fair-share as Slurm works it out: use that fades by half-lives, and a factor for each user of an account.

A tree in arrays: node 0 is the root, parents come before their children, the leaves are the users of accounts
(associations). Sources: "Multifactor Priority Plugin" and "Fair Tree Fairshare Algorithm", slurm.schedmd.com.
"""

from __future__ import annotations

from math import frexp, ldexp
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.compiled import entry, jit


class Tree(NamedTuple):
    """`parent[node]` (of the root -1), `share[node]` of its siblings' shares together (between 0 and 1), `leaf[node]`
    the association or -1, and `children[first[node]:first[node + 1]]`."""

    parent: NDArray[np.int32]
    share: NDArray[np.float64]
    leaf: NDArray[np.int32]
    first: NDArray[np.int32]
    children: NDArray[np.int32]
    leaves: int


def tree_of(parent: list[int], raw: list[float], leaf: list[int]) -> Tree:
    """The tree of these nodes; raw shares are divided by their siblings' together."""
    count = len(parent)
    together = np.zeros(count)
    for node in range(1, count):
        together[parent[node]] += raw[node]
    share = np.ones(count)
    for node in range(1, count):
        share[node] = raw[node] / together[parent[node]] if together[parent[node]] else 0.0
    above = np.asarray(parent, np.int32)
    order = np.argsort(above, kind="stable").astype(np.int32)
    first = np.searchsorted(above[order], np.arange(count + 1)).astype(np.int32)
    return Tree(above, share, np.asarray(leaf, np.int32), first, order, sum(one >= 0 for one in leaf))


@jit
def _summed(tree, usage):
    """Use of each node: of a leaf its association's, of others their children's together."""
    used = np.zeros(len(tree.parent))
    for node in range(len(tree.parent) - 1, 0, -1):
        if tree.leaf[node] >= 0:
            used[node] = usage[tree.leaf[node]]
        used[tree.parent[node]] += used[node]
    return used


@entry
def classic(tree, usage, damping, factor):
    """Fill `factor`, by association, with 2^(-effective use / share / damping), of the whole machine's use and shares.

    A node's effective use is its own, and of what its parent's is more than that, its share among its siblings.
    """
    used = _summed(tree, usage)
    whole = used[0]
    effective = np.zeros(len(used))
    share = np.ones(len(used))
    effective[0] = 1.0
    for node in range(1, len(used)):
        above = tree.parent[node]
        share[node] = share[above] * tree.share[node]
        own = used[node] / whole if whole > 0 else 0.0
        # Accounts right below the root have their own use, as the root's is everybody's.
        effective[node] = own if above == 0 else own + (effective[above] - own) * tree.share[node]
        if tree.leaf[node] >= 0:
            factor[tree.leaf[node]] = 2.0 ** (-effective[node] / share[node] / damping) if share[node] > 0 else 0.0


@jit
def _ratio(share, part):
    """A share over a part, to 32 bits: the same for the same ratio, however it was rounded."""
    if part == 0:
        return 0.0
    digits, power = frexp(share / part)
    return ldexp(float(round(ldexp(digits, 32))), power - 32)


@entry
def fair_tree(tree, usage, factor):
    """Fill `factor`, by association, with its rank in the fair tree: 1 for the first, 1 / leaves for the last.

    Siblings are ranked by their share over their part of the siblings' use; a whole account goes before the next one.
    Accounts that are level are ranked as if their children were siblings, users that are level get the same rank, and
    users go before accounts that they are level with.
    """
    used = _summed(tree, usage)
    level = np.empty(len(used))
    level[0] = np.inf
    for node in range(1, len(used)):
        together = used[tree.parent[node]]
        part = used[node] / together if together > 0 else 0.0
        level[node] = np.inf if part == 0 and tree.share[node] > 0 else _ratio(tree.share[node], part)
    # A stack of groups of nodes, each to be ranked among themselves; the groups lie behind one another in `nodes`.
    nodes = np.empty(2 * len(used) + 2, np.int32)
    starts = np.empty(len(used) + 2, np.int32)
    below = np.empty(len(used), np.int32)
    nodes[0] = 0
    starts[0], starts[1] = 0, 1
    groups = 1
    rank = tree.leaves
    while groups > 0:
        groups -= 1
        # Users of a level group are ranked here; the children of its accounts, together, below.
        tied, held, accounts = 0, 0, 0
        for place in range(starts[groups], starts[groups + 1]):
            node = nodes[place]
            if tree.leaf[node] >= 0:
                factor[tree.leaf[node]] = rank / tree.leaves
                tied += 1
            for other in range(tree.first[node], tree.first[node + 1]):
                below[held] = tree.children[other]
                accounts += tree.leaf[below[held]] < 0
                held += 1
        rank -= tied
        _sort_by_level(level, below, held)
        if accounts == 0:
            rank = _rank_users(tree, level, below, held, rank, factor)
            continue
        # The least favoured group is put on the stack first, so that the most favoured is taken next.
        top = starts[groups]
        last = held
        while last > 0:
            first = last - 1
            while first > 0 and level[below[first - 1]] == level[below[last - 1]]:
                first -= 1
            for n in range(first, last):
                nodes[top] = below[n]
                top += 1
            groups += 1
            starts[groups] = top
            last = first


@jit
def _sort_by_level(level, nodes, count):
    """Put the first so many nodes in falling order of their levels; equals stay in their order."""
    if count > 32:
        nodes[:count] = nodes[:count][np.argsort(-level[nodes[:count]], kind="mergesort")]
        return
    for n in range(1, count):
        node = nodes[n]
        place = n
        while place > 0 and level[nodes[place - 1]] < level[node]:
            nodes[place] = nodes[place - 1]
            place -= 1
        nodes[place] = node


@jit
def _rank_users(tree, level, users, count, rank, factor):
    """Rank users that are sorted by level from this rank on; returns the next rank."""
    first = 0
    while first < count:
        last = first
        while last < count and level[users[last]] == level[users[first]]:
            factor[tree.leaf[users[last]]] = rank / tree.leaves
            last += 1
        rank -= last - first
        first = last
    return rank
