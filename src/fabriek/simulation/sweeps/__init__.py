"""Many simulations that one file describes: run in pieces, each point kept as it ends, so that any of it may be killed.

A point is a place in the grid of a sweep: a trace at a load with a seed, a machine, a policy, and floors. The same
pieces run on the cores of one machine (`pool.py`) and as the tasks of any scheduler's job array.
"""
