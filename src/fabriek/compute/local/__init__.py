"""The embedded engine: batch scripts as processes of this machine, queued and limited as Slurm would.

For demonstrations, tests and single-user machines: jobs run as the user of the platform, and accelerators are declared
slots, handed out and metered but not touched. A hosting site uses Slurm.
"""

from fabriek.compute.local.engine import LocalEngine, load_engine
from fabriek.compute.local.settings import LocalPartition

__all__ = ["LocalEngine", "LocalPartition", "load_engine"]
