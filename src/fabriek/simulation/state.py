"""What the loop works on: few arrays of records, since each array that is handed to a compiled function costs.

Jobs that share whatever decides whether and when they are served are in one lane: the same association, QOS, class and
pool. Of a lane, the order of service is fixed before the run, as all factors of priority that its jobs don't share are.
A lane has a twin, `lanes / 2` further on, for its jobs of full age, where the policy knows ages.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.compiled import borrowed, jit

JOB = np.dtype(
    [
        ("submit", np.int64),
        ("run", np.int64),
        ("estimate", np.int64),
        ("units", np.int64),  # that it takes of its pool
        ("young", np.int64),  # its place in the queue's index while its age grows
        ("old", np.int64),  # and when it is of full age
        ("start", np.int64),  # of its last run; -1: it never ran
        ("end", np.int64),
        ("lane", np.int64),  # -1: it is an outage
        ("aged", np.bool_),
        ("chosen", np.bool_),  # where a job has a copy for each of several sites: this one
    ],
    align=True,
)
SHAPE = np.dtype(
    [
        ("spread", np.int64),  # number of nodes that a job takes
        ("cores", np.int64),  # of each of them
        ("gpus", np.int64),
        ("link", np.int64),  # to the first of its nodes; -1: it has none
    ]
)
LANE = np.dtype(
    [
        ("first", np.int64),  # its jobs' places in the index are from here
        ("last", np.int64),  # to before here
        ("front", np.int64),  # nobody waits in a place before this
        ("waiting", np.int64),
        ("fewest", np.int64),  # no job that waits in it asks fewer units
        ("offset", np.float64),  # what the priorities of its jobs have in common
        ("pool", np.int64),
        ("klass", np.int64),
        ("tier", np.int64),
        ("association", np.int64),
        ("seat", np.int64),  # its place among the lanes in which somebody waits
        ("active", np.int64),  # not of this lane: the lane of the seat with this number
    ]
)
POOL = np.dtype(
    [
        ("whole", np.int64),
        ("free", np.int64),
        ("head", np.int64),  # the first job of its queue; -1: nobody waits
        ("shadow", np.int64),  # when the head can start at the latest, by the estimates
        ("extra", np.int64),  # units that it leaves then
        ("blocks", np.int64),  # of `order`
        ("waiting_units", np.int64),  # that jobs ask which wait or are on their way, where jobs are sent to sites
        ("waiting_seconds", np.int64),  # and unit-seconds
        ("first_node", np.int64),  # its nodes are from here
        ("last_node", np.int64),  # to before here
        ("node_cores", np.int64),  # of each
        ("node_gpus", np.int64),
        ("apart", np.int64),  # the node of which a part is set aside for the head; -1: none is
    ]
)
NODE = np.dtype(
    [
        ("cores", np.int64),  # free now
        ("gpus", np.int64),
        ("later_cores", np.int64),  # free at the shadow time, without what is set aside for the head,
        ("later_gpus", np.int64),
        ("seen", np.int64),  # as of the pass of this number
    ]
)
SHELF = np.dtype(
    [
        ("count", np.int64),  # nodes on it
        ("aside", np.int64),  # of these, those that are set aside for the head
        ("low", np.int64),  # none of them comes before this one
    ]
)
LIMIT = np.dtype(
    [
        ("most_units", np.int64),
        ("most_jobs", np.int64),
        ("most_seconds", np.int64),
        ("units", np.int64),  # at present
        ("jobs", np.int64),
        ("seconds", np.int64),
    ]
)
ASSOCIATION = np.dtype(
    [
        ("usage", np.float64),  # decayed unit-seconds up to the last working out of priorities
        ("pending", np.float64),  # those since
        ("units", np.int64),  # that run
        ("since", np.int64),  # up to when `pending` counts them
    ]
)
PLACE = np.dtype(
    [
        ("units", np.int64),
        ("estimate", np.int64),
        ("key", np.float64),  # what of the job's priority is its own
        ("job", np.int64),
        ("queued", np.bool_),
    ],
    align=True,
)
OUTAGE = np.dtype(
    [
        ("since", np.int64),
        ("until", np.int64),
        ("pool", np.int64),
        ("node", np.int64),  # -1: which units go is a matter of luck
        ("units", np.int64),
        ("luck", np.float64),  # from 0 to below 1
    ]
)
ASKED = np.dtype([("submit", np.int64), ("home", np.int64)])
RUN = np.dtype([("job", np.int64), ("start", np.int64), ("end", np.int64), ("cause", np.int64)])
PAIR = np.dtype([("when", np.int64), ("who", np.int64)])
BLOCK = np.dtype([("count", np.int64), ("total", np.int64)])

WORD = 32
"""Nodes in each word of bits: not 64, so that none is below nought. No word has nodes of two pools."""

# Places in `counts`.
HEAPED, ACTIVE, SEGMENT, SPARE, LINK, PASS, STOPPED, OUTAGE_AT, ROUTED, TURN = range(10)

# Why a run was stopped: its job waits again in the first two cases.
PREEMPTED, FAILED, KILLED = 1, 2, 3


class Simulation(NamedTuple):
    """All of it. Records by job, lane, pool, limit and association as above, and

    - `places` of the queue's index and its `tree` (`waiting.py`);
    - `heap` of real ends; `order`, `blocks`, `pairs` and `spare` of estimated ends (`running.py`);
    - `of_lane`: a row of limits for each lane (not for its twin), filled up with -1;
    - what is held for classes, in segments of time from `since[s]` to the next: `kept[pool, s, class]` units, in the
      last column for nobody; `busy[pool, s, class]`, units of running jobs that by their estimates still run when s
      begins, and of the present segment, those that run at all, in the last column those that are away;
      `then[pool, class]`, those that will be at the shadow time;
    - `nodes`, none where any unit of a pool serves any job, `shapes` of jobs and outages on them, and `links[link]`: a
      node and the same job's next link;
    - `shelves[pool, gpus, cores]` of nodes with so many free, and their `members[gpus, cores]`, a bit for each node;
      `aside`, a bit for each node that is set aside for its pool's head; `freed`, room for numbers of nodes to work in;
    - `barred[s, class, word]`, a bit for each node that jobs of a class may not have in a segment of time; `fitting`,
      room for such bits to work in;
    - `had[had_from[job]:]`, the nodes that each job had last, or nothing, where nobody asks;
    - `stopped` runs; `outages` in the order of their beginning;
    - `asked`, jobs in the order in which sites are chosen for them, and `copies[asked, pool]`, their numbers among
      `jobs`, -1 where one can't go;
    - `counts`: pairs in the heap, active lanes, the present segment, spare blocks, the first link that nobody uses,
      passes in which nodes were set aside, stopped runs, outages that have begun, jobs for which a site was chosen,
      the site whose turn is next.

    Without nodes, what is held, preemption, outages and sites all that is theirs is None: see `needs`.
    """

    jobs: NDArray[Any]
    lanes: NDArray[Any]
    pools: NDArray[Any]
    limits: NDArray[Any]
    associations: NDArray[Any]
    places: NDArray[Any]
    tree: NDArray[np.int64]
    heap: NDArray[Any]
    order: NDArray[np.int64]
    blocks: NDArray[Any]
    pairs: NDArray[Any]
    spare: NDArray[np.int64]
    of_lane: NDArray[np.int64]
    since: NDArray[np.int64]
    kept: NDArray[np.int64] | None
    busy: NDArray[np.int64] | None
    then: NDArray[np.int64] | None
    nodes: NDArray[Any] | None
    shapes: NDArray[Any] | None
    links: NDArray[np.int64] | None
    shelves: NDArray[Any] | None
    members: NDArray[np.int64] | None
    aside: NDArray[np.int64] | None
    freed: NDArray[np.int64] | None
    barred: NDArray[np.int64] | None
    fitting: NDArray[np.int64] | None
    had: NDArray[np.int32] | None
    had_from: NDArray[np.int64] | None
    stopped: NDArray[Any] | None
    outages: NDArray[Any] | None
    asked: NDArray[Any] | None
    copies: NDArray[np.int64] | None
    counts: NDArray[np.int64]


@jit
def lent(simulation):
    """The same, for as long as the caller keeps it: see `borrowed`."""
    return Simulation(
        borrowed(simulation.jobs),
        borrowed(simulation.lanes),
        borrowed(simulation.pools),
        borrowed(simulation.limits),
        borrowed(simulation.associations),
        borrowed(simulation.places),
        borrowed(simulation.tree),
        borrowed(simulation.heap),
        borrowed(simulation.order),
        borrowed(simulation.blocks),
        borrowed(simulation.pairs),
        borrowed(simulation.spare),
        borrowed(simulation.of_lane),
        borrowed(simulation.since),
        borrowed(simulation.kept),
        borrowed(simulation.busy),
        borrowed(simulation.then),
        borrowed(simulation.nodes),
        borrowed(simulation.shapes),
        borrowed(simulation.links),
        borrowed(simulation.shelves),
        borrowed(simulation.members),
        borrowed(simulation.aside),
        borrowed(simulation.freed),
        borrowed(simulation.barred),
        borrowed(simulation.fitting),
        borrowed(simulation.had),
        borrowed(simulation.had_from),
        borrowed(simulation.stopped),
        borrowed(simulation.outages),
        borrowed(simulation.asked),
        borrowed(simulation.copies),
        borrowed(simulation.counts),
    )
